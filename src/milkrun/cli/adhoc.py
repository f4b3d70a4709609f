"""Endpoints for URLs that stand on the command line: checked by the default rules."""

from collections.abc import Iterable

from milkrun.cli.refusal import hinted, refuse
from milkrun.client.errors import UsageError
from milkrun.client.url import parse_url
from milkrun.config.settings import Settings
from milkrun.core.endpoint import Endpoint
from milkrun.core.keys import endpoint_key
from milkrun.probes.http import HttpOptions

TIMEOUT = 10.0
INTERVAL = 60_000


def adhoc_settings(urls: Iterable[str]) -> Settings:
    """Return settings with one endpoint a URL (each once); refuse those that are none, all at once."""
    endpoints, problems = [], []
    for url in dict.fromkeys(urls):
        try:
            endpoints.append(_endpoint(url))
        except UsageError as err:
            problems.append(hinted(url, err, scheme="https"))
    if problems:
        refuse(*problems)
    return Settings(endpoints=tuple(endpoints))


def _endpoint(url: str) -> Endpoint:
    shown = parse_url(url).text
    return Endpoint(
        key=endpoint_key("", shown),
        name=shown,
        group="",
        kind="http",
        target=shown,
        interval=INTERVAL,
        timeout=TIMEOUT,
        options=HttpOptions(url=url),
    )
