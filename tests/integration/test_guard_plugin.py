"""`pytest --client-guard`: the test that leaks fails, with the line and the fix; the others do not notice it."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SERVER = """
import asyncio, gc, socket, threading, unittest
import httpx2, pytest
from milkrun.client import Client

ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi"
kept = []

def serve(accepted):
    with accepted:
        while accepted.recv(65536):
            accepted.sendall(ANSWER)

def accept(listener):
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(accepted,), daemon=True).start()

@pytest.fixture(scope="session")
def server():
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)

def client():
    return httpx2.Client(verify=False)

def connected(server):
    host, _, port = server[7:-1].partition(":")
    return socket.create_connection((host, int(port)))
"""
# The plugins that happen to be installed here take longer to load than the tests to run.
ALONE = ("--disable-plugin-autoload", "-p", "milkrun-client-guard", "-p", "anyio", "-p", "no:cacheprovider")
WITH_XDIST = ("-p", "xdist", "-n", "2")
CONFIGURATION = "[pytest]\nanyio_mode = auto\n"


class Suite:
    """A suite of its own, run in a process of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        pytester.makeini(CONFIGURATION)

    def run(self, tests: str, *options: str, ini: str = "") -> pytest.RunResult:
        """Run these tests, under the guard unless the options begin with something else."""
        self._pytester.makeini(CONFIGURATION + ini)
        self._pytester.makepyfile(SERVER + tests)
        return self._pytester.runpytest_subprocess("-q", *ALONE, *(options or ("--client-guard",)))


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


QUIET = """
import aiohttp

def test_a_client_that_is_closed(server):
    with client() as one:
        assert one.get(server).text == "hi"

async def test_an_asynchronous_one(server):
    async with Client() as one:
        assert (await one.get(server)).status == 200
    async with httpx2.AsyncClient(verify=False) as other:
        assert (await other.get(server)).text == "hi"
    async with aiohttp.ClientSession() as third, third.get(server) as response:
        assert await response.text() == "hi"

@pytest.fixture
def own():
    with client() as one:
        yield one

@pytest.fixture(scope="module")
def of_the_module():
    with client() as one:
        yield one

@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio", {"use_uvloop": True}

@pytest.fixture(scope="module")
async def of_our_own(anyio_backend):
    async with Client() as one:
        yield one

@pytest.fixture(scope="session")
def connection(server):
    with connected(server) as one:
        yield one

@pytest.mark.parametrize("number", [1, 2, 3])
def test_clients_of_fixtures(own, of_the_module, connection, server, number):
    assert own.get(server).text == of_the_module.get(server).text == "hi"

async def test_what_lasts_may_open_connections_in_a_test(of_our_own, server):
    assert (await of_our_own.get(server)).status == 200

def test_a_client_without_connections():
    kept.append(httpx2.Client(transport=httpx2.MockTransport(lambda request: httpx2.Response(200))))

class TestCase(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.addCleanup(self.client.close)

    def test_with_a_clean_up(self):
        assert not self.client.is_closed

@pytest.mark.skip
def test_skipped():
    client()

def test_that_skips_itself():
    pytest.skip("no reason")

at_import = client()

def test_a_client_made_at_import(server):
    assert at_import.get(server).text == "hi"
"""


@pytest.mark.parametrize("options", [(), WITH_XDIST], ids=["one", "xdist"])
def test_a_suite_that_closes_what_it_opens_passes(suite: Suite, options: tuple[str, ...]) -> None:
    result = suite.run(QUIET, "--client-guard", *options)
    result.assert_outcomes(passed=9, skipped=2)


