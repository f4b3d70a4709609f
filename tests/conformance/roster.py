"""The servers under test: a file and a line each."""

from tests.conformance.server import Server
from tests.conformance.servers.caddy import Caddy
from tests.conformance.servers.haproxy import HAProxy
from tests.conformance.servers.hypercorn import Hypercorn
from tests.conformance.servers.nginx import Nginx
from tests.conformance.servers.node import Node
from tests.conformance.servers.standard_library import StandardLibrary
from tests.conformance.servers.uvicorn import Uvicorn

APPLICATION = Uvicorn()  # whom the others pass on to

SERVERS: tuple[Server, ...] = (
    Nginx(),
    HAProxy(),
    Caddy(),
    APPLICATION,
    Uvicorn("zttp"),
    Hypercorn(),
    Node(),
    StandardLibrary(),
)
