"""The Apprise channel, through plugins of its that post to a server of ours: what arrives, what fails, what hangs."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from milkrun.alerting.channel import Channel, DeliveryError, Letter, TransientError
from milkrun.alerting.channels.apprise import MOST, AppriseChannel, AppriseKind, AppriseOptions
from milkrun.client import Client
from milkrun.core.alert import Purpose
from milkrun.core.incident import Kind, Severity
from milkrun.core.outcome import Outcome
from tests.support.configuring import Configured
from tests.support.letters import MINUTE, a_letter, an_alert
from tests.support.receivers import HANG, OK, RESET, Answer, Receiver, receiver

SECRET = "s3cr3t-0123456789"  # a test's


def apprise(*urls: str) -> AppriseChannel:
    return AppriseChannel(AppriseOptions(urls=urls))


def at(place: Receiver, plugin: str = "json", rest: str = SECRET) -> str:
    return f"{plugin}://milkrun:{SECRET}@127.0.0.1:{place.port}/{rest}"


async def failure(channel: Channel, letter: Letter) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await channel.deliver(letter)
    return caught.value


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as warm:
        yield warm


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The loggers of what comes to the handlers of the whole process."""
    names: list[str] = []

    class Names(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            names.append(record.name)

    handler = Names()
    logging.getLogger().addHandler(handler)
    yield names
    logging.getLogger().removeHandler(handler)


async def test_a_letter_arrives_through_each_service_in_order(client: Client) -> None:
    async with receiver() as place:
        options = AppriseOptions(urls=(at(place), at(place, "form")))
        await AppriseKind().open(options, client=client).deliver(a_letter())
    as_json, as_form = place.heard
    assert (as_json.method, as_json.target) == ("POST", f"/{SECRET}")
    assert as_json.json["title"].startswith("▲ checkout is down")
    assert "https://status.example/incidents" in as_json.json["message"]
    assert as_json.json["type"] == "failure"
    assert as_form.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert b"type=failure" in as_form.body


@pytest.mark.parametrize(
    ("letter", "kind"),
    [
        (a_letter(), "failure"),
        (a_letter(an_alert(state=Outcome.DEGRADED, severity=Severity.WARNING)), "warning"),
        (a_letter(an_alert(kind=Kind.NETWORK, severity=Severity.NOTICE)), "info"),
        (a_letter(an_alert(Purpose.RESOLVE, lasted=MINUTE)), "success"),
    ],
)
async def test_the_kind_of_a_notification_is_how_bad_the_news_is(letter: Letter, kind: str) -> None:
    async with receiver() as place:
        await apprise(at(place)).deliver(letter)
    assert place.heard[0].json["type"] == kind


async def test_who_got_a_letter_does_not_get_it_again_while_another_fails() -> None:
    async with receiver() as good, receiver(Answer(status=500), OK) as bad:
        channel = apprise(at(good), at(bad))
        await failure(channel, a_letter())
        await channel.deliver(a_letter())
        assert (len(good.heard), len(bad.heard)) == (1, 2)
        await channel.deliver(a_letter(an_alert(number=2), letter="letter-2"))
        assert (len(good.heard), len(bad.heard)) == (2, 3)


@pytest.mark.parametrize("answer", [Answer(status=403, body=SECRET.encode()), Answer(status=500), RESET])
async def test_what_fails_says_why_and_nothing_secret(answer: Answer, logged: list[str]) -> None:
    async with receiver(answer) as place:
        error = await failure(apprise(at(place)), a_letter())
    assert isinstance(error, TransientError)
    assert str(error).startswith("Apprise could not send it: ")
    assert SECRET not in str(error)
    assert "127.0.0.1" not in str(error)  # where a URL has a host, many services have their token
    assert "apprise" not in logged


async def test_a_plugin_s_own_fault_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr("apprise.Apprise.notify", broken)
    error = await failure(apprise("json://127.0.0.1:1/"), a_letter())
    assert isinstance(error, TransientError)
    assert str(error) == "Apprise failed: ZeroDivisionError"


async def test_hung_ones_hold_neither_the_loop_nor_more_threads_than_there_may_be() -> None:
    async with receiver(HANG) as place:
        channel = apprise(at(place, rest="?rto=300"))
        for number in range(MOST):
            delivery = asyncio.ensure_future(channel.deliver(a_letter()))
            assert await place.came(number + 1)
            delivery.cancel()
            with pytest.raises(asyncio.CancelledError):
                await delivery
        error = await failure(channel, a_letter())
    assert isinstance(error, TransientError)
    assert str(error) == "Apprise hangs in 4 threads; no more are begun"
    assert len(place.heard) == MOST


async def test_a_place_is_free_again_when_a_call_has_ended() -> None:
    async with receiver() as place:
        channel = apprise(at(place))
        for _ in range(MOST + 1):
            await channel.deliver(a_letter())
    assert len(place.heard) == MOST + 1


async def test_a_hung_one_does_not_hold_up_the_end_of_a_process() -> None:
    program = """
import asyncio, socket
from milkrun.alerting.channels.apprise import AppriseChannel, AppriseOptions
from tests.support.letters import a_letter

async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"json://127.0.0.1:{listener.getsockname()[1]}/?rto=600"
    delivery = asyncio.ensure_future(AppriseChannel(AppriseOptions(urls=(url,))).deliver(a_letter()))
    await asyncio.get_running_loop().run_in_executor(None, listener.accept)
    delivery.cancel()

asyncio.run(main())
print("over")
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert (done.stdout, done.stderr) == ("over\n", "")


@pytest.mark.parametrize("urls", ["[]", "json://", "nosuchservice://x", "['json://h/', 'x']"])
def test_what_is_no_url_of_apprise_is_a_problem_that_does_not_repeat_it(tmp_path: Path, urls: str) -> None:
    (problem,) = Configured(tmp_path).problems(f"alerting: {{channels: {{a: {{type: apprise, urls: {urls}}}}}}}")
    assert "alerting.channels.a.urls" in problem
    assert "expected" in problem
    assert "nosuchservice" not in problem


def test_without_urls_there_is_one_problem(tmp_path: Path) -> None:
    (problem,) = Configured(tmp_path).problems("alerting: {channels: {a: {type: apprise}}}")
    assert problem == "1: alerting.channels.a.urls: expected at least one of Apprise's URLs"


def test_apprise_is_imported_by_who_has_such_a_channel_and_nobody_else() -> None:
    program = "import sys, milkrun.alerting.kinds; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
