"""Which face a request has, and what is said where there is none."""

import subprocess
import sys

import httpcore
import httpcore2
import httpx
import httpx2
import pytest

from milkrun.client import UsageError
from milkrun.client.httpx.faces import face_of

WITHOUT = """
import importlib.abc, sys
class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name={told})
sys.meta_path.insert(0, Without())
"""


def tried(code: str, *missing: str, told: str = "name") -> "subprocess.CompletedProcess[str]":
    text = WITHOUT.format(missing=missing, told=told) + code
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=30, check=False)


class OwnRequest(httpx.Request):
    """An application's."""


@pytest.mark.parametrize(
    ("request_", "module", "core"),
    [
        (httpx2.Request("GET", "http://a/"), httpx2, httpcore2),
        (httpx.Request("GET", "http://a/"), httpx, httpcore),
        (OwnRequest("GET", "http://a/"), httpx, httpcore),
    ],
)
def test_a_request_has_the_face_that_its_class_comes_from(request_: object, module: object, core: object) -> None:
    face = face_of(request_)
    assert face.module is module
    assert face.core is core
    assert face_of(request_) is face


def test_what_is_no_request_of_a_face_is_said_to_be_none() -> None:
    with pytest.raises(UsageError, match="a str is no request of httpx2 or httpx"):
        face_of("GET")


def test_without_either_of_them_one_line_says_what_is_missing() -> None:
    done = tried("import milkrun.client.httpx", "httpx2", "httpx")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: milkrun.client.httpx needs httpx2: pip install 'milkrun[httpx]'"
    )


def test_without_httpx2_the_transport_is_httpxs() -> None:
    done = tried(
        "import httpx, milkrun.client.httpx as m; print(m.Transport.__mro__[1] is httpx.AsyncBaseTransport)", "httpx2"
    )
    assert done.stdout == "True\n", done.stderr


def test_a_face_that_is_there_but_broken_is_not_said_to_be_missing() -> None:
    done = tried("import milkrun.client.httpx", "httpx2", told="'something_else'")
    assert "No module named 'httpx2'" in done.stderr.splitlines()[-1]
