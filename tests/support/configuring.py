"""Configuration for tests: a text in, settings or problems out."""

from pathlib import Path
from textwrap import dedent

from milkrun.alerting.kinds import CHANNELS
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.config.settings import Settings
from milkrun.core.endpoint import Endpoint
from milkrun.probes.http import HttpOptions
from milkrun.probes.kinds import KINDS


class Configured:
    """Writes configurations into one folder and loads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "config.yaml"

    def load(self, text: str, **environ: str) -> Settings:
        self.file.write_text(dedent(text), encoding="utf-8")
        return load([self.file], KINDS, CHANNELS, environ)

    def endpoint(self, text: str, **environ: str) -> Endpoint:
        """The only endpoint, its keys given as one flat text."""
        lines = dedent(text).strip().splitlines()
        item = "\n".join([f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])])
        (endpoint,) = self.load(f"endpoints:\n{item}\n", **environ).endpoints
        return endpoint

    def options(self, text: str, **environ: str) -> HttpOptions:
        options = self.endpoint(f"name: a\nurl: http://h/\n{dedent(text).strip()}", **environ).options
        assert isinstance(options, HttpOptions)
        return options

    def problems(self, text: str, **environ: str) -> list[str]:
        """`line: path: message` of each problem."""
        try:
            self.load(text, **environ)
        except ConfigError as err:
            return [str(problem).removeprefix(f"{self.file}").removeprefix(":").strip() for problem in err.problems]
        return []
