"""Every kind of check a configuration may ask for, a line each."""

from milkrun.config.kind import Kinds
from milkrun.probes.http import HttpKind

KINDS: Kinds = {
    "http": HttpKind(),
}
