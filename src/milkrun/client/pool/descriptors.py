"""The process's budget of descriptors, shared by every client in it, so that together they never run out."""

import resource

# What a kernel allows a process at most by default (fs.nr_open): an unlimited hard limit is not unlimited.
_CEILING = 1_048_576


class Descriptors:
    """Counts connections against a budget. Plain arithmetic: the caller decides what to do when it is used up.

    Args:
        budget: how many connections the clients of this process may hold at once.
    """

    def __init__(self, budget: int) -> None:
        if budget < 1:
            raise ValueError(f"a budget of {budget} descriptors leaves none for a connection")
        self.budget = budget
        self.used = 0

    def __repr__(self) -> str:
        return f"<Descriptors: {self.used} of {self.budget} used>"

    @classmethod
    def from_limit(cls, *, reserve: int) -> "Descriptors":
        """The process's present limit, less what files, database and listeners need; but no less than half of it."""
        limit = descriptor_limit()
        return cls(max(1, limit - min(reserve, limit // 2)))

    def acquire(self) -> bool:
        """Take one if there is one left; says whether it did."""
        if self.used >= self.budget:
            return False
        self.used += 1
        return True

    def release(self) -> None:
        """Give one back."""
        if not self.used:
            raise RuntimeError("more descriptors were released than acquired")
        self.used -= 1


def descriptor_limit() -> int:
    """How many descriptors this process may have open now (the soft RLIMIT_NOFILE)."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _finite(soft)


def raise_limit() -> int:
    """Raise the process's soft limit of descriptors to its hard one and return it. Only an application does this."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _finite(hard)
    if limit > descriptor_limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return descriptor_limit()


def _finite(limit: int) -> int:
    return _CEILING if limit == resource.RLIM_INFINITY else limit
