"""What every channel that posts has to do, whichever service it posts to."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.pretty import pretty_repr

from milkrun.alerting.channel import Channel, DeliveryError, Letter, PermanentError, TransientError
from milkrun.alerting.kinds import CHANNELS
from milkrun.client import Client
from milkrun.core.alert import Purpose
from tests.support.authority import Authority
from tests.support.channel_kinds import SECRET, TRIALS, Trial
from tests.support.configuring import Configured
from tests.support.descriptors import open_sockets, settled
from tests.support.letters import MINUTE, a_letter, an_alert, many
from tests.support.peers import closed_port
from tests.support.receivers import HANG, OK, RESET, Answer, receiver

BYE = b"no: " + SECRET.encode() + b" is not a key of ours, nor is what follows here: " + b"x" * 5_000


@pytest.fixture(params=TRIALS, ids=lambda trial: trial.kind)
def trial(request: pytest.FixtureRequest) -> Trial:
    """Each kind."""
    found: Trial = request.param
    return found


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """The client of all deliveries."""
    async with Client() as warm:
        yield warm


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """Where configurations are written."""
    return Configured(tmp_path)


def text_of(trial: Trial, url: str, *, without: str = "") -> str:
    """A configuration with one channel of that kind."""
    keys = [key for key in trial.keys if not without or not key.startswith(f"{without}:")]
    lines = "\n".join(f"      {key}".format(url=url, secret=SECRET) for key in keys)
    return f"alerting:\n  channels:\n    ops:\n      type: {trial.kind}\n{lines}\n"


class Opener:
    """Opens a channel from its configuration."""

    def __init__(self, trial: Trial, configured: Configured, client: Client) -> None:
        self.trial = trial
        self._configured = configured
        self._client = client

    def options(self, url: str) -> msgspec.Struct:
        """Its options as read."""
        (settings,) = self._configured.load(text_of(self.trial, url)).alerting.channels
        return settings.options

    def at(self, url: str, *, client: Client | None = None) -> Channel:
        """The channel."""
        return CHANNELS[self.trial.kind].open(self.options(url), client=client or self._client)


@pytest.fixture
def opener(trial: Trial, configured: Configured, client: Client) -> Opener:
    """Opens channels of one kind."""
    return Opener(trial, configured, client)


async def failure(channel: Channel, letter: Letter) -> DeliveryError:
    """What a delivery fails with."""
    with pytest.raises(DeliveryError) as caught:
        await channel.deliver(letter)
    return caught.value


@pytest.mark.parametrize("count", [1, 2, 20, 50, 600])
async def test_what_arrives_is_what_the_service_documents_and_counts_everybody(opener: Opener, count: int) -> None:
    async with receiver() as place:
        await opener.at(place.url).deliver(a_letter(*many(count)))
    opener.trial.judge(place.heard, count)


async def test_ten_thousand_at_once_stay_within_the_service_s_limits(opener: Opener) -> None:
    async with receiver() as place:
        letter = a_letter(*many(opener.trial.most, groups=[f"group {index}" for index in range(300)]))
        await opener.at(place.url).deliver(letter)
    opener.trial.judge(place.heard, opener.trial.most)


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize(
    "text",
    [
        "a long name with words " * 700,
        "<!channel> @everyone *_~`[x](http://evil)&<b>\"'\\ " * 300,
        "\u202e\U0001f600" * 2_500,
        "&<>" * 5_000,
    ],
    ids=["words", "marks", "signs", "entities"],
)
async def test_names_and_causes_of_any_length_and_script_stay_within_the_limits(
    opener: Opener, text: str, count: int
) -> None:
    about: dict[str, Any] = {"name": text, "group": text, "cause": text, "description": text}
    messages = [an_alert(number=number, key=f"core_{number}", **about) for number in range(1, count + 1)]
    async with receiver() as place:
        await opener.at(place.url).deliver(a_letter(*messages))
    opener.trial.judge(place.heard, count)


async def test_a_letter_s_incidents_are_told_in_order(opener: Opener) -> None:
    letter = a_letter(an_alert(), an_alert(Purpose.RESOLVE, lasted=MINUTE))
    async with receiver() as place:
        await opener.at(place.url).deliver(letter)
    if opener.trial.purposes is not None:
        assert opener.trial.purposes(place.heard) == [Purpose.TRIGGER, Purpose.RESOLVE]
    else:
        assert b"up again" in place.heard[-1].body


async def test_letters_go_over_one_warm_connection(opener: Opener) -> None:
    async with receiver() as place:
        channel = opener.at(place.url)
        for _ in range(3):
            await channel.deliver(a_letter())
    assert (len(place.heard), place.connections) == (3, 1)


async def test_each_try_has_the_same_idempotency_key_and_another_letter_another(opener: Opener) -> None:
    async with receiver(Answer(status=500), OK, OK) as place:
        channel = opener.at(place.url)
        await failure(channel, a_letter())
        await channel.deliver(a_letter(at=a_letter().at + MINUTE))
        await channel.deliver(a_letter(an_alert(number=2), letter="letter-2"))
    first, again, other = (request.key for request in place.heard)
    assert first == again != other


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (Answer(status=429, headers=(("Retry-After", "7"),)), 7.0),
        (Answer(status=503, headers=(("Retry-After", "120"),)), 120.0),
        (Answer(status=408), None),
        (Answer(status=425), None),
        (Answer(status=500), None),
        (Answer(status=502), None),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
async def test_a_refusal_that_may_pass_is_worth_another_try_when_the_service_says(
    opener: Opener, answer: Answer, after: float | None
) -> None:
    async with receiver(answer) as place:
        error = await failure(opener.at(place.url), a_letter())
    assert isinstance(error, TransientError)
    assert error.after == after
    assert str(answer.status) in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
async def test_a_refusal_that_stays_is_permanent(opener: Opener, status: int) -> None:
    async with receiver(Answer(status=status)) as place:
        error = await failure(opener.at(place.url), a_letter())
    assert isinstance(error, PermanentError)


async def test_a_redirect_is_not_followed(opener: Opener) -> None:
    async with receiver() as elsewhere, receiver(Answer(status=307, headers=(("Location", elsewhere.url),))) as place:
        error = await failure(opener.at(place.url), a_letter())
    assert isinstance(error, PermanentError)
    assert elsewhere.heard == []


async def test_a_torn_connection_and_a_closed_port_are_worth_another_try(opener: Opener) -> None:
    async with receiver(RESET) as place:
        torn = await failure(opener.at(place.url), a_letter())
    closed = await failure(opener.at(f"http://127.0.0.1:{closed_port()}"), a_letter())
    assert isinstance(torn, TransientError)
    assert isinstance(closed, TransientError)
    assert "connect/refused" in str(closed)


async def test_a_receiver_that_hangs_is_left_when_the_caller_s_time_is_over(opener: Opener) -> None:
    before = open_sockets()
    async with receiver(HANG) as place:
        delivery = asyncio.ensure_future(opener.at(place.url).deliver(a_letter()))
        assert await place.came()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
    assert await settled(before)


async def test_it_delivers_over_tls_and_not_to_whom_it_cannot_trust(opener: Opener, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with receiver(context=authority.good()) as place, Client(ca_file=authority.ca_file) as trusting:
        await opener.at(place.url, client=trusting).deliver(a_letter())
        error = await failure(opener.at(place.url), a_letter())
    assert len(place.heard) == 1
    assert isinstance(error, TransientError)
    assert "tls/untrusted" in str(error)


@pytest.mark.parametrize("answer", [Answer(status=400, body=BYE), Answer(status=500, body=BYE), RESET])
async def test_no_error_and_no_repr_shows_a_secret(opener: Opener, answer: Answer) -> None:
    async with receiver(answer) as place:
        error = await failure(opener.at(place.url), a_letter())
        options = opener.options(place.url)
    for shown in (str(error), repr(error), repr(options), pretty_repr(options), repr(opener.at(place.url))):
        assert SECRET not in shown
        assert len(shown) < 400
    assert "\n" not in str(error)


def test_a_key_that_is_missing_is_named(trial: Trial, configured: Configured) -> None:
    for key in trial.needed:
        problems = configured.problems(text_of(trial, "http://localhost:1", without=key))
        assert len(problems) == 1
        assert f"alerting.channels.ops.{key}" in problems[0]


def test_a_key_that_is_unknown_is_named(trial: Trial, configured: Configured) -> None:
    (problem,) = configured.problems(text_of(trial, "http://localhost:1") + "      no-such-key: 1\n")
    assert "alerting.channels.ops.no-such-key" in problem


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_every_purpose_is_delivered(opener: Opener, purpose: Purpose) -> None:
    async with receiver() as place:
        await opener.at(place.url).deliver(a_letter(an_alert(purpose), linked=purpose is not Purpose.TEST))
    assert place.heard
