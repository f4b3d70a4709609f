"""`milkrun serve` as a real process: configured, started, asked over its interface, stopped."""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.measure import cpu_of, descriptors, resident


class Monitored(msgspec.Struct, frozen=True, kw_only=True):
    """What a run monitors: the same interval, condition and maximum age for every URL.

    `slowest` is the time limit of a check; `besides` is more of the configuration, as YAML.
    """

    urls: Sequence[str]
    interval: str = "10s"
    max_age: str | None = None
    descriptors: int | None = None
    groups: int = 10
    slowest: str = "10s"
    besides: str = ""

    def config(self) -> str:
        """The configuration, as YAML."""
        age = f", connection: {{max-age: {self.max_age}}}" if self.max_age else ""
        age += f", client: {{timeout: {self.slowest}}}"
        rules = f'interval: {self.interval}, conditions: ["[STATUS] == 200", "[RESPONSE_TIME] < 5000"]{age}'
        lines = [
            f"- {{name: service-{i:05}, group: group-{i % self.groups:02}, url: {url}, {rules}}}"
            for i, url in enumerate(self.urls)
        ]
        return "endpoints:\n" + "\n".join(lines) + "\n" + self.besides


class Serving:
    """The running process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, data: Path) -> None:
        self._process = process
        self.pid = process.pid
        self.port = port
        self.data = data
        self.started = time.monotonic()

    def get(self, path: str) -> bytes:
        """The body of `path`; anything but 200 ends the benchmark."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        if response.status != 200:
            raise SystemExit(f"milkrun serve answered {response.status} to {path}")
        return body

    def ask(self, path: str) -> Any:
        """The JSON of `/api/v1/…`."""
        return json.loads(self.get(f"/api/v1/{path}"))

    def cpu(self) -> float:
        """CPU seconds so far."""
        return cpu_of(self.pid)

    def resident(self) -> int:
        """Resident bytes now."""
        return resident(self.pid)

    def descriptors(self) -> int:
        """Descriptors open now."""
        return descriptors(self.pid)

    def database(self) -> int:
        """Bytes of the database file, without its log."""
        return sum(path.stat().st_size for path in self.data.rglob("*.db"))

    def wait(self) -> None:
        """Return once it says it is ready; it has a minute."""
        while time.monotonic() < self.started + 60:
            with contextlib.suppress(OSError, SystemExit):
                self.get("/readyz")
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit("milkrun serve did not become ready")

    def stop(self) -> None:
        """Stop it as an operator would; a status other than 0 ends the benchmark."""
        self._process.terminate()
        if self._process.wait(30) != 0:
            raise SystemExit(f"milkrun serve ended with status {self._process.returncode}")

    def kill(self) -> None:
        """End it, however."""
        self._process.kill()
        self._process.wait()


def _command(monitored: Monitored, config: Path, data: Path, port: int) -> list[str]:
    milkrun = str(Path(sys.executable).with_name("milkrun"))
    command = [milkrun, "serve", "--config", str(config), "--data", str(data), "--port", str(port)]
    if monitored.descriptors is None:
        return command
    return ["sh", "-c", f'ulimit -n {monitored.descriptors}; exec "$@"', "milkrun", *command]


@contextlib.contextmanager
def serving(monitored: Monitored, *, data: Path | None = None) -> Iterator[Serving]:
    """Serve until the end of the block; `data` keeps the history for another run."""
    with tempfile.TemporaryDirectory(prefix="milkrun-bench-") as name:
        folder = Path(name)
        config = folder / "milkrun.yaml"
        config.write_text(monitored.config())
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        kept = data or folder / "data"
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(_command(monitored, config, kept, port), stdout=log, stderr=log)
        server = Serving(process, port, kept)
        try:
            server.wait()
            yield server
            server.stop()
        except BaseException:
            print((folder / "log").read_text()[-4000:], file=sys.stderr)
            raise
        finally:
            server.kill()
