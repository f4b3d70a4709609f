"""Gatus's providers of alerts: which kind of channel each becomes, with which keys.

Where Milkrun has a channel of the same keys, they are left as they are. Those that only Apprise knows become an
Apprise URL (https://appriseit.com/services/), made of the provider's own keys.
"""

from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from milkrun.config.section import Section


class Provider(msgspec.Struct, frozen=True):
    """The kind of channel, and what gives that kind its keys from the provider's."""

    kind: str
    keys: Callable[[Section], Section | None] = lambda section: section


class _Keys:
    """A provider's keys as the parts of a URL; the first that is missing is told, and there is no URL."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self.missing = False

    def part(self, key: str) -> str:
        """A required key, so that no character of it ends its part of the URL."""
        return quote(self._required(key), safe="")

    def optional(self, key: str) -> str:
        """The same of a key that Gatus can do without."""
        return quote(self._section.text(key), safe="")

    def parts(self, key: str) -> str:
        """A required list, or a text with commas, as parts of a path."""
        words = [words.text for words in self._section.one_or_several(key)]
        found = [quote(text.strip(), safe="") for word in words for text in word.split(",") if text.strip()]
        if not found:
            self._require(key)
        return "/".join(found)

    def server(self, key: str, scheme: str) -> tuple[str, str]:
        """An http or https address, as Apprise's scheme with the host, and its path without slashes around it."""
        return _server(self._required(key), scheme)

    def server_or(self, default: str, key: str, scheme: str) -> tuple[str, str]:
        """The same, of a key that has a default."""
        return self.server(key, scheme) if key in self._section else _server(default, scheme)

    def mail(self, key: str) -> str:
        """A required address of an email, whose @ Apprise wants to see."""
        return self.part(key).replace("%40", "@")

    def whole(self, key: str) -> str:
        """An address that Apprise reads as it is."""
        return self._required(key)

    def query(self, **keys: str) -> str:
        """Optional keys by the names that Apprise has for them."""
        given = {name: self._section.text(key) for name, key in keys.items() if key in self._section}
        return f"?{urlencode(given)}" if given else ""

    def _required(self, key: str) -> str:
        text = self._section.text(key)
        if not text:
            self._require(key)
        return text

    def _require(self, key: str) -> None:
        self.missing = True
        self._section.problem(key, "expected a text here, as Gatus does")


def is_example(section: Section) -> bool:
    """Whether it is as Gatus's documents have it: there is no host of asterisks."""
    return "*" in urlsplit(section.text("webhook-url")).netloc


def _server(address: str, scheme: str) -> tuple[str, str]:
    parts = urlsplit(address)
    secure = "s" if parts.scheme == "https" else ""
    return f"{scheme}{secure}://{parts.netloc}", parts.path.strip("/")


def _apprise(url: Callable[[_Keys], str]) -> Provider:
    def keys(section: Section) -> Section | None:
        parts = _Keys(section)
        made = url(parts)
        return None if parts.missing else section.holding("urls", [made])

    return Provider("apprise", keys)


def _gotify(keys: _Keys) -> str:
    host, path = keys.server("server-url", "gotify")
    folder = f"{path}/" if path else ""
    return f"{host}/{folder}{keys.part('token')}{keys.query(priority='priority')}"


def _mattermost(keys: _Keys) -> str:
    """The address ends in /hooks/ and a token; what is before that is where Mattermost lives."""
    host, path = keys.server("webhook-url", "mmost")
    return f"{host}/{path.replace('hooks/', '', 1)}{keys.query(channel='channel')}"


def _rocketchat(keys: _Keys) -> str:
    host, path = keys.server("webhook-url", "rocket")
    scheme, _, authority = host.partition("://")
    return f"{scheme}://{path.removeprefix('hooks/')}@{authority}/{keys.query(to='channel')}"


def _matrix(keys: _Keys) -> str:
    host, _ = keys.server_or("https://matrix.org", "server-url", "matrix")
    scheme, _, authority = host.partition("://")
    return f"{scheme}://{keys.part('access-token')}@{authority}/{keys.part('internal-room-id')}"


def _signal(keys: _Keys) -> str:
    host, _ = keys.server("api-url", "signal")
    return f"{host}/{keys.part('number')}/{keys.parts('recipients')}"