LEAKS = """
def test_a_client():
    kept.append(client())

def test_a_client_gone():
    client()

async def test_an_asynchronous_client(server):
    kept.append(Client())
    assert (await kept[-1].get(server)).status == 200

@pytest.fixture
def own():
    return client()

@pytest.mark.parametrize("number", [1, 2])
def test_a_client_of_a_fixture(own, number):
    assert not own.is_closed

class TestCase(unittest.TestCase):
    def test_a_client_of_a_test_case(self):
        kept.append(client())

def test_a_socket(server):
    kept.append(connected(server))

def test_a_listener():
    kept.append(socket.create_server(("127.0.0.1", 0)))

def test_nothing():
    pass
"""


@pytest.mark.parametrize("options", [(), WITH_XDIST], ids=["one", "xdist"])
def test_each_test_that_leaks_fails_and_no_other(suite: Suite, options: tuple[str, ...]) -> None:
    result = suite.run(LEAKS, "--client-guard", *options)
    result.assert_outcomes(failed=8, passed=1)


def test_the_failure_names_the_line_the_stack_and_the_fix(suite: Suite) -> None:
    result = suite.run(
        LEAKS, "--client-guard", "-k", "test_a_client_of_a_test_case or test_a_socket or test_a_listener"
    )
    result.stdout.fnmatch_lines_random(
        [
            "httpx2.Client was not closed, constructed at *.py:* in client:",
            "    kept.append(client())",
            "    return httpx2.Client(verify=False)",
            "Close it where it is made, `async with` or `with`, or in the fixture that makes it, after its yield.",
            "  127.0.0.1:* -> 127.0.0.1:* (established), opened at *.py:* in connected",
            "  127.0.0.1:* (listening)",
            "*@pytest.mark.client_guard(allow=*sockets*",
            "FAILED *::TestCase::test_a_client_of_a_test_case*",
        ]
    )


def test_without_the_option_nothing_is_judged(suite: Suite) -> None:
    suite.run(LEAKS, "-p", "no:warnings").assert_outcomes(passed=9)


def test_a_configuration_file_may_switch_it_on(suite: Suite) -> None:
    suite.run(LEAKS, "-k", "test_a_client", ini="client_guard = true\n").assert_outcomes(failed=5, deselected=4)


OTHERWISE = """
@pytest.mark.no_client_guard
def test_not_judged(server):
    kept.append([client(), connected(server)])

@pytest.mark.client_guard(allow="clients")
def test_may_leak_clients():
    kept.append(client())

@pytest.mark.client_guard(allow=["clients", "sockets"])
class TestSome:
    @pytest.mark.client_guard(allow=["time-wait"])
    def test_may_leak_anything(self, server):
        kept.append([client(), connected(server)])

@pytest.mark.client_guard(allow="sockets")
def test_may_leak_sockets_but_leaks_a_client(server):
    kept.append([client(), connected(server)])
"""


def test_marks_say_what_may_leak(suite: Suite) -> None:
    result = suite.run(OTHERWISE)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.no_fnmatch_line("*TCP socket*")


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('allow="socket"', "*client_guard(allow=[[]'socket']): there are clients, sockets, time-wait*"),
        ('"sockets"', "*: expected client_guard(allow=[[]…], time_wait=N), not *args=('sockets',)*"),
        ('alow="sockets"', "*: expected client_guard(allow=[[]…], time_wait=N), not *'alow': 'sockets'*"),
    ],
)
def test_a_mark_that_nobody_knows_is_an_error_that_says_which_there_are(suite: Suite, mark: str, said: str) -> None:
    result = suite.run(f"@pytest.mark.client_guard({mark})\ndef test_it(): pass\n")
    result.stdout.fnmatch_lines([said])
    assert result.ret != 0


def test_peers_may_be_let_be(suite: Suite) -> None:
    tests = "def test_it(server):\n    kept.append(connected(server))\n"
    suite.run(tests, "--client-guard", "-o", "client_guard_ignore=10.* 127.0.0.1:*").assert_outcomes(passed=1)


