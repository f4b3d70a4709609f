"""The flight-price service as it runs: both versions give the same answers, and only one survives a small limit."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from examples.flight_prices import page
from examples.flight_prices.figures import answered, highest, out_of_descriptors
from examples.flight_prices.kernel import cpu_of, descriptors, lingering
from examples.flight_prices.plan import Plan
from examples.flight_prices.processes import DiedError, Service, airlines, service
from examples.flight_prices.quotes import NO_DESCRIPTOR
from examples.flight_prices.run import run

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("broken", "right")
EXAMPLE = [sys.executable, "-m", "examples.flight_prices"]


def asked(running: Service, path: str) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", int(running.url.rpartition(":")[2]), timeout=10)) as to:
        to.request("GET", path)
        response = to.getresponse()
        return response.status, json.loads(response.read())


def ended(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*EXAMPLE, *options], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def by_flight(answer: Any) -> dict[str, Any]:
    return {quote["flight"]: quote for quote in answer["quotes"]}


def test_both_versions_give_the_same_quotes_and_say_why_there_are_none(tmp_path: Path) -> None:
    with airlines(tmp_path) as fleet, ExitStack() as stack:
        assert fleet.stdout
        addresses = json.loads(fleet.stdout.readline())
        versions = [stack.enter_context(service(version, Plan(), tmp_path, addresses)) for version in VERSIONS]

        answers = [asked(running, "/prices/OSL/LIS") for running in versions]
        for status, answer in answers:
            assert status == 200
            prices = [quote["price"] for quote in answer["quotes"]]
            assert prices == sorted(prices)
            assert len({quote["airline"] for quote in answer["quotes"]}) + len(answer["missing"]) == 10
        broken, right = (by_flight(answer) for _, answer in answers)
        assert broken.keys() & right.keys()
        assert all(broken[flight] == right[flight] for flight in broken.keys() & right.keys())
        assert [asked(running, "/prices/Oslo/LIS")[0] for running in versions] == [422, 422]

        fleet.communicate(timeout=30)
        for status, answer in [asked(running, "/prices/OSL/LIS") for running in versions]:
            assert (status, answer["quotes"]) == (503, [])
            assert answer["missing"].keys() == addresses.keys()


def test_one_client_answers_every_user_over_a_few_connections_and_never_lacks_a_descriptor() -> None:
    plan = Plan(seconds=1.5, quiet=6.0, peak=12.0)
    seen = run("right", plan)
    assert answered(seen) == len(seen.visits) == len(list(plan.arrivals()))
    assert out_of_descriptors(seen) == 0
    assert 0 < highest(seen) < plan.limit
    assert sum(airline.accepted for airline in seen.airlines.values()) < 5 * len(seen.visits)


def test_under_too_small_a_limit_a_client_per_request_meets_emfile_and_the_example_says_that_the_story_did_not_hold(
    tmp_path: Path,
) -> None:
    (tmp_path / page.PAGE).write_text((ROOT / "docs" / page.PAGE).read_text())
    # Of 30 descriptors 14 are taken before the first user comes: even one client needs more than half.
    options = ["--seconds", "1.5", "--quiet", "6", "--peak", "6", "--limit", "30", "--record", str(tmp_path)]
    done = ended(*options)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(rf"^  {NO_DESCRIPTOR} +[1-9]", done.stdout, re.MULTILINE)
    verdict = [line for line in done.stdout.splitlines() if line.startswith(("●", "▲"))]
    assert len(verdict) == 6
    assert any(line.startswith("▲ it needs less than half of its descriptors") for line in verdict)
    written = (tmp_path / page.PAGE).read_text()
    assert all(line in written for line in verdict)
    assert len(list(tmp_path.glob("*.svg"))) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--peak", "0"], "argument --peak: 0 is not more than 0"),
        (["--seconds", "long"], "argument --seconds: 'long' is no number"),
        (["--record", "/nowhere"], "--record: there is no flight-prices.md to fill in /nowhere"),
        (["--limit", "9"], "The example could not run: the service did not start:"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(options: list[str], said: str) -> None:
    done = ended(*options)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_service_that_dies_in_the_middle_is_told_with_its_last_words(tmp_path: Path) -> None:
    with service("right", Plan(), tmp_path, {}) as running:
        running.check()
        (tmp_path / "log").write_text("first\nlast words\n")
        os.kill(running.pid, signal.SIGKILL)
        running._process.wait(30)
        with pytest.raises(DiedError, match="ended in the middle: last words"):
            running.check()


def of_this_test(mark: str) -> list[str]:
    """The processes that have the mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:  # it has ended meanwhile, or is somebody else's
            continue
        if mark.encode() in environment:
            found.append(process.name)
    return found


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_who_ends_the_example_ends_all_of_it(number: signal.Signals, status: int) -> None:
    mark = f"FLIGHT_PRICES_TEST={os.getpid()}-{number}"
    key, _, value = mark.partition("=")
    environment = os.environ | {key: value, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        EXAMPLE, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        for line in process.stdout:
            if "users/s" in line:  # airlines, service and users are under way
                break
        assert len(of_this_test(mark)) == 4
        process.send_signal(number)
        assert process.wait(60) == status
        assert "Traceback" not in process.stderr.read()
    assert of_this_test(mark) == []


def test_the_page_says_what_the_code_says() -> None:
    written = (ROOT / "docs" / page.PAGE).read_text()
    for name, block in page.fixed(Plan()).items():
        marked = f"<!-- {name}:begin -->\n\n{block}\n\n<!-- {name}:end -->"
        assert marked in written, "make example RECORD=docs"


def test_the_versions_differ_in_their_client_alone() -> None:
    _, _, changes = page.difference().partition("@@")
    gone, come = ([line for line in changes.splitlines() if line.startswith(mark)] for mark in "-+")
    assert sum("httpx2.AsyncClient(" in line for line in gone) == 1
    assert not any("httpx2.AsyncClient(" in line for line in come)
    assert len(gone) <= 8
    assert len(come) <= 8


@pytest.mark.parametrize(("version", "found"), [("broken", 1), ("right", 0)])
def test_the_linter_tells_the_versions_apart(version: str, found: int) -> None:
    file = f"examples/flight_prices/service_{version}.py"
    command = [str(Path(sys.executable).with_name("milkrun")), "lint", file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == found, done.stderr
    assert sum(line.startswith(file) for line in done.stdout.splitlines()) == found


def test_what_linux_knows_of_a_process_is_asked_from_outside() -> None:
    before = descriptors(os.getpid())
    with socket.socket():
        assert descriptors(os.getpid()) == before + 1
    assert cpu_of(os.getpid()) > 0


def test_a_connection_closed_on_this_side_lingers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        before = lingering({port})  # of whoever had the port before
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = listener.accept()
        client.close()
        assert served.recv(1) == b""
        served.close()
        assert lingering({port}) == before + 1
        assert lingering(set()) == 0
