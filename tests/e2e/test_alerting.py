"""From a check that fails to a letter that arrives, with the real process; and `milkrun alert`."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.support.command_line import Served, milkrun, serving
from tests.support.receivers import HANG, Answer, Receiver, receiver
from tests.support.scripted import Peer, scripted
from tests.support.turns import until

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
BAD = b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"


class Service:
    """A target that is well or not, as a test says."""

    def __init__(self) -> None:
        self.well = False

    async def play(self, peer: Peer) -> None:
        while await peer.request():
            await peer.say(GOOD if self.well else BAD)


def write(folder: Path, target: str, hook: str, **more: Any) -> Path:
    path = folder / "milkrun.yaml"
    route = {"name": "all", "channels": ["ops"], "group-wait": "0s", **more}
    alerting = {"channels": {"ops": {"type": "webhook", "url": hook}}, "routes": [route]}
    endpoints = [{"name": "shop", "url": target, "interval": "1s", "conditions": ["[STATUS] == 200"]}]
    path.write_text(yaml.safe_dump({"endpoints": endpoints, "alerting": alerting}))
    return path


class World(AsyncExitStack):
    """A service, a receiver, and a Milkrun between them."""

    service: Service
    hook: Receiver
    served: Served
    file: Path
    target: str


@asynccontextmanager
async def world(folder: Path, *answers: Answer, **more: Any) -> AsyncIterator[World]:
    async with World() as here:
        here.service = Service()
        target = await here.enter_async_context(scripted(here.service.play))
        here.hook = await here.enter_async_context(receiver(*answers))
        here.target = target.url
        here.file = write(folder, target.url, here.hook.url, **more)
        arguments = ("serve", "--config", here.file, "--port", 0, "--data", folder / "data")
        here.served = await here.enter_async_context(serving(*arguments))
        yield here


async def purposes(hook: Receiver, count: int) -> list[str]:
    assert await until(lambda: len(hook.heard) >= count)
    return [incident["purpose"] for heard in hook.heard for incident in heard.json["incidents"]]


async def test_an_outage_and_its_end_arrive_in_order_and_the_link_acknowledges(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert await purposes(here.hook, 1) == ["trigger"]
        link = re.search(rb"http://[\w.:-]+/ack/[\w.-]+", here.hook.heard[0].body)
        assert link is not None
        async with httpx2.AsyncClient() as browser:
            assert (await browser.post(link[0].decode())).status_code == 200
        answer = await here.served.get("/api/v1/incidents")
        assert "ops" in answer["items"][0]["acknowledged"]
        here.service.well = True
        assert await purposes(here.hook, 2) == ["trigger", "resolve"]


async def test_killed_between_two_letters_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with world(tmp_path, Answer(status=503), Answer()) as here:
        await here.hook.came()
        await here.served.stop(signal.SIGKILL, 5.0)
        here.service.well = True
        restarted = serving("serve", "--config", here.file, "--port", 0, "--data", tmp_path / "data")
        await here.enter_async_context(restarted)
        told = await purposes(here.hook, 3)
        assert told == ["trigger", "trigger", "resolve"]
        assert here.hook.heard[0].key == here.hook.heard[1].key


async def test_a_hangup_takes_over_channels_and_routes(tmp_path: Path) -> None:
    async with world(tmp_path, groups=["nothing"]) as here, receiver() as other:
        await here.served.eventually("/api/v1/incidents", lambda answer: answer["total"] == 1)
        write(tmp_path, here.target, other.url)
        os.kill(here.served.process.pid, signal.SIGHUP)
        assert await purposes(other, 1) == ["trigger"]
        assert here.hook.heard == []


async def alert(*arguments: object) -> tuple[int, str]:
    """A command's exit status and all that it said."""
    done = await asyncio.to_thread(milkrun, "alert", *arguments)
    return done.returncode, done.stdout + done.stderr


async def test_a_disabled_channel_is_seen_tested_and_enabled_beside_a_running_server(tmp_path: Path) -> None:
    async with world(tmp_path, Answer(status=410), Answer()) as here:
        await here.served.eventually("/api/v1/alerts", lambda answer: any(one["disabled"] for one in answer["items"]))
        place = ("--data", tmp_path / "data")
        status, said = await alert("list", *place)
        assert (status, "ops: 0 waiting, 1 given up" in said, "disabled: " in said) == (0, True, True)
        status, said = await alert("attempts", "ops", *place)
        assert (status, "1 message in" in said, "410" in said) == (0, True, True)
        for command in ("attempts", "enable"):
            assert await alert(command, "oops", *place) == (2, "milkrun: there is no channel 'oops'; known are: ops\n")
        assert await alert("test", "ops", "--config", here.file) == (0, "ops: the test arrived\n")
        assert await alert("enable", "ops", *place) == (0, "ops: delivers again\n")
        assert await alert("enable", "ops", *place) == (0, "ops: was not disabled\n")
        os.kill(here.served.process.pid, signal.SIGHUP)  # it would look by itself in half a minute
        assert await purposes(here.hook, 3) == ["trigger", "test", "trigger"]


async def test_commands_about_channels_say_what_there_is(tmp_path: Path) -> None:
    async with receiver(Answer(status=403)) as hook:
        file = write(tmp_path, "http://127.0.0.1:9/", hook.url)
        status, said = await alert("test", "ops", "--config", file)
        assert (status, "403" in said) == (1, True)
        status, said = await alert("test", "oops", "--config", file)
        assert (status, said) == (2, "milkrun: there is no channel 'oops'; configured are: ops\n")
    status, said = await alert("enable", "ops", "--data", tmp_path)
    assert (status, "there is no database" in said) == (2, True)


async def test_a_channel_that_hangs_does_not_hold_up_the_end_and_its_letter_goes_after_the_next_start(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, HANG, Answer()) as here:
        assert await here.hook.came()
        assert await here.served.stop(signal.SIGTERM, 5.0) == 0
        restarted = serving("serve", "--config", here.file, "--port", 0, "--data", tmp_path / "data")
        await here.enter_async_context(restarted)
        assert await purposes(here.hook, 2) == ["trigger", "trigger"]
        assert here.hook.heard[0].key == here.hook.heard[1].key
