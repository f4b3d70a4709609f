"""`milkrun serve --database`, and backup, restore and vacuum of what it keeps, as processes of their own."""

import os
import stat
from pathlib import Path

import pytest

from milkrun.demo.behaviours import answers
from tests.support.command_line import milkrun, serving
from tests.support.samples import targets, write_configuration


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_what_a_server_keeps_is_backed_up_while_it_runs_and_restored_when_it_does_not(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    there = ["--data", tmp_path / "data"]
    if database == "postgresql":
        there = ["--database", request.getfixturevalue("postgres_url")]
    file = tmp_path / "backup.db"
    async with targets(shop=answers()) as addresses:
        endpoints: list[dict[str, object]] = [{"name": "shop", "url": addresses["shop"], "interval": "1s"}]
        configuration = write_configuration(tmp_path, endpoints)
        async with serving("serve", "--config", configuration, "--port", 0, *there, cwd=tmp_path) as served:
            await served.eventually("/api/v1/endpoints", lambda page: page["items"][0]["state"] == "up")
            backup = milkrun("backup", file, *there)
            restored = milkrun("restore", file, "--force", *there)
            vacuumed = milkrun("vacuum", *there)
            second = milkrun("serve", "--port", 0, *there, cwd=tmp_path)
    assert (backup.returncode, backup.stderr) == (0, "")
    assert backup.stdout.startswith("Backed up and verified: ")
    assert (vacuumed.returncode, vacuumed.stdout[:10]) == (0, "Gave back ")
    for refused in (restored, second):
        assert refused.returncode == 2
        assert "is in use by another Milkrun" in refused.stderr
        assert refused.stderr.count("\n") == 1
    again = milkrun("restore", file, "--force", *there)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("Restored and verified: ")
    if database == "postgresql":
        assert not (tmp_path / "data").exists()


async def test_the_configuration_may_name_the_database_and_the_command_line_another(
    tmp_path: Path, postgres_url: str
) -> None:
    configuration = write_configuration(tmp_path, [], storage={"database": "${WHERE}"})
    async with serving("serve", "--config", configuration, "--port", 0, env={"WHERE": postgres_url}, cwd=tmp_path):
        pass
    named = milkrun("backup", "named.db", "--config", configuration, cwd=tmp_path, WHERE=postgres_url)
    assert named.returncode == 0
    other = milkrun("backup", "x.db", "--config", configuration, "--data", "no", cwd=tmp_path, WHERE=postgres_url)
    assert (other.returncode, other.stderr) == (2, "milkrun: no/milkrun.db: there is no database\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["backup", "x.db", "--data", "nowhere"], "milkrun: nowhere/milkrun.db: there is no database"),
        (["restore", "x.db"], "milkrun: x.db: there is no such backup"),
        (["vacuum", "--database", "mysql://a:hunter2@b"], "milkrun: expected a database as postgresql://"),
        (["backup", "x.db", "--database", "postgresql://a:hunter2@localhost:1/b"], "the server cannot be reached"),
        (["serve", "--database", "postgresql://a:hunter2@localhost:1/b"], "the server cannot be reached"),
        (["vacuum", "--config", "missing.yaml"], "missing.yaml"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_keeps_the_password(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    refused = milkrun(*arguments, cwd=tmp_path)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "hunter2" not in refused.stderr
    assert (refused.stderr.count("\n"), refused.stdout) == (1, "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_takes_no_backup_is_one_line(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    refused = milkrun("backup", closed / "x.db", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
