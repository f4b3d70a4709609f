"""nginx: files, gzip and refusals of its own, everything else passed on. It announces what it closes."""

import os
from pathlib import Path

from tools.servers import find

from tests.conformance.door import Door, Layer, Manner, Order

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type text/plain;
    root {site};
    ssl_certificate {pem};
    ssl_certificate_key {pem};
    {doors}
}}
"""
_DOOR = """
    server {{
        listen 127.0.0.1:{port} {layer};
        {manner}
        location = /text {{ gzip on; gzip_types *; }}
        location = /empty {{ return 204; }}
        location = /unchanged {{ add_header ETag '"1"' always; return 304; }}
        location = /trailers {{ alias {site}/text; add_trailer X-Stops 2000; }}
        location = /last {{ alias {site}/plain; keepalive_timeout 0; }}
        location = /refused {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{application}; }}
        location ~ ^/(pieces|slow|stalled|upload)$ {{
            client_max_body_size 0;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_pass http://127.0.0.1:{application};
        }}
    }}
"""
_LAYERS = {Layer.PLAIN: "", Layer.TLS: "ssl http2", Layer.H2C: "http2"}


class Nginx:
    """A master and one worker."""

    name = "nginx"
    remedy = "apt-get install nginx"
    layers = frozenset(Layer)
    http2 = True
    patience = 0.02
    lifetime = 3
    codings = frozenset({"gzip"})
    trailers = True
    lingers = True

    def program(self) -> str | None:
        """As the set-up of the tests finds it."""
        return find("nginx")

    def command(self, order: Order) -> list[str]:
        """With its way of handing listening sockets on to its next version, which is: by a list of descriptors."""
        file = Path(order.folder) / "nginx.conf"
        file.write_text(_configuration(order))
        inherited = "".join(f"{door.fd};" for door in order.doors)
        program = self.program() or self.name
        return ["env", f"NGINX={inherited}", program, "-p", order.folder, "-c", str(file), "-e", "stderr"]


def _configuration(order: Order) -> str:
    return _CONFIGURATION.format(
        folder=order.folder,
        user="user root;" if os.geteuid() == 0 else "",  # another could not read the test's files
        site=order.site,
        pem=order.pem,
        doors="".join(_door(order, door) for door in order.doors),
    )


def _door(order: Order, door: Door) -> str:
    manners = {
        Manner.STEADY: "",
        Manner.IMPATIENT: f"keepalive_timeout {order.patience * 1000:.0f}ms;",
        Manner.FLEETING: f"keepalive_requests {order.lifetime};",
    }
    return _DOOR.format(
        port=door.port,
        layer=_LAYERS[door.layer],
        manner=manners[door.manner],
        site=order.site,
        application=order.application,
    )
