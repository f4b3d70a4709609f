"""What has been replaced in others' classes and modules, and how it is put back: exactly that, and nothing else."""

from typing import Any


class Patches:
    """Replacements that can be undone."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, str, object, bool, object]] = []

    def replace(self, owner: Any, name: str, replacement: object) -> None:
        """Have `owner`, a class or a module, answer `replacement` for `name`; what it inherited is inherited again."""
        own = name in vars(owner)
        self._made.append((owner, name, vars(owner).get(name), own, replacement))
        setattr(owner, name, replacement)

    def undo(self) -> None:
        """Put everything back, except what somebody else has replaced since: theirs may call ours."""
        while self._made:
            owner, name, original, own, replacement = self._made.pop()
            if vars(owner).get(name) is not replacement:
                continue
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)
