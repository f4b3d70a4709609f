"""What the kernel says of TIME_WAIT."""

from pathlib import Path

import pytest

from milkrun.client.stats import time_wait


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("sockets: used 5\nTCP: inuse 6 orphan 0 tw 42 alloc 8 mem 1\nUDP: inuse 1\n", 42),
        ("sockets: used 5\n", None),
        ("TCP: inuse 6\n", None),
    ],
)
def test_time_wait_is_read_from_the_kernels_table(tmp_path: Path, text: str, count: int | None) -> None:
    table = tmp_path / "sockstat"
    table.write_text(text)
    assert time_wait(table) == count


def test_where_there_is_no_table_it_is_not_known(tmp_path: Path) -> None:
    assert time_wait(tmp_path / "absent") is None
