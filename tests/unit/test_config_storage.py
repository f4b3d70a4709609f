"""`storage.database`: PostgreSQL by a URL that is never shown."""

from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from milkrun.config.settings import DatabaseUrl
from milkrun.store.opening import database_of
from tests.support.configuring import Configured


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


@pytest.mark.parametrize("url", ["postgresql://a:hunter2@h:5433/name?sslmode=require", "postgres://h/name"])
def test_a_database_is_postgresql_by_its_url(configured: Configured, url: str) -> None:
    settings = configured.load('storage: {database: "${WHERE}"}', WHERE=url)
    assert settings.storage.database == DatabaseUrl(url)
    assert database_of(settings) == url


def test_without_one_it_is_a_file_in_the_data_directory(configured: Configured) -> None:
    assert database_of(configured.load("storage: {}")) == Path("data/milkrun.db")


def test_the_url_is_never_shown(configured: Configured) -> None:
    settings = configured.load("storage: {database: 'postgresql://a:hunter2@h/name'}")
    for shown in (repr(settings), str(settings.storage), pretty_repr(settings)):
        assert "hunter2" not in shown


@pytest.mark.parametrize("url", ["mysql://a:hunter2@h/name", "data/milkrun.db", "postgresql:/h"])
def test_any_other_database_is_a_problem_that_does_not_repeat_it(configured: Configured, url: str) -> None:
    [problem] = configured.problems(f"storage: {{database: '{url}'}}")
    assert problem == ("1: storage.database: expected postgresql://user:password@host/name; SQLite needs no database")
