"""Reading challenges: what servers write, and what nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.client.auth.challenge import Challenge, challenges, parameters

PIECES = st.lists(
    st.sampled_from(
        ["Digest", "Basic", " ", ",", "=", '"', "\\", "realm", "nonce", 'realm="a"', "qop=auth", "\t", "abc==", "é"]
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('Basic realm="simple"', [("basic", {"realm": "simple"})]),
        (
            'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
            [("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}), ("basic", {"realm": "simple"})],
        ),
        ('DIGEST REALM = "a, b" , Nonce="n=1,2"', [("digest", {"realm": "a, b", "nonce": "n=1,2"})]),
        ("Negotiate abc/+._~-==, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        ("NTLM, Negotiate", [("ntlm", {}), ("negotiate", {})]),
        (", ,Basic realm=a,, ,charset=UTF-8,", [("basic", {"realm": "a", "charset": "UTF-8"})]),
        ('Digest realm="first", realm="second"', [("digest", {"realm": "first"})]),
        ("Digest nonce=abc==, qop=auth", [("digest", {"nonce": "abc==", "qop": "auth"})]),
        ('Digest realm="", nonce="back\\\\slash"', [("digest", {"realm": "", "nonce": "back\\slash"})]),
        ('realm="of nothing", Basic realm=a', [("basic", {"realm": "a"})]),
        ('Digest @@@, realm="a"', [("digest", {"realm": "a"})]),
        ('Digest realm="never closed, nonce=1', [("digest", {"nonce": "1"})]),
        ("", []),
    ],
)
def test_a_field_is_read_as_its_challenges(field: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert challenges([field]) == [Challenge(*each) for each in expected]


def test_several_fields_are_read_in_order_each_by_itself() -> None:
    assert challenges(["Digest realm=a", "nonce=1", "Basic realm=b"]) == [
        Challenge("digest", {"realm": "a"}),
        Challenge("basic", {"realm": "b"}),
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('nextnonce="n, 2", qop=auth, NC=00000001', {"nextnonce": "n, 2", "qop": "auth", "nc": "00000001"}),
        ("nextnonce=1, nextnonce=2", {"nextnonce": "1"}),
        ("nothing to read", {}),
    ],
)
def test_a_field_without_a_scheme_is_read_as_parameters(field: str, expected: dict[str, str]) -> None:
    assert parameters(field) == expected


@given(st.lists(st.one_of(st.text(), PIECES), max_size=3))
def test_no_field_ever_breaks_the_reading(fields: list[str]) -> None:
    for challenge in challenges(fields):
        assert challenge.scheme == challenge.scheme.lower() != ""
    for field in fields:
        parameters(field)


@pytest.mark.parametrize("piece", ['a="x,', 'a="', '"', "a=", "\\", 'a="\\', ", ", " \t", 'a="b"c,'])
def test_a_head_full_of_nonsense_is_read_to_its_end(piece: str) -> None:
    nonsense = (piece * 65_536)[:65_536]  # a reader that begins anew at each character would take minutes

    assert challenges([nonsense + '",Digest realm=a'])[-1] == Challenge("digest", {"realm": "a"})
