"""What the documents promise: their configurations load, their code runs, their versions are the package's."""

import ast
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import anyio.to_thread
import httpx2
import pytest

from milkrun.alerting.kinds import CHANNELS
from milkrun.client import Client
from milkrun.client.httpx import Transport
from milkrun.config.alerting import AlertingReader
from milkrun.config.composer import Composer
from milkrun.config.endpoints import EndpointReader
from milkrun.config.gatus_alerts import read_alerts
from milkrun.config.load import load
from milkrun.config.maintenance import MAINTENANCE, MaintenanceReader
from milkrun.config.nodes import Entry, Mapping
from milkrun.config.problems import Report
from milkrun.config.process import ProcessReader
from milkrun.config.section import Section
from milkrun.config.slo import SLOS, SloReader
from milkrun.core.outcome import FAILURE_KINDS
from milkrun.core.placeholders import PLACEHOLDERS
from milkrun.demo.behaviours import answers
from milkrun.probes.kinds import KINDS
from tests.support.samples import targets
from tests.support.scripted import OK, Peer, scripted

ROOT = Path(__file__).resolve().parents[2]
HASH = b64encode(b"$2b$12$" + b"a" * 53).decode()
VARIABLES = {
    "CHECKOUT_TOKEN": "t",
    "MILKRUN_USER": "me",
    "MILKRUN_PASSWORD_BCRYPT_BASE64": HASH,
    "MILKRUN_PASSWORD": HASH,
    "PROXY_PASSWORD": "p",
    "API_PASSWORD": "p",
    "API_TOKEN": "t",
    "CLIENT_SECRET": "s",
    "SLACK_URL": "https://hooks.slack.com/services/a/b/c",
    "DISCORD_URL": "https://discord.com/api/webhooks/1/a",
    "TEAMS_URL": "https://prod-1.westeurope.logic.azure.com/workflows/a",
    "MAIL_PASSWORD": "p",
    "HOOK_KEY": "k",
    "PAGERDUTY_KEY": "k",
    "PING": "p",
    "TELEGRAM_TOKEN": "1:t",
    "OPSGENIE_KEY": "k",
    "NTFY_TOKEN": "t",
    "GOTIFY_TOKEN": "t",
    "TEAM": "a",
    "DATABASE_URL": "postgresql://milkrun@localhost/milkrun",
}
# What has to be there for all that it may have to be asked for.
EVERY_SECTION = """
endpoints:
  - client: {auth: {basic: {}, digest: {}, bearer: x}, oauth2: {}}
    alerts: [{}]
    flapping: {}
    maintenance-windows: [{}]
    slo: {}
maintenance: {}
network: {}
rdap: {}
slos: [{}]
alerting: {channels: {}, routes: [{quiet-hours: {}, digest: {}, escalate: [{}]}], heartbeat: {}}
client: {}
security: {basic: {}}
storage: {}
web: {}
"""
THE_USERS_OWN = (
    "endpoints[].headers",
    "endpoints[].client.resolve",
    "endpoints[].alerts[].provider-override",
    "alerting.channels",
)


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_loads_without_a_warning(example: Path) -> None:
    settings = load([example], KINDS, CHANNELS, VARIABLES)
    assert settings.endpoints
    assert not settings.warnings


@pytest.mark.parametrize(
    "document", ["README.md", "docs/quickstart.md", "docs/configuration.md", "docs/channels.md", "docs/storage.md"]
)
def test_every_configuration_in_a_document_loads_without_a_warning(document: str, tmp_path: Path) -> None:
    shown = blocks(document, "yaml")
    assert shown
    for number, text in enumerate(shown):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        assert not load([path], KINDS, CHANNELS, VARIABLES).warnings


def test_the_readmes_configuration_is_ten_lines() -> None:
    (text,) = blocks("README.md", "yaml")
    assert len(text.splitlines()) == 10


def test_the_changelogs_newest_version_is_the_packages() -> None:
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == version("milkrun")


def ended(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("document", ["docs/client.md", "docs/httpx.md"])
async def test_the_client_documents_code_runs(document: str) -> None:
    code, *_ = blocks(document, "python")
    async with targets(good=answers(ms=1)) as urls:
        command = [sys.executable, "-W", "error", "-c", code.replace("https://example.org", urls["good"])]
        done = await anyio.to_thread.run_sync(ended, command)
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()[:2]] == [["200", "False"], ["200", "True"]]


