"""The evidence of an incident: what is in it, and what must not be."""

from collections.abc import Mapping

import msgspec
import pytest

from milkrun.core.incident import Exhibit, Incident
from milkrun.core.observation import Http
from milkrun.core.outcome import Outcome
from milkrun.core.result import ConditionResult, Result
from milkrun.monitor.exhibits import EXCERPT, exhibit
from milkrun.probes.http import HttpOptions
from tests.support.judging import observed, result
from tests.support.rounds import an_endpoint, registered

INCIDENT = Incident(endpoint=7, opened=1, closed=None, state=Outcome.DOWN, cause="")


class Answer(msgspec.Struct, frozen=True):
    """What a client gives of an answer."""

    headers: Mapping[str, str]
    beginning: bytes
    is_whole: bool = True


def failing(size: int, *, shown: str = "[STATUS] (500) == 200") -> Result:
    condition = ConditionResult(condition="[STATUS] == 200", passed=False, shown=shown)
    return result(Outcome.DOWN, http=Http(status=500, version="1.1", bytes=size), conditions=(condition,))


def evidence(body: bytes, *, size: int | None = None, secrets: tuple[str, ...] = (), **headers: str) -> Exhibit:
    endpoint = msgspec.structs.replace(an_endpoint(), options=HttpOptions(url="http://h/", secrets=secrets))
    seen = observed(status=500, answer=Answer(headers, body, is_whole=size is None or size == len(body)))
    return exhibit(INCIDENT, registered(endpoint), failing(len(body) if size is None else size), seen)


def test_it_has_the_result_whole_the_headers_and_the_body() -> None:
    found = evidence(b"it broke", Server="nginx", Cookie="a=b")
    assert found.result == failing(8)
    assert found.headers == (("Server", "nginx"), ("Cookie", "(hidden)"))
    assert (found.body, found.cut) == ("it broke", False)


def test_without_an_answer_it_is_the_result_alone() -> None:
    for seen in (None, observed(status=None)):
        found = exhibit(INCIDENT, registered(an_endpoint()), failing(0), seen)
        assert (found.headers, found.body, found.cut) == ((), None, False)


@pytest.mark.parametrize(
    ("body", "size", "shown", "cut"),
    [
        (b"", 0, None, False),
        (b"", 9, None, True),
        (b"\x1f\x8b\0\0", 4, None, True),
        (b"x" * EXCERPT, EXCERPT, "x" * EXCERPT, False),
        (b"x" * (EXCERPT + 1), EXCERPT + 1, "x" * EXCERPT, True),
        (b"caf\xc3", 9, "caf", True),
        (b"caf\xc3", 4, "caf\ufffd", False),
        (("x" + "é" * 3_000).encode(), 6_001, "x" + "é" * 1_279, True),
    ],
)
def test_a_body_is_bounded_and_text(body: bytes, size: int, shown: str | None, cut: bool) -> None:
    found = evidence(body, size=size)
    assert (found.body, found.cut) == (shown, cut)


def test_the_endpoints_own_secrets_are_nowhere_in_it() -> None:
    found = exhibit(
        INCIDENT,
        registered(msgspec.structs.replace(an_endpoint(), options=HttpOptions(url="http://h/", secrets=("s3cr3t",)))),
        failing(30),
        observed(
            status=500, answer=Answer({"Location": "/s3cr3t"}, b"you sent s3cr3t, and again s3cr", is_whole=False)
        ),
    )
    assert b"s3cr3t" not in msgspec.json.encode(found)
    assert evidence(b"you sent s3cr", size=99, secrets=("s3cr3t",)).body == "you sen"
