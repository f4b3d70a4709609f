"""A client per request, then one client, under the same traffic and the same limit of descriptors."""

import argparse
import math
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from examples.flight_prices import kernel, page, pictures, report
from examples.flight_prices.plan import Plan
from examples.flight_prices.processes import DiedError
from examples.flight_prices.run import Run, run
from examples.flight_prices.verdict import Claim, judge

Say = Callable[[object], None]

_STYLES = {report.HELD: "green", report.FAILED: "red"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both versions and say what happened; 0 if the story held, 1 if not, 2 if it could not be told."""
    asked = _arguments(arguments)
    if not kernel.answers():
        print(
            "The example counts descriptors in /proc, which this system does not have: it needs Linux.", file=sys.stderr
        )
        return 2
    plan = Plan(seconds=asked.seconds, quiet=asked.quiet, peak=asked.peak, limit=asked.limit)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)  # so that it ends what it has started, then too
    say: Say = Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print
    say(report.announcement(plan))
    try:
        broken, right = (_put_through(version, plan, say) for version in ("broken", "right"))
    except DiedError as err:
        print(f"The example could not run: {err}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    claims = judge(broken, right)
    _conclude(report.table(broken, right), claims, say)
    if asked.record:
        _record(asked.record, broken, right, claims)
    return 0 if all(claim.held for claim in claims) else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="flight_prices", description=__doc__)
    parser.add_argument("--seconds", type=_positive, default=usual.seconds, help="how long users come (%(default)g)")
    parser.add_argument("--quiet", type=_positive, default=usual.quiet, help="users a second (%(default)g)")
    parser.add_argument("--peak", type=_positive, default=usual.peak, help="and in the middle third (%(default)g)")
    parser.add_argument("--limit", type=int, default=usual.limit, help="the service's descriptors (%(default)d)")
    parser.add_argument("--record", type=Path, metavar="DIR", help=f"draw the pictures there, and fill its {page.PAGE}")
    asked = parser.parse_args(arguments)
    if asked.record and not (asked.record / page.PAGE).is_file():
        parser.error(f"--record: there is no {page.PAGE} to fill in {asked.record}")
    return asked


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from err
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return number


def _put_through(version: str, plan: Plan, say: Say) -> Run:
    say(f"\n{pictures.NAMES[version].capitalize()}:")
    return run(version, plan, report.Meanwhile(plan, say))


def _conclude(table: str, claims: Sequence[Claim], say: Say) -> None:
    say(f"\n{table}\n")
    for line in report.verdict(claims).splitlines():
        say(Text(line[0], style=_STYLES[line[0]]) + Text(line[1:]))


def _record(folder: Path, broken: Run, right: Run, claims: Sequence[Claim]) -> None:
    pictures.draw(broken, right, folder)
    happened = f"```text\n{report.table(broken, right)}\n\n{report.verdict(claims)}\n```"
    page.fill(folder / page.PAGE, {**page.fixed(broken.plan), "run": happened})


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
