"""The command channel with real processes: what they are told, what their ends mean, and that none is left behind."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from milkrun.alerting.channel import DeliveryError, PermanentError, TransientError
from milkrun.alerting.channels.captured import KEPT
from milkrun.alerting.channels.command import CommandChannel, CommandOptions
from milkrun.core.alert import Purpose
from milkrun.probes.secrets import hidden_forms
from tests.support.configuring import Configured
from tests.support.letters import MINUTE, a_letter, an_alert, many
from tests.support.turns import until


def python(program: str, *arguments: str, secrets: tuple[str, ...] = ()) -> CommandChannel:
    """A channel that runs a program of Python, without what takes long to import."""
    return CommandChannel(CommandOptions(argv=(sys.executable, "-ISc", program, *arguments), secrets=secrets))


async def failure(channel: CommandChannel) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await channel.deliver(a_letter())
    return caught.value


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


async def test_the_letter_is_on_standard_input_and_its_gist_in_the_environment(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    program = """
import json, os, sys
found = {name: value for name, value in os.environ.items() if name.startswith("MILKRUN_")}
json.dump({"letter": json.load(sys.stdin), "environment": found, "path": os.environ["PATH"]}, open(sys.argv[1], "w"))
"""
    letter = a_letter(an_alert(), an_alert(Purpose.RESOLVE, lasted=MINUTE))
    await python(program, str(told)).deliver(letter)
    found = json.loads(told.read_text())
    assert [incident["purpose"] for incident in found["letter"]["incidents"]] == ["trigger", "resolve"]
    assert found["path"] == os.environ["PATH"]
    assert "is up again" in found["environment"].pop("MILKRUN_TEXT")
    assert "is up again" in found["environment"].pop("MILKRUN_TITLE")
    newest = letter.messages[-1]
    assert found["environment"] == {
        "MILKRUN_ID": "letter-1",
        "MILKRUN_CHANNEL": "ops",
        "MILKRUN_MESSAGES": "2",
        "MILKRUN_TONE": "good",
        "MILKRUN_PURPOSE": "resolve",
        "MILKRUN_INCIDENT": str(newest.incident),
        "MILKRUN_INCIDENT_URL": letter.incident_urls[newest.id],
        "MILKRUN_ACK_URL": letter.ack_urls[newest.id],
        "MILKRUN_ENDPOINT": "core_checkout",
        "MILKRUN_STATE": "down",
        "MILKRUN_SEVERITY": "critical",
        "MILKRUN_CAUSE": "connect/refused: no",
    }


async def test_a_letter_of_any_size_is_one_document(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    await python("import sys; open(sys.argv[1], 'w').write(sys.stdin.read())", str(told)).deliver(
        a_letter(*many(1_200))
    )
    letter = json.loads(told.read_text())
    assert (letter["count"], len(letter["incidents"]), len(letter["others"])) == (1_200, 500, 700)


async def test_no_shell_reads_what_others_have_written(tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = "import os, sys; open(sys.argv[1], 'w').write(os.environ['MILKRUN_CAUSE'] + sys.argv[2])"
    cause = f"$(touch {tmp_path}/evil); `id`\0"
    await python(program, str(told), "$HOME;").deliver(a_letter(an_alert(cause=cause)))
    assert told.read_text() == cause.replace("\0", "") + "$HOME;"
    assert not (tmp_path / "evil").exists()


async def test_a_command_need_not_read_what_it_is_told() -> None:
    await python("").deliver(a_letter(*many(600)))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(75, TransientError), (1, TransientError), (127, TransientError), (64, PermanentError), (78, PermanentError)],
)
async def test_its_exit_status_says_whether_another_try_helps(status: int, kind: type[DeliveryError]) -> None:
    error = await failure(python(f"import sys; print('no luck'); print('today', file=sys.stderr); sys.exit({status})"))
    assert type(error) is kind
    assert str(error).startswith(f"{Path(sys.executable).name} ended with status {status}: ")
    assert "no luck" in str(error)
    assert "today" in str(error)


async def test_a_command_that_a_signal_ends_is_worth_another_try() -> None:
    error = await failure(python("import os; os.kill(os.getpid(), 15)"))
    assert isinstance(error, TransientError)
    assert str(error) == f"{Path(sys.executable).name} was ended by signal 15"


async def test_output_without_end_holds_nobody_and_only_its_beginning_is_kept() -> None:
    error = await failure(python("import sys; sys.stdout.write('x' * 3_000_000); sys.exit(1)"))
    assert len(str(error)) < KEPT


async def test_a_secret_among_its_arguments_is_not_in_its_error() -> None:
    secrets = hidden_forms(["hunter2-hunter2"])
    error = await failure(python("import sys; print(sys.argv[1]); sys.exit(1)", "hunter2-hunter2", secrets=secrets))
    assert "hunter2" not in str(error)
    assert "(hidden)" in str(error)


async def test_a_program_that_has_gone_is_permanent(tmp_path: Path) -> None:
    gone = CommandChannel(CommandOptions(argv=(str(tmp_path / "gone"),)))
    assert isinstance(await failure(gone), PermanentError)
    forbidden = tmp_path / "forbidden"
    forbidden.write_text("#!/bin/sh\n")
    forbidden.chmod(0o644)
    error = await failure(CommandChannel(CommandOptions(argv=(str(forbidden),))))
    assert str(error) == "forbidden cannot be run: Permission denied"


async def test_what_the_system_will_not_start_now_is_worth_another_try() -> None:
    error = await failure(python("", "x" * 200_000))
    assert isinstance(error, TransientError)
    assert str(error) == f"{Path(sys.executable).name} was not started: Argument list too long"


async def test_a_cause_without_end_does_not_keep_a_command_from_starting() -> None:
    await python("").deliver(a_letter(an_alert(cause="\U0001f600" * 200_000)))


async def test_out_of_time_it_is_killed_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    open(sys.argv[1] + ".new", "w").write(f"{os.getpid()} {child}")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
    before = descriptors()
    delivery = asyncio.ensure_future(python(program, str(pids)).deliver(a_letter()))
    assert await until(pids.exists)
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    found = [int(pid) for pid in pids.read_text().split()]
    assert await until(lambda: not any(map(alive, found)))
    assert descriptors() == before


async def test_a_child_that_stays_behind_does_not_hold_up_its_parent_s_letter(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    program = """
import os, sys, time
child = os.fork()
if child:
    open(sys.argv[1], "w").write(str(child))
else:
    time.sleep(600)
"""
    await python(program, str(pid)).deliver(a_letter())
    left = int(pid.read_text())
    assert alive(left)
    os.kill(left, 9)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_it_runs_on_the_loop_of_another_thread(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """The outbox's workers have a thread and a loop of their own; ends of processes are told to the main one."""
    ends: list[int] = []

    def work() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(python("").deliver(a_letter()))
        ends.append(0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert ends == [0]


@pytest.mark.parametrize("command", ["[]", "''", "[no-such-program-anywhere]", "/"])
def test_a_command_that_cannot_be_run_is_a_problem(tmp_path: Path, command: str) -> None:
    (problem,) = Configured(tmp_path).problems(f"alerting: {{channels: {{a: {{type: command, command: {command}}}}}}}")
    assert problem.startswith("1: alerting.channels.a.command")
