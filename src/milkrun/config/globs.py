"""Names with a `*` in them: which groups, which tags something is about."""

from milkrun.config.section import Section, Words
from milkrun.core.glob import Glob


def read_globs(section: Section, key: str) -> tuple[str, ...]:
    """One glob or a list of them; those that are none are left out, and the section has been told."""
    return tuple([words.text for words in section.one_or_several(key) if _is_glob(section, words)])


def _is_glob(section: Section, words: Words) -> bool:
    try:
        Glob(words.text)
    except ValueError as err:
        section.problem_at(words, f"expected a name, perhaps with * in it: {err}")
        return False
    return True
