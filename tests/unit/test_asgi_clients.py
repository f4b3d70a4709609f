"""What makes clients is checked where it is written; what a handler gets is the client, but not its to close."""

import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from fastapi import FastAPI

from milkrun.client import Client, UsageError
from milkrun.client.asgi import client_lifespan, client_of
from milkrun.client.asgi.lent import lend


class Tuned(Client):
    """A client of an application's own class."""

    def answer(self) -> int:
        return 42


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"make": Client()}, "the client 'default' was made already"),
        ({"named": {"billing": Client()}}, r"'billing' was made already.* give what makes it: lambda: Client\(…\)"),
        ({"make": None}, "what makes the client 'default' must be callable without arguments, not None"),
        ({"named": {"billing": "https://billing"}}, "'billing' must be callable without arguments, not 'https"),
        ({"drain": -1.0}, "drain=-1.0: expected seconds, 0 or more"),
        ({"named": {"default": Client}}, "'default' is the one without a name: give what makes it as make="),
        ({"own": FastAPI()}, r"without one it is FastAPI\(lifespan=client_lifespan\(\)\)"),
        ({"own": Client}, "what makes the client goes in as make="),
        ({"own": lambda: Client(max_age=60)}, "what makes the client goes in as make="),
    ],
)
def test_what_makes_no_client_is_refused_at_once(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        client_lifespan(**arguments)


def test_options_and_a_lifespan_of_ones_own_go_in_together() -> None:
    with pytest.raises(UsageError, match=r"not <function .*: client_lifespan\(lifespan, drain=…\)"):

        @client_lifespan(drain=5)
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            yield


def test_at_import_time_there_is_no_client_and_the_error_says_what_to_write() -> None:
    with pytest.raises(UsageError) as caught:
        client_of(object())
    for words in (
        "FastAPI(lifespan=client_lifespan())",
        "with TestClient(app) as http:",
        "app.router.lifespan_context(app)",
        "at import time there is no client yet",
        "--lifespan off",
    ):
        assert words in str(caught.value)


def test_a_lent_client_is_one_of_its_owners_class() -> None:
    lent = lend(Tuned())
    assert isinstance(lent, Tuned)
    assert cast("Tuned", lent).answer() == 42


def test_a_lent_client_has_its_owners_figures_and_state() -> None:
    owner = Tuned()
    lent = lend(owner)
    assert (repr(lent), lent.under_way) == (repr(owner), 0)
    owner._warm += 3
    assert lent.stats() == owner.stats() | {"time_wait": lent.stats()["time_wait"]}
    assert lent.stats()["requests_total"] == 3


def test_a_client_that_is_lent_twice_is_still_one() -> None:
    owner = Client()
    one, other = lend(owner), lend(owner)
    one._warm += 1
    assert (owner._warm, other._warm) == (1, 1)


async def entered(client: Client) -> None:
    async with client:
        pytest.fail("entered")


@pytest.mark.parametrize("close", [lambda client: client.__aenter__(), lambda client: client.aclose(), entered])
async def test_a_lent_client_cannot_be_closed(close: Callable[[Client], Any]) -> None:
    async with Client() as owner:
        with pytest.raises(UsageError, match=r"the whole application's, .* without `async with` and without `aclose"):
            await close(lend(owner))
        assert "closed" not in repr(owner)


def test_a_lent_client_that_is_dropped_says_nothing() -> None:
    owner = Client()
    owner._pool._connections.add(cast("Any", object()))
    lent = lend(owner)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del lent
    owner._pool._connections.clear()
