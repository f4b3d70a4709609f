"""Libraries that are imported later: told of as soon as their module has been run."""

import sys
from collections.abc import Callable, Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader, SourcelessFileLoader
from types import ModuleType


class LateImports(MetaPathFinder):
    """A finder that finds nothing of its own: it asks the others, and follows what they found.

    Args:
        names: the modules that matter. Of those not loaded from files nothing is told.
        imported: called with the name of one that has been imported.
    """

    def __init__(self, names: Collection[str], imported: Callable[[str], None]) -> None:
        self._names = names
        self._imported = imported

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """As finders do."""
        if fullname not in self._names:
            return None
        others = (finder for finder in sys.meta_path if not isinstance(finder, LateImports))
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((found for found in specs if found is not None), None)
        if spec is not None and isinstance(spec.loader, SourceFileLoader | SourcelessFileLoader):
            self._follow(spec.loader, fullname)
        return spec

    def _follow(self, loader: SourceFileLoader | SourcelessFileLoader, name: str) -> None:
        """Shadow one method of this one loader, once: the module and its spec keep the loader they always had."""
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            execute(module)
            self._imported(name)

        vars(loader)["exec_module"] = exec_module
