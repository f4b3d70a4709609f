"""The one client of all checks is what the settings say, and otherwise what the client is by itself."""

import pytest

from milkrun.client import AddressPolicy, Descriptors, KeepAlive
from milkrun.config.settings import AddressSettings, ClientSettings, KeepAliveSettings
from milkrun.probes.checking_client import checking_client


@pytest.mark.parametrize(
    ("settings", "keepalive"),
    [
        (KeepAliveSettings(), KeepAlive()),
        (KeepAliveSettings(enabled=False), None),
        (KeepAliveSettings(idle=30), KeepAlive(idle=30)),
        (
            KeepAliveSettings(idle=1, interval=2, count=4, user_timeout=2.5),
            KeepAlive(idle=1, interval=2, count=4, user_timeout=2.5),
        ),
    ],
)
def test_peers_are_watched_as_the_settings_say(settings: KeepAliveSettings, keepalive: KeepAlive | None) -> None:
    client = checking_client(ClientSettings(keepalive=settings), Descriptors(10))
    assert client._dialer._reach.keepalive == keepalive


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        (AddressSettings(), None),
        (AddressSettings(deny=("10.0.0.0/8",)), AddressPolicy(deny=["10.0.0.0/8"])),
        (AddressSettings(allow=("::1/128",)), AddressPolicy(allow=["::1"])),
        (AddressSettings(public_only=True, deny=("1.1.1.1/32",)), AddressPolicy.public(deny=["1.1.1.1"])),
    ],
)
def test_addresses_are_judged_as_the_settings_say(settings: AddressSettings, policy: AddressPolicy | None) -> None:
    client = checking_client(ClientSettings(addresses=settings), Descriptors(10))
    assert repr(client._dialer._reach.policy) == repr(policy)


def test_checks_speak_http_1_1_and_no_environment_is_asked_unless_somebody_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    request = checking_client(ClientSettings(), Descriptors(10)).prepare("GET", "https://h/")
    assert (request.options.http2, request.options.route.proxy) == (False, None)
