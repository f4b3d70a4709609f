"""Patched while anybody observes: the libraries that are imported, and the others as they come."""

import sys
import threading

from milkrun.client.guard.clients import KINDS, patch_class
from milkrun.client.guard.late_imports import LateImports
from milkrun.client.guard.observers import Observer, roll
from milkrun.client.guard.patches import Patches
from milkrun.client.guard.sockets import patch_anyio, patch_sockets, patch_uvloop

_CONNECTING = {"uvloop": patch_uvloop, "anyio": patch_anyio}
_LIBRARIES = frozenset({*_CONNECTING, *(kind.module for kind in KINDS)})


class Switch:
    """Adds observers and removes them; the first one patches, the last one puts everything back."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # what is patched may be imported by what patches
        self._patches = Patches()
        self._patched: set[str] = set()
        self._late = LateImports(_LIBRARIES, self._patch)

    def add(self, observer: Observer) -> None:
        """It is told from now on."""
        with self._lock:
            first = not roll.observers
            roll.add(observer)
            if first:
                self._begin()

    def remove(self, observer: Observer) -> None:
        """It is told no more. Harmless when repeated."""
        with self._lock:
            roll.remove(observer)
            if not roll.observers:
                self._end()

    def _begin(self) -> None:
        patch_sockets(self._patches)
        for name in _LIBRARIES & sys.modules.keys():
            self._patch(name)
        sys.meta_path.insert(0, self._late)

    def _end(self) -> None:
        if self._late in sys.meta_path:
            sys.meta_path.remove(self._late)
        self._patches.undo()
        self._patched.clear()

    def _patch(self, name: str) -> None:
        """Patch one library, once: it is imported, or being imported by its own submodules and not ready yet."""
        with self._lock:
            if name in self._patched or not roll.observers:
                return
            self._patched.add(name)
            module = sys.modules[name]
            for kind in KINDS:
                if kind.module == name and (found := getattr(module, kind.name, None)) is not None:
                    patch_class(self._patches, found, kind)
            if name in _CONNECTING:
                _CONNECTING[name](self._patches, module)


switch = Switch()
