"""The process of the sample services: apart from the monitor, so that its descriptors and its CPU are its own.

Run as `python -m milkrun.demo.child FOLDER`. It writes one line of JSON (where each service is) to standard output,
then serves until its standard input ends: that pipe closes when the parent ends, however the parent ends.
"""

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path

from milkrun.client import raise_limit
from milkrun.demo.certificates import write_certificates
from milkrun.demo.roster import ROSTER
from milkrun.demo.server import Services


async def serve(folder: Path) -> None:
    """Serve until standard input ends."""
    raise_limit()
    write_certificates(folder, dt.datetime.now(dt.UTC))
    services = Services(folder)
    await services.open(ROSTER)
    sys.stdout.write(json.dumps(services.addresses) + "\n")
    sys.stdout.flush()
    await _end_of_input()
    await services.close()


async def _end_of_input() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    try:
        asyncio.run(serve(Path(sys.argv[1])))
    except OSError as err:
        sys.exit(f"a sample service cannot start: {err}")
