"""One file: what is read, where its findings are, what suppresses them, and what cannot be checked."""

import sys
import warnings

import pytest

from milkrun.client.lint import RULES, Finding, UncheckedError, UnknownRuleError, check, chosen

AT_IMPORT = "import httpx\nclient = httpx.AsyncClient()"


def places(source: bytes) -> list[tuple[int, int, int, int]]:
    return [(each.line, each.column, each.end_line, each.end_column) for each in check(source, "app.py")]


def test_a_finding_says_where_what_and_what_to_write_instead() -> None:
    assert check(AT_IMPORT.encode(), "src/app.py") == [
        Finding(
            path="src/app.py",
            line=2,
            column=10,
            end_line=2,
            end_column=29,
            code="MRC005",
            name="client-at-import",
            message="httpx.AsyncClient is built when the module is imported: before any event loop and any fork, "
            "and for ever",
            fix="build it in the lifespan or in main(), `async with httpx.AsyncClient() as client:`, and hand it on",
            source="client = httpx.AsyncClient()",
        )
    ]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("é = '🚚'; x = httpx.AsyncClient()", (2, 14, 2, 33)),
        ("x = httpx.AsyncClient(\n    timeout=5,\n)", (2, 5, 4, 2)),
        ("\f\nx = httpx.AsyncClient()", (3, 5, 3, 24)),
        ("s = '\x0b\x1c\u2028'; x = httpx.AsyncClient()", (2, 16, 2, 35)),
    ],
)
def test_columns_count_characters_and_lines_are_pythons(source: str, at: tuple[int, int, int, int]) -> None:
    assert places(f"import httpx\n{source}\n".encode()) == [at]


@pytest.mark.parametrize(
    "source",
    [
        AT_IMPORT.encode(),
        b"\xef\xbb\xbf" + AT_IMPORT.encode(),
        AT_IMPORT.replace("\n", "\r\n").encode(),
        AT_IMPORT.replace("\n", "\r").encode(),
        f"# coding: latin-1 \xe9\n{AT_IMPORT.replace(chr(10), '; ')}".encode("latin-1"),
        rb"import httpx; pattern = '\d'" + b"\n" + AT_IMPORT.splitlines()[1].encode(),
    ],
    ids=["utf-8", "byte order mark", "windows", "old mac", "declared encoding", "a warning of the interpreter's"],
)
def test_a_file_is_read_as_python_reads_it(source: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [line for line, *_ in places(source)] == [2]


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        (b"import httpx\nClient(", 2, "'(' was never closed"),
        (b"from httpx import Client\nx = '\0'", 0, "it contains null bytes"),
        (b"from httpx import Client\nx = '\xff'", 0, "'utf-8' codec can't decode byte 0xff"),
        (b"# coding: hex\nfrom httpx import Client\n", 0, "'hex' is not a text encoding"),
        (b"# coding: klingon\nfrom httpx import Client\n", 0, "unknown encoding: klingon"),
        (b"from httpx import Client\nx = " + b"-" * 100_000 + b"1", 0, "nested too deeply to be read"),
        (b"from httpx import Client\nx = Client" + b".x" * 100_000 + b"()", 0, "nested too deeply to be read"),
        (b"from httpx import Client\nx = Client" + b".x" * 2_000 + b"()", 0, "nested too deeply to be read"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(source: bytes, line: int, says: str) -> None:
    with pytest.raises(UncheckedError) as raised:
        check(source, "app.py")
    problem = raised.value.problem
    assert (problem.path, problem.line) == ("app.py", line)
    assert says in problem.message
    assert len(problem.message.splitlines()) == 1


def test_a_newer_versions_syntax_is_told_with_the_version_that_read_it() -> None:
    with pytest.raises(UncheckedError, match=rf"not read as Python {sys.version_info[0]}\.{sys.version_info[1]}: "):
        check(b"from httpx import Client\nclient = Client() unless offline\n", "app.py")


def test_deep_nesting_that_python_reads_is_checked() -> None:
    deep = "import httpx\n" + "".join(f"{' ' * depth}if x:\n" for depth in range(80))
    assert places(f"{deep}{' ' * 80}client = httpx.AsyncClient()\n".encode()) == [(82, 90, 82, 109)]


@pytest.mark.parametrize("source", [b"", b"\0", b"def (", b"httpx = 1\nx = [", "gr\xfc\xdfe".encode("latin-1")])
def test_a_file_that_names_no_client_is_not_parsed(source: bytes) -> None:
    assert check(source, "app.py") == []


def test_a_stub_builds_nothing() -> None:
    assert check(b"import httpx\nclient = httpx.Client()\nclient = Client() unless offline\n", "app.pyi") == []


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NoQA",
        "# noqa: MRC005",
        "# noqa:mrc005",
        "# noqa: E501, MRC005",
        "# noqa: E501 MRC005",
        "# why it is so # noqa: MRC005 - and more of why",
        "# noqa because it is so",
    ],
)
def test_a_comment_suppresses(comment: str) -> None:
    assert places(f"{AT_IMPORT}  {comment}\n".encode()) == []
    assert places(f"{AT_IMPORT}  {comment}\n".replace("\n", "\r").encode()) == []


@pytest.mark.parametrize(
    "comment", ["# noqa: E501", "# noqa: MRC001", "# no qa", "# noqality", "; text = '# noqa'", "\n# noqa"]
)
def test_other_comments_and_strings_do_not(comment: str) -> None:
    assert len(places(f"{AT_IMPORT}  {comment}\n".encode())) == 1


@pytest.mark.parametrize(
    "source",
    [
        "client = build(  # noqa: MRC005\n    1,\n    httpx.AsyncClient(\n        timeout=5,\n    ),\n)",
        "client = build(\n    1,\n    httpx.AsyncClient(  # noqa: MRC005\n        timeout=5,\n    ),\n)",
        "client = build(\n    1,\n    httpx.AsyncClient(\n        timeout=5,\n    ),  # noqa: MRC005\n)",
    ],
    ids=["the statement's first line", "the call's first line", "the call's last line"],
)
def test_a_comment_counts_for_what_spans_lines(source: str) -> None:
    assert places(f"import httpx\n{source}\n".encode()) == []


def test_a_comment_suppresses_only_the_rules_that_it_names() -> None:
    source = b"import httpx\nasync def f():\n    httpx.AsyncClient().get('/')  # noqa: MRC003\n"
    assert [finding.code for finding in check(source, "app.py")] == ["MRC004"]


@pytest.mark.parametrize(
    ("select", "ignore", "codes"),
    [
        ([], [], set(RULES)),
        (["MRC001", "client-in-loop"], [], {"MRC001", "MRC002"}),
        (["mrc001"], [], {"MRC001"}),
        (["MRC"], ["MRC006", "client-at-import"], {"MRC001", "MRC002", "MRC003", "MRC004"}),
        ([], ["MRC00"], set()),
    ],
)
def test_rules_are_chosen_by_code_start_of_code_or_name(select: list[str], ignore: list[str], codes: set[str]) -> None:
    assert chosen(select, ignore) == codes


@pytest.mark.parametrize("word", ["E501", "", "client", "MRC007"])
def test_a_rule_that_is_none_is_refused_with_those_that_are(word: str) -> None:
    with pytest.raises(UnknownRuleError, match=r"is no rule: there are MRC001 client-in-handler, MRC002"):
        chosen([word])


def test_only_chosen_rules_are_checked() -> None:
    assert check(AT_IMPORT.encode(), "app.py", chosen(["MRC001"])) == []
