"""Who may reach the pages, under which name, and as whom."""

import asyncio
import base64

import pytest

from milkrun.clock import ManualClock
from milkrun.config.settings import BasicAuth, WebSettings
from milkrun.web import principal
from milkrun.web.exposure import answered_names, host_name, is_answered, refusal
from milkrun.web.principal import ANYONE, Guard, RefusedError
from tests.support.access import AUTH, EVERYWHERE, header


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
def test_this_machine_alone_needs_no_password(host: str) -> None:
    assert refusal(WebSettings(host=host)) is None


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.9", "monitor.example.org"])
def test_another_address_without_a_password_is_refused_with_what_to_do(host: str) -> None:
    said = refusal(WebSettings(host=host))
    assert said is not None
    assert host in said
    assert "security.basic" in said
    assert "--allow-unauthenticated" in said


@pytest.mark.parametrize(
    "settings", [WebSettings(host=EVERYWHERE, basic=AUTH), WebSettings(host=EVERYWHERE, allow_unauthenticated=True)]
)
def test_another_address_with_a_password_or_on_purpose_is_served(settings: WebSettings) -> None:
    assert refusal(settings) is None


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8090", "localhost"),
        ("Monitor.Example.org.", "monitor.example.org"),
        ("[::1]:8090", "::1"),
        ("[::1]", "::1"),
        ("10.0.0.1", "10.0.0.1"),
        ("", ""),
    ],
)
def test_a_host_header_is_a_name_and_maybe_a_port(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("header", "answered"),
    [
        ("localhost:8090", True),
        ("127.0.0.1:8090", True),
        ("[::1]:8090", True),
        ("10.1.2.3", True),
        ("monitor.example.org:443", True),
        ("evil.example.com", False),
        ("localhost.evil.example.com", False),
        ("", False),
    ],
)
def test_names_are_answered_only_if_they_are_ours(header: str, answered: bool) -> None:
    names = answered_names(WebSettings(allowed_hosts=("Monitor.example.org",)))
    assert is_answered(header, names) is answered


def test_beyond_this_machine_its_own_name_is_answered() -> None:
    import socket

    assert socket.gethostname().lower() in answered_names(WebSettings(host=EVERYWHERE))


async def test_without_a_password_everyone_is_anyone() -> None:
    assert await Guard(None).identify(None, "10.0.0.1") is ANYONE


async def test_the_right_password_makes_a_principal() -> None:
    who = await Guard(AUTH).identify(header("ada:secret"), "10.0.0.1")
    assert who.name == "ada"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer x",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        header("no colon"),
        header("ada:wrong"),
        header("eve:secret"),
        header("ada:"),
    ],
)
async def test_anything_else_is_refused_as_401(authorization: str | None) -> None:
    with pytest.raises(RefusedError) as refused:
        await Guard(AUTH).identify(authorization, "10.0.0.1")
    assert refused.value.status == 401


async def test_a_password_that_passed_is_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(AUTH)
    await guard.identify(header("ada:secret"), "10.0.0.1")
    monkeypatch.setattr(principal, "matches", None)
    assert (await guard.identify(header("ada:secret"), "10.0.0.2")).name == "ada"


async def test_wrong_passwords_from_one_address_are_bounded_a_minute() -> None:
    clock = ManualClock()
    guard = Guard(AUTH, clock)
    for _ in range(principal.FAILURES):
        with pytest.raises(RefusedError):
            await guard.identify(header("ada:wrong"), "10.0.0.1")
    with pytest.raises(RefusedError) as refused:
        await guard.identify(header("ada:secret"), "10.0.0.1")
    assert refused.value.status == 429
    assert (await guard.identify(header("ada:secret"), "10.0.0.2")).name == "ada"
    assert (await guard.identify(header("ada:secret"), "10.0.0.1")).name == "ada", "a proven password is never held up"


async def test_after_a_minute_an_address_may_try_again() -> None:
    clock = ManualClock()
    guard = Guard(AUTH, clock)
    for _ in range(principal.FAILURES):
        with pytest.raises(RefusedError):
            await guard.identify(header("ada:wrong"), "10.0.0.1")
    await clock.advance(principal.MINUTE)
    assert (await guard.identify(header("ada:secret"), "10.0.0.1")).name == "ada"


async def test_few_passwords_wait_to_be_checked_and_the_rest_are_told_to_come_back() -> None:
    guard = Guard(AUTH)
    tries = [guard.identify(header(f"ada:{n}"), f"10.0.0.{n}") for n in range(principal.WAITING + 3)]
    ends = await asyncio.gather(*tries, return_exceptions=True)
    statuses = [end.status for end in ends if isinstance(end, RefusedError)]
    assert sorted(statuses) == [401] * principal.WAITING + [429] * 3


async def test_addresses_remembered_for_their_failures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(principal, "ADDRESSES", 2)
    monkeypatch.setattr(principal, "FAILURES", 1)
    guard = Guard(AUTH)
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        with pytest.raises(RefusedError):
            await guard.identify(header("ada:wrong"), address)
    with pytest.raises(RefusedError) as refused:
        await guard.identify(header("ada:wrong"), "10.0.0.1")
    assert refused.value.status == 401


def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not principal.matches(BasicAuth(username="ada", password_bcrypt=b"no hash"), "ada", "secret")
