"""`milkrun check`: visit endpoints now, once or a few times, and say how each is."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from milkrun.cli.refusal import refuse

if TYPE_CHECKING:
    from milkrun.config.settings import Settings
    from milkrun.core.endpoint import Endpoint
    from milkrun.core.result import Result

NOT_ALL_UP = 1


def check(
    urls: Annotated[list[str] | None, typer.Argument(metavar="URL", help="What to check.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE|DIR", help="Check the endpoints of a configuration.")
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="How often to visit each: the first visit is cold, the others are warm."),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a check, and nothing else.")] = False,
) -> None:
    """Check endpoints now, by URL or from a configuration.

    The exit status is 0 when all are up, 1 when some are not, 2 for bad input.
    """
    from milkrun.cli.adhoc import adhoc_settings
    from milkrun.cli.configuration import read_or_refuse

    if bool(urls) == bool(config):
        refuse("milkrun check takes URLs, or a configuration: milkrun check https://example.org")
    settings = read_or_refuse([config]) if config else adhoc_settings(urls or ())
    all_up = _print_objects(settings, rounds) if as_json else _print_report(settings, rounds)
    if not all_up:
        raise typer.Exit(NOT_ALL_UP)


def _run(settings: "Settings", rounds: int, on_result: "Callable[[Endpoint, Result], None]") -> None:
    import asyncio

    import uvloop

    from milkrun import app

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(app.check(settings, rounds=rounds, on_result=on_result))
    except app.StartError as err:
        refuse(f"milkrun: {err}")


def _print_objects(settings: "Settings", rounds: int) -> bool:
    """Print each result as it comes, so that a reader at the other end of a pipe need not wait for the slowest."""
    import orjson

    from milkrun.core.outcome import Outcome
    from milkrun.core.result_json import result_json

    outcomes: set[Outcome] = set()

    def on_result(endpoint: "Endpoint", result: "Result") -> None:
        outcomes.add(result.outcome)
        typer.echo(orjson.dumps(result_json(endpoint, result)))

    _run(settings, rounds, on_result)
    return outcomes <= {Outcome.UP}


def _print_report(settings: "Settings", rounds: int) -> bool:
    from milkrun.cli.progress import progress
    from milkrun.cli.report import print_report
    from milkrun.cli.terminal import console
    from milkrun.core.outcome import Outcome

    found: dict[str, list[tuple[Endpoint, Result]]] = {endpoint.key: [] for endpoint in settings.endpoints}
    began = time.monotonic()
    with ExitStack() as stack:
        step = stack.enter_context(progress(len(found) * rounds))

        def on_result(endpoint: "Endpoint", result: "Result") -> None:
            found[endpoint.key].append((endpoint, result))
            step()

        _run(settings, rounds, on_result)
    checked = [each for visits in found.values() for each in visits]
    print_report(console(), checked, seconds=time.monotonic() - began)
    return all(result.outcome is Outcome.UP for _, result in checked)
