"""A few sample services of the demo's, in the test's own loop: targets that answer as a test needs them to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

from milkrun.demo.behaviours import Behaviour
from milkrun.demo.roster import Sample
from milkrun.demo.server import Services


@asynccontextmanager
async def targets(**behaviours: Behaviour | None) -> AsyncIterator[dict[str, str]]:
    """Serve one target a name; None is a port that refuses. Gives the address of each."""
    services = Services(Path())
    await services.open(Sample(group="", name=name, behaviour=each) for name, each in behaviours.items())
    try:
        yield {key.removeprefix("/"): address for key, address in services.addresses.items()}
    finally:
        await services.close()


def write_configuration(folder: Path, endpoints: Sequence[dict[str, object]], **sections: object) -> Path:
    """Write a configuration file with these endpoints and sections."""
    path = folder / "milkrun.yaml"
    path.write_text(yaml.safe_dump({"endpoints": list(endpoints), **sections}))
    return path
