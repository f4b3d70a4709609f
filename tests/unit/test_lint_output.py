"""What is printed, in each format."""

import msgspec

from milkrun.client.lint import FORMATS, Finding, Problem, Report


def finding(**changes: object) -> Finding:
    made = Finding(
        path="app.py",
        line=12,
        column=6,
        end_line=12,
        end_column=20,
        code="MRC001",
        name="client-in-handler",
        message="100% wrong",
        fix="do so",
        source="\twith httpx.Client() as client:",
    )
    return msgspec.structs.replace(made, **changes)


def printed(format_: str, *findings: Finding, problems: tuple[Problem, ...] = (), files: int = 2) -> list[str]:
    return list(FORMATS[format_](Report(findings=list(findings), problems=list(problems), files=files)))


def test_text_has_the_place_the_line_and_the_remedy() -> None:
    assert printed("text", finding()) == [
        "app.py:12:6: MRC001 100% wrong",
        "  12 | \twith httpx.Client() as client:",
        "     | \t    ^^^^^^^^^^^^^^",
        "  fix: do so",
        "",
        "1 finding in 1 file, 2 files looked at",
    ]


def test_what_spans_lines_is_marked_to_the_end_of_its_first() -> None:
    lines = printed("text", finding(source="x = httpx.Client(  ", column=5, end_line=13, end_column=2))
    assert lines[1:3] == ["  12 | x = httpx.Client(", "     |     ^^^^^^^^^^^^^"]


def test_nothing_in_a_file_or_its_name_gives_a_terminal_orders() -> None:
    lines = printed("text", finding(path="a\n.py", source="x = '\x1b[2J', httpx.Client()"))
    assert [lines[0][:4], lines[1]] == ["a\ufffd.p", "  12 | x = '\ufffd[2J', httpx.Client()"]


def test_the_summary_counts() -> None:
    problems = (Problem(path="b.py", line=3, message="broken"), Problem(path="c", message="gone"))
    assert printed("text", files=0) == ["no findings, 0 files looked at"]
    assert printed("text", finding(), finding(line=13), problems=problems, files=1_200)[-3:] == [
        "b.py:3: broken",
        "c: gone",
        "2 findings in 1 file, 1,200 files looked at; 2 could not be checked",
    ]


def test_json_is_one_object_with_every_field() -> None:
    problem = Problem(path="b.py", line=3, message="broken")
    text = "\n".join(printed("json", finding(), problems=(problem,)))
    assert msgspec.json.decode(text) == {
        "findings": [msgspec.to_builtins(finding())],
        "problems": [{"path": "b.py", "line": 3, "message": "broken"}],
        "files": 2,
    }


def test_github_gets_an_annotation_each_with_what_it_reads_as_markup_escaped() -> None:
    problems = (Problem(path="b.py", line=3, message="broken\r\nfile"), Problem(path="c", message="gone"))
    said = "title=MRC001 client-in-handler::100%25 wrong%0Afix: do so"
    assert printed("github", finding(path="a,b:c.py"), finding(end_line=14), problems=problems) == [
        f"::error file=a%2Cb%3Ac.py,line=12,endLine=12,col=6,endColumn=20,{said}",
        f"::error file=app.py,line=12,endLine=14,col=6,{said}",
        "::error file=b.py,line=3::broken%0D%0Afile",
        "::error file=c::gone",
    ]
