"""The one reader of configuration: files in, Settings out, or every problem at once."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from milkrun.config.alerting import AlertingReader
from milkrun.config.composer import Composer, Top
from milkrun.config.dependencies import DependencyChecks
from milkrun.config.endpoints import EndpointReader
from milkrun.config.files import config_files, read_text
from milkrun.config.gatus import NOT_BUILT_KEYS
from milkrun.config.gatus_alerts import read_alerts
from milkrun.config.kind import ChannelReaders, Kinds
from milkrun.config.maintenance import MAINTENANCE, MaintenanceReader
from milkrun.config.nodes import Entry, is_null
from milkrun.config.nodes import Mapping as MappingNode
from milkrun.config.problems import ConfigError, Refused, Report
from milkrun.config.process import ProcessReader
from milkrun.config.section import Section, not_built, unknown_key
from milkrun.config.settings import Settings
from milkrun.config.slo import SLOS, SloReader
from milkrun.core.endpoint import Endpoint
from milkrun.core.keys import endpoint_key

MAX_ENDPOINTS = 50_000
ENDPOINTS = "endpoints"
ALERTING = "alerting"


def load(
    paths: Sequence[Path], kinds: Kinds, channels: ChannelReaders, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read files, and folders of files, into Settings.

    Endpoints of all files are one list; each other section may stand in one file only. `environ` is where
    variables come from, the process's environment if not given. Raises ConfigError with every problem of every
    file.
    """
    loading = _Loading(kinds, channels, os.environ if environ is None else environ)
    for path in paths:
        loading.folder_or_file(path)
    return loading.settings()


class _Loading:
    """One load under way: gathers endpoints, sections and reports over all files."""

    def __init__(self, kinds: Kinds, channels: ChannelReaders, environ: Mapping[str, str]) -> None:
        self._reader = EndpointReader(kinds)
        self._environ = environ
        self._reports: list[Report] = []
        self._endpoints: dict[str, Endpoint] = {}
        self._places: dict[str, str] = {}
        self._process = ProcessReader()
        self._dependencies = DependencyChecks()
        self._maintenance = MaintenanceReader()
        self._alerting = AlertingReader(channels)
        self._slos = SloReader()
        self._count = 0

    def folder_or_file(self, path: Path) -> None:
        """Read all there is at `path`."""
        try:
            files = config_files(path)
        except Refused as err:
            self._report(path).problem(err.line, "", err.message)
            return
        for file in files:
            self._file(file, self._report(file))

    def settings(self) -> Settings:
        """All of it; raises ConfigError if anything is wrong."""
        alerting = self._alerting.settings(self._endpoints.values())
        self._slos.check(self._endpoints.values())
        self._dependencies.check()
        endpoints = self._maintenance.applied(self._endpoints)
        problems = [problem for report in self._reports for problem in report.problems]
        if problems:
            raise ConfigError(problems)
        return Settings(
            endpoints=tuple(endpoints.values()),
            storage=self._process.storage,
            web=msgspec.structs.replace(self._process.web, basic=self._process.basic),
            client=self._process.client,
            network=self._process.network,
            rdap=self._process.rdap,
            alerting=alerting,
            slos=self._slos.shared,
            warnings=tuple([warning for report in self._reports for warning in report.warnings]),
        )

    def _report(self, path: Path) -> Report:
        self._reports.append(Report(str(path)))
        return self._reports[-1]

    def _file(self, path: Path, report: Report) -> None:
        try:
            for top in Composer(read_text(path), report).top(ENDPOINTS):
                self._top(top, report)
        except Refused as err:
            report.problem(err.line, "", err.message)

    def _top(self, top: Top, report: Report) -> None:
        if top.key == ENDPOINTS:
            self._endpoint(top, report)
        elif top.key in NOT_BUILT_KEYS[""]:
            report.warning(top.line, top.key, not_built(top.key))
        elif top.key in self._process.sections or top.key == ALERTING:
            section = self._section(top, top.key, report)
            if section is not None:
                self._read(top.key, section)
        elif top.key in (SLOS, MAINTENANCE):
            root = Section(MappingNode({top.key: Entry(top.line, top.value)}, top.line), "", report, self._environ)
            (self._slos if top.key == SLOS else self._maintenance).read(root)
        elif not (top.anchored or top.key.startswith("x-")):
            known = (ENDPOINTS, ALERTING, MAINTENANCE, SLOS, *self._process.sections)
            report.problem(top.line, top.key, unknown_key(top.key, known, NOT_BUILT_KEYS[""]))

    def _read(self, name: str, section: Section) -> None:
        if name == ALERTING:
            self._alerting.read(section)
        else:
            self._process.read(name, section)

    def _section(self, top: Top, path: str, report: Report) -> Section | None:
        if is_null(top.value):
            return None
        if not isinstance(top.value, MappingNode):
            report.problem(top.value.line, path, "expected keys and values")
            return None
        return Section(top.value, path, report, self._environ)

    def _endpoint(self, top: Top, report: Report) -> None:
        if top.index is None:
            if not is_null(top.value):
                report.problem(top.line, ENDPOINTS, "expected a list")
            return
        self._count += 1
        if self._count > MAX_ENDPOINTS:
            raise Refused(top.value.line, f"expected at most {MAX_ENDPOINTS:,} endpoints")
        section = self._section(top, f"{ENDPOINTS}[{top.index}]", report)
        if section is not None:
            alerts = read_alerts(section)
            endpoint = self._reader.read(section)
            if endpoint is None:
                self._dependencies.leave_out(endpoint_key(section.text("group"), section.text("name")))
            else:
                self._alerting.gatus.want(alerts, endpoint)
                self._add(endpoint, section, report)

    def _add(self, endpoint: Endpoint, section: Section, report: Report) -> None:
        place = f"{section.path} ({report.file}:{section.line})"
        first = self._places.setdefault(endpoint.key, place)
        if first is not place:
            section.problem("name", f"expected a group and name whose key no other endpoint has; so has {first}")
        self._endpoints[endpoint.key] = endpoint
        self._dependencies.add(endpoint, section)
