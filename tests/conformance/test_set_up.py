"""What the set-up does about servers that are there, and that are not."""

from pathlib import Path

import pytest
from tools import apt, servers

from tests.conformance.fleet import Fleet
from tests.conformance.servers.nginx import Nginx
from tests.support.authority import Authority


class Missing(Nginx):
    """One that nothing could install."""

    def program(self) -> str | None:
        return None


@pytest.fixture
def fleet_without(tmp_path: Path, authority: Authority) -> Fleet:
    return Fleet(tmp_path, authority)


def test_a_missing_server_is_skipped_with_what_to_do(fleet_without: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="nginx is missing: apt-get install nginx"):
        fleet_without.running(Missing())


def test_a_missing_server_is_a_failure_of_continuous_integration(
    fleet_without: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="nginx is missing"):
        fleet_without.running(Missing())


def test_what_is_there_is_not_installed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(apt, "install", lambda *packages: installed.extend(packages))
    monkeypatch.setattr(servers, "PACKAGES", {"env": "coreutils"})
    assert servers.main() == 0
    assert installed == []


def test_what_is_missing_is_installed_and_named_if_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(apt, "install", lambda *packages: installed.extend(packages))
    monkeypatch.setattr(servers, "PACKAGES", {"env": "coreutils", "no-such-server": "no-such-package"})
    assert servers.main() == 0
    assert installed == ["no-such-package"]
    assert "no-such-server (apt-get install no-such-package)" in capsys.readouterr().err
