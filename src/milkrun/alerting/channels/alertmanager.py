"""Prometheus Alertmanager, API v2: alerts as its clients post them (github.com/prometheus/alertmanager, openapi.yaml).

It expects alerts again and again, and takes one for over that it has not heard of for five minutes. Milkrun tells
once; so an open alert is given a far end, which each reminder moves on, and its real end when the incident is over.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, cast

import msgspec
import structlog

from milkrun.alerting.channel import DeliveryError, Letter, TransientError
from milkrun.alerting.channels.posting import JSON, Headers, Place, post
from milkrun.alerting.channels.reading import read_urls
from milkrun.alerting.plain import line
from milkrun.alerting.sentences import item_of
from milkrun.alerting.spans import iso
from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import Kind, Severity
from milkrun.probes.http import read_headers

log = structlog.get_logger()

_PATH = "/api/v2/alerts"
_BITE = 256  # alerts a request, as many as Prometheus sends
PATIENCE = 5.0  # seconds for one of several: one that hangs must not hold up the others
_TEST_LASTS = 300_000
_TEXT = 500  # characters of a label or an annotation
_NAMES = {
    Kind.OUTAGE: "MilkrunOutage",
    Kind.CERTIFICATE: "MilkrunCertificate",
    Kind.DOMAIN: "MilkrunDomain",
    Kind.NETWORK: "MilkrunNetwork",
}
# An outage may have got worse after it was told of, and severity is a label: its end is told for each it may have had.
_SEVERITIES = {Kind.OUTAGE: (Severity.CRITICAL, Severity.WARNING)}


class AlertmanagerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Each of `urls` is told, whole with its path. `headers` may hold a secret. `lasts`: ms to an alert's far end."""

    urls: tuple[str, ...]
    headers: Headers = ()
    labels: tuple[tuple[str, str], ...] = ()
    lasts: int = 30 * 86_400_000

    def __repr__(self) -> str:
        return f"<AlertmanagerOptions of {len(self.urls)}>"  # URLs may carry credentials

    def __rich_repr__(self) -> list[tuple[str, int]]:  # else msgspec's own shows every field
        return [("urls", len(self.urls))]


class AlertmanagerKind:
    """Reads and opens."""

    def read(self, section: Section) -> AlertmanagerOptions | None:
        """As `ChannelKind`."""
        urls = read_urls(section, "url")
        headers = read_headers(section.section("headers"))
        labels = tuple([(name, words.text) for name, words in section.section("labels").pairs()])
        lasts = section.milliseconds("expires-after", AlertmanagerOptions(urls=()).lasts, least=600_000)
        if not urls:
            return None
        return AlertmanagerOptions(urls=tuple(map(_whole, urls)), headers=headers, labels=labels, lasts=int(lasts))

    def open(self, options: msgspec.Struct, *, client: Client) -> "AlertmanagerChannel":
        """As `ChannelKind`."""
        return AlertmanagerChannel(cast("AlertmanagerOptions", options), client)


class AlertmanagerChannel:
    """One Alertmanager, or a cluster of which each is told, as Prometheus does; one that takes it is enough.

    Each of a cluster has `patience` seconds.
    """

    def __init__(self, options: AlertmanagerOptions, client: Client, *, patience: float = PATIENCE) -> None:
        secrets = tuple([value for _, value in options.headers])
        self._places = [
            Place(service="Alertmanager", url=url, headers=options.headers, secrets=secrets) for url in options.urls
        ]
        self._options = options
        self._client = client
        self._patience = patience

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`."""
        alerts = [alert for message in letter.messages for alert in alerts_of(message, letter, self._options)]
        if len(self._places) == 1:
            await self._tell(self._places[0], alerts, letter)
            return
        told = await asyncio.gather(*(self._tell_in_time(place, alerts, letter) for place in self._places))
        failures = [failure for failure in told if failure is not None]
        if len(failures) == len(told):
            # Transient if any is: that one may take it yet.
            raise next((failure for failure in failures if isinstance(failure, TransientError)), failures[0])
        for failure in failures:
            log.warning("one Alertmanager of several was not told", why=str(failure))

    async def _tell_in_time(self, place: Place, alerts: Sequence[Any], letter: Letter) -> DeliveryError | None:
        try:
            async with asyncio.timeout(self._patience):
                await self._tell(place, alerts, letter)
        except TimeoutError:
            return TransientError(f"{place.service} did not answer within {self._patience:g} s")
        except DeliveryError as err:
            return err
        return None

    async def _tell(self, place: Place, alerts: Sequence[Any], letter: Letter) -> None:
        for start in range(0, len(alerts), _BITE):
            content = msgspec.json.encode(alerts[start : start + _BITE])
            await post(self._client, place, content, letter=letter, key=f"{letter.id}/{start}", headers=(JSON,))


def alerts_of(message: Message, letter: Letter, options: AlertmanagerOptions) -> Iterator[dict[str, Any]]:
    """A message as alerts of the API: one, or at its end one for each severity it may have had."""
    subject = message.subject
    is_over = message.purpose is Purpose.RESOLVE
    severities = _SEVERITIES.get(subject.kind, (subject.severity,)) if is_over else (subject.severity,)
    item = item_of(message, at=letter.at, zone=UTC, links=())
    annotations = {
        "summary": f"{item.mark} {item.headline}",
        "description": line(subject.cause, _TEXT),
        "target": line(subject.url, _TEXT),
        "tags": line(", ".join(subject.tags), _TEXT),
        "note": line(subject.description, _TEXT),
        "acknowledge": letter.ack_urls.get(message.id, ""),
    }
    link = letter.incident_urls.get(message.id)
    for severity in severities:
        yield {
            "labels": _labels(message, severity, options),
            "annotations": {name: text for name, text in annotations.items() if text},
            "startsAt": iso(subject.opened),
            "endsAt": iso(_end(message, letter.at, options.lasts)),
            **({"generatorURL": link} if link else {}),
        }


def _labels(message: Message, severity: Severity, options: AlertmanagerOptions) -> dict[str, str]:
    """What tells an alert from others, and so must be the same at its end: nothing here changes with an incident."""
    subject = message.subject
    own = {
        "alertname": "MilkrunTest" if message.purpose is Purpose.TEST else _NAMES[subject.kind],
        "endpoint": line(subject.key, _TEXT),
        "name": line(subject.name, _TEXT),
        "group": line(subject.group, _TEXT),
        "kind": subject.kind.value,
        "severity": severity.value,
    }
    return {name: text for name, text in {**own, **dict(options.labels)}.items() if text}


def _end(message: Message, at: int, lasts: int) -> int:
    if message.purpose is Purpose.TEST:
        return at + _TEST_LASTS
    if message.purpose is not Purpose.RESOLVE:
        return at + lasts
    closed = message.subject.closed
    return max(message.subject.opened, message.created if closed is None else closed)


def _whole(url: str) -> str:
    return url if url.endswith(_PATH) else url.rstrip("/") + _PATH


KIND = AlertmanagerKind()
