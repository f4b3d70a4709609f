"""The section `alerting`: channels, routes, a heartbeat, and Gatus's own form of all this, as one AlertingSettings."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from milkrun.config.channels import read_channel
from milkrun.config.gatus import NOT_BUILT_KEYS
from milkrun.config.gatus_alerts import GatusAlerts
from milkrun.config.kind import ChannelReaders
from milkrun.config.routes import RouteReader
from milkrun.config.section import Section
from milkrun.config.settings import AlertingSettings, ChannelSettings, HeartbeatSettings
from milkrun.core.alert import Route
from milkrun.core.endpoint import Endpoint

# Who configures channels and no route wants to hear of everything.
EVERYTHING = "everything"

_HTTP = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)


class AlertingReader:
    """Reads the section, and each endpoint's `alerts`, in whatever order a file has them."""

    def __init__(self, kinds: ChannelReaders) -> None:
        self._kinds = kinds
        self._section: Section | None = None
        self._own: dict[str, ChannelSettings | None] = {}
        self._routes: list[tuple[Route, Section]] = []
        self._heartbeat: HeartbeatSettings | None = None
        self.gatus = GatusAlerts(kinds)

    def read(self, section: Section) -> None:
        """Read the section; a second one, in another file, is a problem."""
        if self._section is not None:
            section.refuse("expected this section in one file only")
            return
        self._section = section
        channels = section.section("channels")
        self._own = {name: read_channel(channels.section(name), name, self._kinds) for name in channels.entries}
        self.gatus.read(section)
        for name in self._own.keys() & self.gatus.providers.keys():
            channels.problem(name, f"expected another name: {name} is also one of Gatus's providers in this section")
        self._read_routes(section, channels)
        if "heartbeat" in section:
            self._heartbeat = read_heartbeat(section.section("heartbeat"))
        section.done(NOT_BUILT_KEYS)

    def settings(self, endpoints: Iterable[Endpoint]) -> AlertingSettings:
        """All of it, once every file has been read; what is wrong with it has been reported."""
        keys = {endpoint.key for endpoint in endpoints}
        for route, section in self._routes:
            _check_endpoints(section, route.endpoints or frozenset(), keys)
        own = [channel for channel in self._own.values() if channel is not None]
        routes = (*[route for route, _ in self._routes], *self.gatus.routes(keys))  # before its channels are asked for
        return AlertingSettings(
            channels=(*own, *self.gatus.channels),
            routes=routes,
            heartbeat=self._heartbeat,
        )

    def _read_routes(self, section: Section, channels: Section) -> None:
        if "routes" not in section:
            if self._own:
                self._routes = [(Route(name=EVERYTHING, channels=tuple(self._own)), section)]
            return
        reader = RouteReader([*self._own, *(channel.name for channel in self.gatus.channels)])
        self._routes = [(reader.read(item, index), item) for index, item in enumerate(section.sections("routes"))]
        for name in self._own:
            if name not in reader.used:
                channels.warning(name, "no route leads to this channel")


def read_heartbeat(section: Section) -> HeartbeatSettings | None:
    """`heartbeat`: who hears that Milkrun is alive, so that its silence is noticed."""
    words = section.words("url")
    if words is None or _HTTP.fullmatch(words.text) is None:
        section.problem("url", "expected the http:// or https:// address to visit")
    default = HeartbeatSettings(url="" if words is None else words.text)
    return HeartbeatSettings(
        url=default.url,
        interval=section.milliseconds("interval", default.interval * 1_000, least=1_000.0) / 1_000,
        timeout=section.milliseconds("timeout", default.timeout * 1_000, least=100.0) / 1_000,
    )


def _check_endpoints(section: Section, wanted: Iterable[str], keys: set[str]) -> None:
    """An endpoint may come later, or be disabled for now, so that a route to nowhere is no error."""
    for key in sorted(set(wanted) - keys):
        near = get_close_matches(key, keys, n=1)
        section.warning("endpoints", f"no endpoint has the key {key!r}" + (f", perhaps {near[0]!r}" if near else ""))
