"""The composition root in this process: it starts, serves, reads again, stops, and says in one line why it cannot."""

import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from msgspec.structs import replace

from milkrun import app
from milkrun.alerting.kinds import CHANNELS
from milkrun.config.load import load
from milkrun.config.settings import ClientSettings, Settings, WebSettings
from milkrun.core.endpoint import Endpoint
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.probes.kinds import KINDS
from tests.support.peers import closed_port
from tests.support.scripted import OK, answers, scripted

PATIENCE = 20.0

Ask = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _process_left_as_it_was() -> Iterator[None]:
    thresholds, switching = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(switching)
    structlog.reset_defaults()


class Served:
    """Runs `app.serve` here, with `meanwhile` on a thread of its own, and then sends the process a signal."""

    def __init__(self, meanwhile: Callable[[Ask], None], *, end_with: signal.Signals = signal.SIGTERM) -> None:
        self.lines: list[str] = []
        self.trouble: list[BaseException] = []
        self._meanwhile = meanwhile
        self._signal = end_with
        self._thread = threading.Thread(target=self._visit)

    def run(self, settings: Settings, paths: tuple[Path, ...] = ()) -> int:
        status = app.serve(settings, announce=self._announced, paths=paths)
        self._thread.join(PATIENCE)
        if self.trouble:
            raise self.trouble[0]
        return status

    def _announced(self, line: str) -> None:
        self.lines.append(line)
        self._thread.start()

    def _visit(self) -> None:
        try:
            self._meanwhile(self._ask)
        except BaseException as err:  # noqa: BLE001 - carried over to the test's own thread
            self.trouble.append(err)
        finally:
            os.kill(os.getpid(), self._signal)

    def _ask(self, path: str) -> Any:
        base = self.lines[0].rsplit(" ", 1)[1].rstrip("/")
        return httpx2.get(base + path, timeout=PATIENCE).raise_for_status().json()


def until(ask: Ask, path: str, is_so: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if is_so(answer := ask(path)):
            return answer
    raise AssertionError(f"{path} never became so: {answer}")


def configured(folder: Path, *names: str, port: int) -> tuple[Settings, Path]:
    path = folder / "milkrun.yaml"
    path.write_text(
        "endpoints:\n"
        + "".join(f"  - {{name: {name}, url: 'http://127.0.0.1:{port}/', interval: 1s}}\n" for name in names)
    )
    settings = load([path], KINDS, CHANNELS)
    return replace(settings, data=str(folder / "data"), web=WebSettings(port=0)), path


@pytest.mark.parametrize("end_with", [signal.SIGTERM, signal.SIGINT])
def test_serving_checks_and_shows_and_ends_with_status_0_on_a_signal(tmp_path: Path, end_with: signal.Signals) -> None:
    settings, path = configured(tmp_path, "shut", port=closed_port())

    def meanwhile(ask: Ask) -> None:
        until(ask, "/api/v1/endpoints", lambda answer: answer["items"] and answer["items"][0]["state"] == "down")
        schedule = until(ask, "/api/v1/schedule", lambda answer: answer.get("done_total", 0) >= 1)
        assert schedule["due_total"] == schedule["done_total"] + schedule["skipped_total"] + schedule["in_flight"]

    served = Served(meanwhile, end_with=end_with)
    assert served.run(settings, (path,)) == 0
    assert served.lines[0].startswith("Milkrun is watching 1 endpoint: http://127.0.0.1:")


def test_a_hangup_reads_the_endpoints_again_and_a_broken_file_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = closed_port()
    settings, path = configured(tmp_path, "one", port=port)

    def names(answer: Any) -> list[str]:
        return [item["name"] for item in answer["items"]]

    def meanwhile(ask: Ask) -> None:
        configured(tmp_path, "one", "two", port=port)
        os.kill(os.getpid(), signal.SIGHUP)
        until(ask, "/api/v1/endpoints", lambda answer: names(answer) == ["one", "two"])
        path.write_text("endpoints: 7\n")
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda _: capsys.readouterr().err, "the log", lambda text: "configuration not taken over" in text)
        configured(tmp_path, "two", "three", port=port)
        os.kill(os.getpid(), signal.SIGHUP)
        until(ask, "/api/v1/endpoints", lambda answer: names(answer) == ["three", "two"])

    assert Served(meanwhile).run(settings, (path,)) == 0


def test_a_hangup_without_a_configuration_changes_nothing(tmp_path: Path) -> None:
    settings, _ = configured(tmp_path, "one", port=closed_port())

    def meanwhile(ask: Ask) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        until(ask, "/api/v1/schedule", lambda answer: answer.get("done_total", 0) >= 2)
        assert ask("/api/v1/endpoints")["total"] == 1

    assert Served(meanwhile).run(settings) == 0


def refused(settings: Settings) -> str:
    with pytest.raises(app.StartError) as caught:
        app.serve(settings, announce=lambda _: None)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused(Settings(data=str(tmp_path), web=WebSettings(port=port)))
    assert message.startswith(f"cannot serve on 127.0.0.1 port {port}: ")
    assert "--port" in message


def test_a_data_directory_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    assert str(tmp_path / "data") in refused(Settings(data=str(tmp_path / "data"), web=WebSettings(port=0)))


def test_an_address_beyond_this_machine_without_a_password_is_refused_before_anything_is_opened(
    tmp_path: Path,
) -> None:
    settings = Settings(data=str(tmp_path / "data"), web=WebSettings(host="0.0.0.0", port=0))  # noqa: S104 - refused
    assert "--allow-unauthenticated" in refused(settings)
    assert not (tmp_path / "data").exists()


async def test_checking_now_asks_every_endpoint_in_every_round_and_stores_nothing(tmp_path: Path) -> None:
    told: list[tuple[str, Outcome, str | None]] = []

    def on_result(endpoint: Endpoint, result: Result) -> None:
        told.append((endpoint.name, result.outcome, result.connection))

    async with scripted(answers(OK)) as server:
        settings, _ = configured(tmp_path, "one", port=server.port)
        limited = replace(settings, client=ClientSettings(max_connections=5, max_age=60.0, resolver="system"))
        await app.check(limited, rounds=2, on_result=on_result)
    assert told == [("one", Outcome.UP, "cold"), ("one", Outcome.UP, "warm")]
    assert not (tmp_path / "data").exists()
