"""Gatus's own form of alerting: a provider in `alerting`, and `alerts` at each endpoint that name it.

A provider becomes a channel, and so does each of its overrides; alerts of the same content become one route to it, for
exactly the endpoints that have them. Like Gatus, such a route tells of what is down and of nothing else.
"""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from milkrun.config.channels import read_as
from milkrun.config.gatus_providers import NO_CHANNEL, PROVIDERS, Provider, is_example
from milkrun.config.kind import ChannelReaders
from milkrun.config.routes import MOST_IN_A_ROW, nearest
from milkrun.config.section import Section
from milkrun.config.settings import ChannelSettings
from milkrun.core.alert import Route
from milkrun.core.endpoint import Endpoint
from milkrun.core.incident import Severity

# Gatus's defaults, and its bound on reminders.
FAILURES = 3
SUCCESSES = 2
LEAST_REMINDER = 300_000.0

_NOBODY = "alerts of this type tell nobody"

# Keys of a provider that are no keys of the channel which it becomes.
_NOT_THE_CHANNELS = frozenset({"default-alert", "overrides", "group", "client"})


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as written; None where it leaves a value to the provider's default. Durations are milliseconds."""

    enabled: bool | None = None
    failure: int | None = None
    success: int | None = None
    resolve: bool | None = None
    repeat: int | None = None
    description: str | None = None

    def or_else(self, default: "Alert") -> "Alert":
        """This alert, and the default's values where it has none."""
        own = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(default, **own)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One of an endpoint's `alerts`; `mark` tells its override of the provider from another, "" where it has none."""

    type: str
    mark: str
    alert: Alert
    section: Section


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What makes two endpoints' alerts the same."""

    type: str
    group: str
    mark: str
    alert: Alert


class Configured(msgspec.Struct, frozen=True):
    """A provider as configured: its default alert, and its channels' names and keys by group, "" for all others."""

    provider: Provider
    default: Alert
    channels: dict[str, tuple[str, Section]]


class GatusAlerts:
    """Gathers providers and alerts, whichever comes first, and gives channels and routes in the end."""

    def __init__(self, kinds: ChannelReaders) -> None:
        self.providers: dict[str, Configured] = {}
        self._kinds = kinds
        self._opened: dict[str, ChannelSettings] = {}
        self._wanted: dict[Wanted, list[tuple[str, Section]]] = {}

    @property
    def channels(self) -> tuple[ChannelSettings, ...]:
        """What providers, their overrides and their alerts' overrides come to; complete after `routes`."""
        return tuple(self._opened.values())

    def read(self, section: Section) -> None:
        """The providers among the keys of `alerting`."""
        for name in section.entries:
            if name in NO_CHANNEL and name in section:
                section.warning(name, f"Milkrun has no channel for Gatus's {name}; {NO_CHANNEL[name]}")
            elif name in PROVIDERS and PROVIDERS[name].kind in self._kinds and name in section:
                self._provider(name, section.section(name))

    def want(self, written: Iterable[Written], endpoint: Endpoint) -> None:
        """The alerts of one endpoint, which is to be."""
        for one in written:
            wanted = Wanted(type=one.type, group=endpoint.group, mark=one.mark, alert=one.alert)
            self._wanted.setdefault(wanted, []).append((endpoint.key, one.section))

    def routes(self, keys: set[str]) -> list[Route]:
        """A route for each content of alerts that some of these endpoints have."""
        routes: dict[Route, set[str]] = {}
        for wanted, places in self._wanted.items():
            provider = self.providers.get(wanted.type)
            if provider is None:
                _not_configured(wanted.type, places)
            elif (alert := wanted.alert.or_else(provider.default)).enabled is not False:
                channel = self._channel(provider, wanted, places[0][1])
                if channel in self._opened:
                    route = _route(channel, alert)
                    routes.setdefault(route, set()).update(key for key, _ in places if key in keys)
        return [msgspec.structs.replace(route, endpoints=frozenset(which)) for route, which in routes.items() if which]

    def _provider(self, name: str, section: Section) -> None:
        provider, default = PROVIDERS[name], read_alert(section.section("default-alert"))
        channels = {"": (name, section)}
        for override in section.sections("overrides"):
            group = override.text("group")
            if not group or group in channels:
                override.problem("group", "expected a group that no other override has")
                continue
            channels[group] = (f"{name}:{group}", override.over(section, _NOT_THE_CHANNELS))
        for which, keys in channels.values():
            if not self._open(which, provider, keys):
                break  # what is wrong with the provider is wrong with all that is laid over it
        self.providers[name] = Configured(provider, default, channels)

    def _open(self, name: str, provider: Provider, section: Section) -> bool:
        """Add a channel; whether it could be read.

        Values that no service has are a warning, as in Gatus: its examples' `***` and `...` are no reason not to start.
        """
        if is_example(section):
            section.doubt(f"an address of asterisks is an example's; {_NOBODY}")
            section.take()
            return False
        keys = provider.keys(section)
        options = None if keys is None else self._kinds[provider.kind].read(keys)
        if options is None and keys not in (None, section):
            section.doubt(f"Apprise, which delivers to it, takes keys of another form than these; {_NOBODY}")
        channel = read_as(section, name, provider.kind, options)
        section.forgive()
        if channel is not None:
            self._opened[name] = channel
        return channel is not None

    def _channel(self, configured: Configured, wanted: Wanted, alert: Section) -> str:
        """The channel of these alerts; one of its own where they override their provider."""
        name, section = configured.channels.get(wanted.group, configured.channels[""])
        if not wanted.mark:
            return name
        own = f"{name}:{wanted.mark}"
        if own not in self._opened:
            merged = alert.section("provider-override").over(section, _NOT_THE_CHANNELS)
            self._open(own, configured.provider, merged)
        return own


