"""A command of the user's: the letter as JSON on its standard input, and the gist of it in its environment.

Exit status 0 is sent; 75 (sysexits.h: EX_TEMPFAIL) and any other is worth another try, 64 (EX_USAGE) and 78 (EX_CONFIG)
are not. No shell takes part, so that nothing which an endpoint is called or answers is ever a command.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

import msgspec

from milkrun.alerting.account import account
from milkrun.alerting.channel import Letter, PermanentError, TransientError
from milkrun.alerting.channels.captured import Captured
from milkrun.alerting.plain import line
from milkrun.alerting.render import render
from milkrun.alerting.rendered import Rendered
from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.probes.secrets import hidden_forms, hide

EXPLAINED = 200
LONGEST = 30_000  # characters of a variable: Linux takes 128 KiB, and starts nothing where one is longer

_FOR_GOOD = frozenset({64, 78})


class CommandOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The program and its arguments; the variables' values in them are secrets."""

    argv: tuple[str, ...]
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<CommandOptions {self.argv[0]}>"

    def __rich_repr__(self) -> list[tuple[str, str]]:  # else msgspec's own shows every field
        return [("program", self.argv[0])]


class CommandKind:
    """Reads `command`: a program, or a list of it and its arguments."""

    def read(self, section: Section) -> CommandOptions | None:
        """As `ChannelKind`."""
        given = section.one_or_several("command")
        if not given or not given[0].text:
            section.problem("command", "expected a program, or a list of a program and its arguments")
            return None
        if shutil.which(given[0].text) is None:
            section.problem_at(given[0], "expected a program that is there and may be run")
            return None
        secrets = [value for words in given for value in words.secrets]
        return CommandOptions(argv=tuple([words.text for words in given]), secrets=hidden_forms(secrets))

    def open(self, options: msgspec.Struct, *, client: Client) -> "CommandChannel":  # noqa: ARG002 - it posts nothing
        """As `ChannelKind`."""
        return CommandChannel(cast("CommandOptions", options))


class CommandChannel:
    """One command, run once for each letter."""

    def __init__(self, options: CommandOptions) -> None:
        self._options = options

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`. Out of time, or cancelled: the command and all it started are killed."""
        rendered = render(letter)
        output = Captured()
        try:
            with tempfile.TemporaryFile() as told:
                told.write(msgspec.json.encode(account(letter)))
                told.seek(0)
                status = await self._run(told, output, environment(letter, rendered))
            self._judge(status, output.text)
        finally:
            output.close()

    async def _run(self, told: IO[bytes], output: Captured, variables: Mapping[str, str]) -> int:
        """The exit status, negative for the number of a signal."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._options.argv,
                stdin=told,
                stdout=output.end,
                stderr=output.end,
                env={**os.environ, **variables},
                start_new_session=True,  # a process group of its own, to be killed as one
            )
        except (FileNotFoundError, PermissionError) as err:
            raise PermanentError(f"{self._name} cannot be run: {err.strerror}") from err
        except OSError as err:
            raise TransientError(f"{self._name} was not started: {err.strerror}") from err
        finally:
            output.close_end()
        return await _ended(process)

    def _judge(self, status: int, output: str) -> None:
        if status == 0:
            return
        ended = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        said = line(hide(self._options.secrets, output), EXPLAINED)
        message = f"{self._name} {ended}{': ' if said else ''}{said}"
        raise PermanentError(message) if status in _FOR_GOOD else TransientError(message)

    @property
    def _name(self) -> str:
        return line(hide(self._options.secrets, Path(self._options.argv[0]).name), EXPLAINED)


def environment(letter: Letter, rendered: Rendered) -> dict[str, str]:
    """What a script of one line needs: the texts, and of the newest message whom and what it is about."""
    message = letter.messages[-1]
    subject = message.subject
    found = {
        "ID": letter.id,
        "CHANNEL": message.channel,
        "MESSAGES": str(len(letter.messages)),
        "TITLE": rendered.title,
        "TEXT": rendered.text,
        "TONE": rendered.tone.value,
        "PURPOSE": message.purpose.value,
        "INCIDENT": str(message.incident),
        "INCIDENT_URL": letter.incident_urls.get(message.id, ""),
        "ACK_URL": letter.ack_urls.get(message.id, ""),
        "ENDPOINT": subject.key,
        "STATE": subject.state.value,
        "SEVERITY": subject.severity.value,
        "CAUSE": subject.cause,
    }
    return {f"MILKRUN_{name}": value.replace("\0", "")[:LONGEST] for name, value in found.items()}


async def _ended(process: asyncio.subprocess.Process) -> int:
    try:
        return await process.wait()
    except BaseException:
        if process.returncode is None:  # not waited for yet, so that the number is still its own
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        raise


KIND = CommandKind()
