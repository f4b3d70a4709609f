"""The pytest plugin of the client guard: `--client-guard`. It loads nothing else of Milkrun until it is switched on."""

import pytest

_ABOUT = "fail the test that leaks an HTTP client or a TCP socket, or leaves a storm of TIME_WAITs"
_MARKS = (
    'client_guard(allow=(), time_wait=N): let this test leak "clients", "sockets" or "time-wait"; its own limit',
    "no_client_guard: do not judge what this test leaves behind",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options and what a configuration file may say."""
    group = parser.getgroup("client-guard", "clients and sockets that tests leak")
    group.addoption("--client-guard", action="store_true", help=_ABOUT)
    group.addoption("--client-guard-time-wait", type=int, metavar="N", help="how many TIME_WAITs are let pass")
    parser.addini("client_guard", _ABOUT, type="bool", default=False)
    parser.addini("client_guard_time_wait", "how many TIME_WAITs of a test are let pass", default="50")
    parser.addini("client_guard_ignore", "peers whose sockets may stay open, as *:5432", type="args", default=())


def pytest_configure(config: pytest.Config) -> None:
    """The marks are always known; the rest is there where it is asked for."""
    for mark in _MARKS:
        config.addinivalue_line("markers", mark)
    if config.getoption("client_guard") or config.getini("client_guard"):
        _switch_on(config)


def _switch_on(config: pytest.Config) -> None:
    from milkrun.client.guard.testing.findings import Rules  # noqa: PLC0415  # every pytest run loads this module
    from milkrun.client.guard.testing.plugin import ClientGuard  # noqa: PLC0415  # as above

    limit = config.getoption("client_guard_time_wait")
    rules = Rules(
        time_wait=_configured_limit(config) if limit is None else limit,
        ignore=tuple(config.getini("client_guard_ignore")),
    )
    config.pluginmanager.register(ClientGuard(rules))


def _configured_limit(config: pytest.Config) -> int:
    written = config.getini("client_guard_time_wait")
    try:
        return int(written)
    except ValueError as err:
        raise pytest.UsageError(f"client_guard_time_wait = {written}: expected a number of connections") from err