def read_alerts(endpoint: Section) -> list[Written]:
    """An endpoint's `alerts`."""
    return [written for section in endpoint.sections("alerts") if (written := _written(section)) is not None]


def _written(section: Section) -> Written | None:
    kind, alert = section.text("type"), read_alert(section)
    override = section.section("provider-override")
    override.take()
    if kind not in PROVIDERS and kind not in NO_CHANNEL:
        section.problem("type", f"expected one of Gatus's types of alert, {nearest(kind, PROVIDERS)}")
        return None
    return Written(type=kind, mark=override.mark() if override.entries else "", alert=alert, section=section)


def read_alert(section: Section) -> Alert:
    """An alert of an endpoint, or a provider's `default-alert`; a threshold of 0 is Gatus's word for the default."""
    return Alert(
        enabled=section.flag("enabled", default=True) if "enabled" in section else None,
        failure=section.number("failure-threshold", 0, most=MOST_IN_A_ROW) or None,
        success=section.number("success-threshold", 0, most=MOST_IN_A_ROW) or None,
        resolve=section.flag("send-on-resolved", default=False) if "send-on-resolved" in section else None,
        repeat=int(section.milliseconds("minimum-reminder-interval", 0.0, least=LEAST_REMINDER)) or None,
        description=section.text("description") if "description" in section else None,
    )


def _route(channel: str, alert: Alert) -> Route:
    """A route's name is part of its messages' identity: it must come of its content, wherever that stands."""
    route = Route(
        name="",
        channels=(channel,),
        severities=frozenset({Severity.CRITICAL}),
        failure=alert.failure or FAILURES,
        success=alert.success or SUCCESSES,
        repeat=alert.repeat or 0,
        resolve=alert.resolve or False,
        description=alert.description or "",
    )
    content = msgspec.json.encode((route.failure, route.success, route.repeat, route.resolve, route.description))
    return msgspec.structs.replace(route, name=f"{channel}-{blake2b(content, digest_size=4).hexdigest()}")


def _not_configured(kind: str, places: Iterable[tuple[str, Section]]) -> None:
    for _, section in places:
        if kind in NO_CHANNEL:
            section.warning("type", f"Milkrun has no channel for Gatus's {kind}; {NO_CHANNEL[kind]}")
        else:
            section.warning("type", f"alerting.{kind} is not configured, so that these alerts tell nobody")