FAILS = """
def test_fails_and_leaks():
    kept.append(client())
    assert 1 == 2

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail_and_leaks():
    kept.append(client())
    assert 1 == 2

@pytest.mark.xfail
def test_is_expected_to_fail_but_only_leaks():
    kept.append(client())

@pytest.fixture
def broken():
    kept.append(client())
    yield
    raise ValueError("in the teardown")

def test_whose_teardown_fails(broken):
    pass

@pytest.fixture
def never():
    kept.append(client())
    raise ValueError("in the setup")

def test_whose_setup_fails(never):
    pass
"""


def test_who_has_failed_anyhow_is_not_told_again(suite: Suite) -> None:
    result = suite.run(FAILS)
    result.assert_outcomes(failed=1, xfailed=2, passed=1, xpassed=1, errors=2)
    assert result.stdout.str().count("was not closed, constructed") == 0


STORM = """
@pytest.mark.parametrize("times", [4, 12])
def test_storm(server, times):
    for _ in range(times):
        with client() as one:
            one.get(server)

@pytest.mark.client_guard(time_wait=20)
def test_that_may(server):
    test_storm(server, 12)

async def test_by_asyncio(server):
    for _ in range(12):
        async with httpx2.AsyncClient(verify=False) as one:
            await one.get(server)

def test_one_client(server):
    with client() as one:
        for _ in range(30):
            one.get(server)
"""


@pytest.mark.parametrize(
    "setting", [["--client-guard-time-wait", "10"], ["-o", "client_guard_time_wait=10"]], ids=["option", "file"]
)
def test_a_storm_of_time_waits_fails_the_test_that_raised_it(suite: Suite, setting: list[str]) -> None:
    result = suite.run(STORM, "--client-guard", *setting)
    result.assert_outcomes(failed=2, passed=3)
    result.stdout.fnmatch_lines(
        [
            "12 connections are in TIME_WAIT, more than 10:",
            "  12 to 127.0.0.1:*, opened at *.py:* in test_storm",
        ]
    )


RUNNER = """
import pytest
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem)
    return True
"""


def test_where_another_plugin_runs_the_tests_a_leak_is_an_error_of_the_teardown(
    suite: Suite, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(RUNNER)
    suite.run("def test_it():\n    kept.append(client())\n").assert_outcomes(passed=1, errors=1)


REPEATER = """
import pytest
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, log=False, nextitem=item)
    runtestprotocol(item, nextitem=nextitem)
    return True
"""


def test_a_leak_is_told_again_where_a_test_is_repeated_for_it(suite: Suite, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(REPEATER)
    suite.run("def test_it():\n    kept.append(client())\n").assert_outcomes(passed=1, errors=1)


def test_a_setting_that_is_no_number_is_refused_in_one_line(suite: Suite) -> None:
    result = suite.run("def test_it(): pass\n", ini="client_guard_time_wait = many\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: client_guard_time_wait = many: expected a number of connections"])


def test_a_pytest_that_does_not_ask_for_it_loads_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "milkrun.pytest_client_guard" in sys.modules
            assert [name for name in sys.modules if name.startswith("milkrun.client")] == []
        """
    )
    pytester.runpytest_subprocess(*ALONE).assert_outcomes(passed=1)


def test_the_plugins_module_imports_pytest_and_nothing_else() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules)\n"
        "import milkrun.pytest_client_guard; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["milkrun", "milkrun.pytest_client_guard"]


def test_its_options_and_marks_are_in_pytests_help(pytester: pytest.Pytester) -> None:
    shown = (
        pytester.runpytest_subprocess("--help").stdout.str() + pytester.runpytest_subprocess("--markers").stdout.str()
    )
    for word in ("--client-guard", "--client-guard-time-wait=N", "client_guard_ignore", "@pytest.mark.no_client_guard"):
        assert word in shown


def test_the_header_says_that_it_is_on(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest_subprocess(*ALONE, "--client-guard").stdout.fnmatch_lines(
        ["client-guard: *more than 50 TIME_WAITs"]
    )
