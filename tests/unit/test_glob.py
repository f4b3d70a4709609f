"""Globs: what `pat(…)` matches."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.glob import Glob


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*", ""),
        ("", ""),
        ("a", "a"),
        ("a*", "a/b\nc"),
        ("*c", "abc"),
        ("a*c", "ac"),
        ("a*b*c", "aXbYc"),
        ("*aa*aa*", "aaaa"),
        ("?b", "ab"),
        ("[a-c]x", "bx"),
        ("[^a-c]x", "dx"),
        ("[]-a]", "]"),
        ("\\*", "*"),
        ("[\\]]", "]"),
        ("**", "anything"),
        ("*<b>?</b>*", "<p><b>x</b></p>"),
    ],
)
def test_a_glob_matches_the_whole_text(pattern: str, text: str) -> None:
    if pattern == "[]-a]":  # a class needs a member first, as Go has it
        with pytest.raises(ValueError, match="a class with its end"):
            Glob(pattern)
        return
    assert Glob(pattern).matches(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a", "ab"),
        ("", "a"),
        ("a*", "ba"),
        ("*a", "ab"),
        ("a*a", "a"),
        ("ab*bc", "abc"),
        ("a*b*c", "acb"),
        ("a*x*y*c", "ayxc"),
        ("*x*y", "ab"),
        ("x*y*z", "ab"),
        ("?", ""),
        ("[a-c]", "d"),
        ("[^a]", "a"),
        ("\\*", "a"),
    ],
)
def test_a_glob_does_not_match_anything_else(pattern: str, text: str) -> None:
    assert not Glob(pattern).matches(text)


@given(pattern=st.text(alphabet="ab*?", max_size=10), text=st.text(alphabet="abc", max_size=12))
def test_stars_and_question_marks_mean_what_they_mean_to_fnmatch(pattern: str, text: str) -> None:
    assert Glob(pattern).matches(text) is fnmatch.fnmatchcase(text, pattern)


def test_a_pattern_made_to_backtrack_is_answered_by_one_pass() -> None:
    assert not Glob("*a" * 60 + "*b").matches("a" * 10_000)


def test_globs_are_equal_by_their_pattern() -> None:
    assert Glob("a*") == Glob("a*")
    assert Glob("a*") != Glob("b*")
    assert Glob("a*") != "a*"
    assert len({Glob("a*"), Glob("a*")}) == 1
