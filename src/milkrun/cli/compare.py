"""`milkrun compare`: what a client per request costs, against one shared client, on the user's own machine."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from milkrun.cli.refusal import hinted, refuse, tell

if TYPE_CHECKING:
    from milkrun.client.compare.conduct import Comparison, Wishes
    from milkrun.client.compare.figures import Round
    from milkrun.client.compare.plan import Load

FAILED = 1
INTERRUPTED = 130
WITHOUT_HTTPX2 = "httpx2 is not installed: Milkrun alone is compared; for the others: pip install 'milkrun[httpx]'"


def compare(
    url: Annotated[str | None, typer.Argument(metavar="URL", help="By default, a server of its own.")] = None,
    requests: Annotated[int, typer.Option(metavar="N", help="Requests of each client in each round.")] = 100,
    concurrency: Annotated[int, typer.Option(metavar="C", help="How many of them at once.")] = 20,
    rounds: Annotated[int, typer.Option(metavar="N", help="How often to do it all; medians are shown.")] = 3,
    timeout: Annotated[float, typer.Option(metavar="S", help="Seconds for a request.")] = 10.0,
    within: Annotated[int, typer.Option(metavar="S", help="Seconds for everything.")] = 120,
    http2: Annotated[bool, typer.Option("--http2", help="Offer HTTP/2, too.")] = False,
    ca_file: Annotated[str | None, typer.Option(metavar="FILE", help="Roots to trust instead of the system's.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept any certificate.")] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Ask a server elsewhere than on your own machine or network; the bounds are lower."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Compare a client per request with one shared client.

    The exit status is 0 when there is a comparison, 1 when the target does not answer, 2 for bad input.
    """
    from milkrun.client.compare.conduct import Wishes
    from milkrun.client.compare.plan import Load

    load = Load(requests=requests, concurrency=concurrency, rounds=rounds, within=within)
    wishes = Wishes(timeout=timeout, insecure=insecure, ca_file=ca_file, http2=http2, yes=yes)
    comparison = _compared(url, load, wishes)
    if as_json:
        _print_object(comparison)
    else:
        _print_report(comparison)


def _compared(url: str | None, load: "Load", wishes: "Wishes") -> "Comparison":
    from milkrun.client.compare.plan import CompareError
    from milkrun.client.errors import UsageError

    try:
        return _run(url, load, wishes)
    except UsageError as err:
        refuse(hinted(url or "", err, scheme="http"))
    except CompareError as err:
        tell([str(err)])
        raise typer.Exit(FAILED) from err
    except KeyboardInterrupt as err:
        tell(["interrupted; every process it started has ended"])
        raise typer.Exit(INTERRUPTED) from err


def _run(url: str | None, load: "Load", wishes: "Wishes") -> "Comparison":
    import asyncio

    import uvloop

    from milkrun.cli.progress import progress
    from milkrun.client.compare.conduct import compare, contestants
    from milkrun.client.compare.plan import WITH_HTTPX2

    parties = contestants()
    if parties != WITH_HTTPX2:
        tell([WITHOUT_HTTPX2])
    with ExitStack() as stack:
        step = stack.enter_context(progress(len(parties) * load.rounds, what="comparing", many=1))

        def on_turn(_: "Round") -> None:
            step()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(compare(url, load, wishes, on_turn=on_turn, parties=parties))


def _print_object(comparison: "Comparison") -> None:
    import orjson

    from milkrun.client.compare.report import comparison_json

    typer.echo(orjson.dumps(comparison_json(comparison)))


def _print_report(comparison: "Comparison") -> None:
    from milkrun.cli.comparison import print_comparison
    from milkrun.cli.terminal import console

    print_comparison(console(), comparison)
