"""The parent's side of the demo: start the sample services, and write the configuration that monitors them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import yaml

from milkrun.demo.roster import ROSTER, Sample

INTERVAL = "10s"
STOP_WITHIN = 5.0


class CompanyError(Exception):
    """The sample services did not start; the message is one line."""


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """Where the running company's files are: the configuration, the authority's certificate, a place for data."""

    configuration: Path
    authority: Path
    data: Path


@contextmanager
def company() -> Iterator[Company]:
    """Run the sample services for as long as the context lasts; its files are gone afterwards. Raises CompanyError."""
    with ExitStack() as stack:
        try:
            files = _open(stack)
        except OSError as err:
            raise CompanyError(f"cannot write the demo's files: {err.strerror}") from err
        yield files


def _open(stack: ExitStack) -> Company:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="milkrun-demo-")))
    addresses = stack.enter_context(_services(folder))
    configuration = folder / "milkrun.yaml"
    configuration.write_text(yaml.safe_dump({"endpoints": _endpoints(addresses)}, sort_keys=False))
    return Company(configuration=configuration, authority=folder / "ca.pem", data=folder / "data")


@contextmanager
def _services(folder: Path) -> Iterator[Mapping[str, str]]:
    command = [sys.executable, "-m", "milkrun.demo.child", str(folder)]
    # A session of its own: Ctrl-C is for the monitor, which then ends its services by closing their input.
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        try:
            yield _addresses(process)
        finally:
            _stop(process)


def _addresses(process: "subprocess.Popen[bytes]") -> Mapping[str, str]:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise CompanyError("the sample services of the demo did not start")
    return msgspec.json.decode(line, type=dict[str, str])


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()


def _endpoints(addresses: Mapping[str, str]) -> list[dict[str, object]]:
    return [_endpoint(sample, addresses[sample.key]) for sample in ROSTER]


def _endpoint(sample: Sample, address: str) -> dict[str, object]:
    return {
        "name": sample.name,
        "group": sample.group,
        "url": f"{address}/health",
        "interval": INTERVAL,
        **sample.rules,
    }
