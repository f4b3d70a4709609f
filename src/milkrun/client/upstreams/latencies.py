"""A quantile of what was seen last."""

from bisect import bisect_left, insort
from collections import deque


class Latencies:
    """The last `size` latencies in seconds, as they came and sorted: exact, and cheap for some hundreds."""

    __slots__ = ("_in_order", "_recent")

    def __init__(self, size: int) -> None:
        self._recent: deque[float] = deque(maxlen=size)
        self._in_order: list[float] = []

    def __len__(self) -> int:
        return len(self._recent)

    def add(self, seconds: float) -> None:
        """Remember one, and forget the oldest if there are as many as may be."""
        if len(self._recent) == self._recent.maxlen:
            del self._in_order[bisect_left(self._in_order, self._recent[0])]
        self._recent.append(seconds)
        insort(self._in_order, seconds)

    def quantile(self, share: float) -> float:
        """The latency that this share of them does not exceed, by nearest rank. There must be one."""
        return self._in_order[min(len(self._in_order) - 1, int(share * len(self._in_order)))]
