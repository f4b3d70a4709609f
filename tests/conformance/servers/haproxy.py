"""HAProxy: everything passed on, framed and compressed anew. Its doors without TLS know HTTP/2 by its preface."""

from pathlib import Path

from tools.servers import find

from tests.conformance.door import Door, Layer, Manner, Order

_CONFIGURATION = """
global
    log stderr format raw local0 warning
    maxconn 512
defaults
    mode http
    option http-no-delay
    timeout connect 10s
    timeout client 30s
    timeout server 30s
{doors}
backend application
    http-response set-header Connection close if {{ var(txn.last) -m bool }}
    server application 127.0.0.1:{application}
"""
_DOOR = """
frontend {name}
    bind fd@{fd} {layer}
    {manner}
    http-request return status 204 if {{ path /empty }}
    http-request return status 304 hdr ETag 1 if {{ path /unchanged }}
    http-request deny deny_status 413 if {{ path /refused }}
    filter compression
    compression algo gzip
    compression type text/plain
    http-request set-var(txn.last) bool(true) if {{ path /last }}
    http-after-response set-header Connection close if {{ var(txn.last) -m bool }}
    default_backend application
"""


class HAProxy:
    """One process with one thread."""

    name = "haproxy"
    remedy = "apt-get install haproxy"
    layers = frozenset(Layer)
    http2 = True
    patience = 0.02
    lifetime = 1
    codings = frozenset({"gzip"})
    trailers = False
    lingers = False

    def program(self) -> str | None:
        """As the set-up of the tests finds it."""
        return find("haproxy")

    def command(self, order: Order) -> list[str]:
        """In the foreground."""
        file = Path(order.folder) / "haproxy.cfg"
        doors = "".join(_door(order, door) for door in order.doors)
        file.write_text(_CONFIGURATION.format(doors=doors, application=order.application))
        return [self.program() or self.name, "-db", "-f", str(file)]


def _door(order: Order, door: Door) -> str:
    manners = {
        Manner.STEADY: "",
        Manner.IMPATIENT: f"timeout http-keep-alive {order.patience * 1000:.0f}ms",
        Manner.FLEETING: "option httpclose",
    }
    layers = {Layer.PLAIN: "", Layer.TLS: f"ssl crt {order.pem} alpn h2,http/1.1", Layer.H2C: "proto h2"}
    return _DOOR.format(
        name=f"{door.manner}-{door.layer}", fd=door.fd, layer=layers[door.layer], manner=manners[door.manner]
    )