@pytest.mark.parametrize(
    "snippet",
    [
        *blocks("docs/client.md", "python")[1:],
        *blocks("docs/httpx.md", "python")[1:],
        *blocks("docs/upstreams.md", "python"),
    ],
)
async def test_the_client_documents_snippets_run_with_the_client_at_hand(
    snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def serve(peer: Peer) -> None:
        while await peer.message():
            await peer.say(OK)

    async with scripted(serve) as server, Client() as client:
        text = snippet.replace("https://example.org/", server.url)
        code = compile(text, "docs/client.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        at_hand = {"client": client, "Client": Client, "httpx2": httpx2, "Transport": Transport}
        awaitable = eval(code, at_hand)  # noqa: S307  # our own document
        if awaitable is not None:
            await awaitable


def test_every_placeholder_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| (`\[.*?) \|", (ROOT / "docs/conditions.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`\[([A-Z_]+)\]", row)}
    assert named == set(PLACEHOLDERS)


def test_every_failure_kind_is_documented() -> None:
    text = (ROOT / "docs/outcomes.md").read_text()
    table = text.partition("| layer | kinds |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| ([a-z, ]+) \| ([a-z, -]+) \|$", table, re.MULTILINE))
    documented = {layer: set(kinds.split(", ")) for layers, kinds in rows.items() for layer in layers.split(", ")}
    assert documented == {layer.value: set(kinds) for layer, kinds in FAILURE_KINDS.items()}


def keys_read(section: Section) -> Iterator[str]:
    for key in section._asked:
        below = section._sections.get(key) or section._sections.get(f"{key}[0]")
        path = section.path_of(key).replace("[0]", "[]")
        yield from [path] if below is None or path in THE_USERS_OWN else keys_read(below)


def all_keys_read() -> Iterator[str]:
    report = Report("every.yaml")
    for top in Composer(EVERY_SECTION, report).top("endpoints"):
        if top.key == SLOS:
            root = Section(Mapping({SLOS: Entry(top.line, top.value)}, top.line), "", report, {})
            SloReader().read(root)
            yield from keys_read(root)
            continue
        if top.key == MAINTENANCE:
            root = Section(Mapping({MAINTENANCE: Entry(top.line, top.value)}, top.line), "", report, {})
            MaintenanceReader().read(root)
            # The other keys are those of every window, which are documented with an endpoint's.
            yield from [key for key in keys_read(root) if key in ("maintenance.groups", "maintenance.endpoints")]
            continue
        assert isinstance(top.value, Mapping)
        section = Section(top.value, "endpoints[0]" if top.key == "endpoints" else top.key, report, {})
        if top.key == "endpoints":
            read_alerts(section)
            EndpointReader(KINDS).read(section)
        elif top.key == "alerting":
            AlertingReader(CHANNELS).read(section)
        else:
            ProcessReader().read(top.key, section)
        yield from keys_read(section)


def keys_documented() -> Iterator[str]:
    """The keys of each table, by the section that its heading names; `.password` goes on where the key before ended."""
    place = ""
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        if heading := re.fullmatch(r"## `(.*)`", line):
            place = heading[1]
        elif line.startswith("| `"):
            key = ""
            for word in re.findall(r"`([a-z0-9.\[\]-]+)`", line.split("|")[1]):
                key = f"{key.rpartition('.')[0]}{word}" if word.startswith(".") else word
                yield f"{place}.{key}"


def test_every_key_is_documented_and_no_other() -> None:
    read = set(all_keys_read())
    documented = set(keys_documented())
    assert read - documented == {"endpoints[].dns"}  # by which Gatus tells a kind of check that is not built yet
    for key in documented - read:  # a section, which is described elsewhere
        assert any(other.startswith(f"{key}.") for other in read), key


def test_an_example_has_every_key() -> None:
    text = (ROOT / "examples/everything.yaml").read_text()
    names = {key.rpartition(".")[2].removesuffix("[]") for key in all_keys_read()} - {"dns", "address"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}:", text)] == []


DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))


def anchors(document: Path) -> set[str]:
    """What its headings can be linked to by."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_link_in_a_document_is_dead(document: str) -> None:
    path = ROOT / document
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)", path.read_text()):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
