"""What is replaced in others' classes is put back: exactly that."""

from milkrun.client.guard.patches import Patches


class Base:
    def inherited(self) -> str:
        return "base"


class Another(Base):
    def own(self) -> str:
        return "own"


class Other(Base):
    def own(self) -> str:
        return "own"


def ours(_: object) -> str:
    return "ours"


def test_undone_a_class_has_what_it_had_and_inherits_what_it_inherited() -> None:
    before = dict(vars(Other))
    patches = Patches()
    patches.replace(Other, "own", ours)
    patches.replace(Other, "inherited", ours)
    assert (Other().own(), Other().inherited(), Base().inherited()) == ("ours", "ours", "base")
    patches.undo()
    assert dict(vars(Other)) == before


def test_what_somebody_else_has_replaced_since_stays_as_they_have_it() -> None:
    patches, theirs = Patches(), Patches()
    patches.replace(Another, "own", ours)
    theirs.replace(Another, "own", lambda _: "theirs")
    patches.undo()
    assert Another().own() == "theirs"
    theirs.undo()
    assert Another().own() == "ours"
