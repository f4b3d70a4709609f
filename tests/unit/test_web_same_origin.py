"""Which requests may change something."""

import pytest
from starlette.datastructures import Headers

from milkrun.web.same_origin import is_own


@pytest.mark.parametrize(
    ("sent", "own"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://milkrun:8090"}, False),
        ({"origin": "http://milkrun:8090"}, True),
        ({"origin": "https://MILKRUN:8090"}, True),
        ({"origin": "http://milkrun"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://milkrun:8090.evil.example"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_only_our_own_pages_and_programs_may(sent: dict[str, str], own: bool) -> None:
    assert is_own(Headers({"host": "milkrun:8090", **sent})) is own
