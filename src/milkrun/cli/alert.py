"""`milkrun alert`: try a channel out, see how channels do, and enable one that was disabled."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from milkrun.cli.refusal import refuse
from milkrun.cli.storage import Config, Data, Database, located, told

if TYPE_CHECKING:
    from milkrun.config.settings import ChannelSettings, Settings
    from milkrun.store.outbox_protocol import Attempt, ChannelState

Name = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.", show_default=False)]

alert = typer.Typer(no_args_is_help=True, help="Try alert channels out, and see how they do.")


@alert.command()
def test(
    channel: Name,
    config: Annotated[Path, typer.Option(metavar="FILE|DIR", help="The configuration.", show_default=False)],
) -> None:
    """Send a test through a channel, and say what came of it.

    The exit status is 0 when it arrived, 1 when it did not, 2 where there is no such channel.
    """
    import asyncio
    import time

    from milkrun.alerting.kinds import CHANNELS
    from milkrun.alerting.trial import try_out
    from milkrun.cli.configuration import read_or_refuse

    settings = read_or_refuse([config])
    found = _channel(settings, channel)
    verdict = asyncio.run(try_out(found, CHANNELS, url=_address(settings), now=int(time.time() * 1_000)))
    if verdict.error is not None:
        typer.echo(f"{channel}: {verdict.error}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{channel}: the test arrived")


@alert.command("list")
def list_channels(config: Config = None, data: Data = None, database: Database = None) -> None:
    """Show every channel: what waits, what was given up, the last attempt."""
    from milkrun.store.aside import aside
    from milkrun.store.outbox_channels import channels

    with told():
        states = aside(located(config, data, database), channels)
    for state in states:
        typer.echo(_line(state))


@alert.command()
def attempts(
    channel: Name,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many.")] = 20,
    config: Config = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Show a channel's last attempts, newest first."""
    from functools import partial

    from milkrun.store import outbox_channels
    from milkrun.store.aside import aside

    with told():
        where = located(config, data, database)
        found = aside(where, partial(outbox_channels.attempts, channel=channel, limit=limit))
        if not found:
            _known(where, channel)  # so that a name mistyped is no channel that was never tried
    for attempt in found:
        typer.echo(f"{_moment(attempt.at)}  {_account(attempt)}")


@alert.command()
def enable(channel: Name, config: Config = None, data: Data = None, database: Database = None) -> None:
    """Let a disabled channel deliver again, what waits for it first. Milkrun may be running."""
    from functools import partial

    from milkrun.store import outbox_channels
    from milkrun.store.aside import aside

    with told():
        where = located(config, data, database)
        known = _known(where, channel)
        aside(where, partial(outbox_channels.enable, channel=channel))
    was = "was not disabled" if known.disabled is None else "delivers again"
    typer.echo(f"{channel}: {was}")


def _known(where: Path | str, name: str) -> "ChannelState":
    """How a channel of the database does; refused where there is none of that name."""
    from milkrun.store.aside import aside
    from milkrun.store.outbox_channels import channels

    known = {state.channel: state for state in aside(where, channels)}
    if name not in known:
        refuse(f"milkrun: there is no channel {name!r}; known are: {', '.join(known) or 'none'}")
    return known[name]


def _channel(settings: "Settings", name: str) -> "ChannelSettings":
    channels = {channel.name: channel for channel in settings.alerting.channels}
    if name not in channels:
        refuse(f"milkrun: there is no channel {name!r}; configured are: {', '.join(channels) or 'none'}")
    return channels[name]


def _address(settings: "Settings") -> str:
    return settings.web.url or f"http://{settings.web.host}:{settings.web.port}"


def _line(state: "ChannelState") -> str:
    how = "never tried" if state.last is None else f"{_moment(state.last.at)} {_account(state.last)}"
    disabled = f"; disabled: {state.disabled}" if state.disabled is not None else ""
    return f"{state.channel}: {state.pending} waiting, {state.failed} given up; {how}{disabled}"


def _account(attempt: "Attempt") -> str:
    what = f"{attempt.messages} message{'' if attempt.messages == 1 else 's'} in {attempt.took:.2f} s"
    return f"{what}: {attempt.error or 'arrived'}"


def _moment(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
