"""Build hook: a wheel always contains the pages' scripts; an editable install leaves them to `make`."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tools import assets


class PageAssets(BuildHookInterface[Any]):
    """Runs tools/assets.py before a wheel is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch what is missing and add it to the wheel, although git ignores it."""
        if version == "editable":
            return
        assets.build(Path(self.root))
        build_data["artifacts"].append(f"/{assets.VENDOR}/")