def _homeassistant(keys: _Keys) -> str:
    host, _ = keys.server("url", "hassio")
    return f"{host}/{keys.part('token')}"


def _webex(keys: _Keys) -> str:
    _, path = keys.server("webhook-url", "webex")
    return f"webex://{path.rpartition('/')[2]}"


def _pushover(keys: _Keys) -> str:
    query = keys.query(priority="priority", sound="sound")
    return f"pover://{keys.part('user-key')}@{keys.part('application-token')}/{query}"


def _ses(keys: _Keys) -> str:
    """Without an account of its own Gatus takes the machine's, which Apprise cannot: it refuses what this comes to."""
    account = f"{keys.optional('access-key-id')}/{keys.optional('secret-access-key')}/{keys.part('region')}"
    return f"ses://{keys.mail('from')}/{account}/{keys.parts('to')}"


def _zulip(keys: _Keys) -> str:
    """Apprise knows a bot by the name before its address's `-bot@`, and an organisation of zulipchat.com by its own."""
    bot = keys.part("bot-email").partition("-bot%40")[0]
    organisation = keys.part("domain").removesuffix(".zulipchat.com")
    return f"zulip://{bot}@{organisation}/{keys.part('bot-api-key')}/{keys.part('channel-id')}"


def _through(account: str, secret: str, scheme: str) -> Provider:
    """A service of text messages: an account, its secret, who sends and who gets them."""
    return _apprise(
        lambda keys: f"{scheme}://{keys.part(account)}:{keys.part(secret)}@{keys.part('from')}/{keys.parts('to')}"
    )


PROVIDERS: dict[str, Provider] = {
    "custom": Provider("webhook"),
    "discord": Provider("discord"),
    "email": Provider("email"),
    "ntfy": Provider("ntfy"),
    "opsgenie": Provider("opsgenie"),
    "pagerduty": Provider("pagerduty"),
    "slack": Provider("slack"),
    "teams": Provider("teams"),
    "teams-workflows": Provider("teams"),
    "telegram": Provider("telegram"),
    "aws-ses": _apprise(_ses),
    "googlechat": _apprise(lambda keys: keys.whole("webhook-url")),
    "gotify": _apprise(_gotify),
    "homeassistant": _apprise(_homeassistant),
    "ifttt": _apprise(lambda keys: f"ifttt://{keys.part('webhook-key')}@{keys.part('event-name')}"),
    "line": _apprise(lambda keys: f"line://{keys.part('channel-access-token')}/{keys.parts('user-ids')}"),
    "matrix": _apprise(_matrix),
    "mattermost": _apprise(_mattermost),
    "messagebird": _apprise(
        lambda keys: f"msgbird://{keys.part('access-key')}/{keys.part('originator')}/{keys.parts('recipients')}"
    ),
    "plivo": _apprise(
        lambda keys: f"plivo://{keys.part('auth-id')}@{keys.part('auth-token')}/{keys.part('from')}/{keys.parts('to')}"
    ),
    "pushover": _apprise(_pushover),
    "rocketchat": _apprise(_rocketchat),
    "sendgrid": _apprise(lambda keys: f"sendgrid://{keys.part('api-key')}:{keys.mail('from')}/{keys.parts('to')}"),
    "signal": _apprise(_signal),
    "signl4": _apprise(lambda keys: f"signl4://{keys.part('team-secret')}"),
    "twilio": _through("sid", "token", "twilio"),
    "vonage": _through("api-key", "api-secret", "vonage"),
    "webex": _apprise(_webex),
    "zulip": _apprise(_zulip),
}

_WEBHOOK = "a channel of type webhook can post to its address"
_EMAIL = "a channel of type email can write to the address it has for this"

# Providers that are no channels here, and what to write instead.
NO_CHANNEL: dict[str, str] = {
    "clickup": _EMAIL,
    "datadog": _WEBHOOK,
    "gitea": _WEBHOOK,
    "github": _WEBHOOK,
    "gitlab": _WEBHOOK,
    "ilert": _EMAIL,
    "incident-io": _WEBHOOK,
    "jetbrainsspace": _WEBHOOK,
    "jira": "a channel of type apprise with a jira:// address can",
    "n8n": _WEBHOOK,
    "newrelic": _WEBHOOK,
    "splunk": "a channel of type apprise with a victorops:// address can",
    "squadcast": _WEBHOOK,
    "zapier": _WEBHOOK,
}
