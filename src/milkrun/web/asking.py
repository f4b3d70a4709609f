"""The query parameters of pages and interface: what may be asked, and one clear sentence for what may not be."""

from typing import Annotated, Any

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from milkrun.core.outcome import Outcome
from milkrun.web import listing

_Group = Annotated[str | None, Query(max_length=200, description="Only this group; empty for endpoints without one.")]
_State = Annotated[Outcome | None, Query(description="Only endpoints in this state.")]
_Words = Annotated[str, Query(max_length=200, description="Words that group, name or address must contain.")]
_Page = Annotated[int, Query(ge=1, le=1_000_000, description="Which page, from 1.")]


def _asked(group: _Group = None, state: _State = None, q: _Words = "", page: _Page = 1) -> listing.Query:
    return listing.Query(group=group, state=state, q=q, page=page)


class Problem(BaseModel):
    """What every error looks like."""

    detail: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such endpoint."},
    422: {"model": Problem, "description": "A value was not what was expected; the sentence says what was."},
    503: {"model": Problem, "description": "The history cannot be read just now, or too many streams are open."},
}

AskedDep = Annotated[listing.Query, Depends(_asked)]


def sentence(error: RequestValidationError) -> str:
    """Say what was given and what was expected: `page is "0": input should be greater than or equal to 1.`.

    A value that may be written in several ways is told once, with each of them.
    """
    parts: dict[str, list[str]] = {}
    for one in error.errors():
        name, given = one["loc"][:2][-1], str(one.get("input"))[:80]
        parts.setdefault(f'{name} is "{given}"', []).append(f"{one['msg'][0].lower()}{one['msg'][1:]}")
    return "; ".join(f"{given}: {', or '.join(expected)}" for given, expected in parts.items()) + "."
