"""What the kernel's tables say."""

from pathlib import Path

import pytest

from milkrun.client.compare.kernel import opened_by_all, time_wait

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue\n"
ROW = "   {}: {}:{:04X} {}:{:04X} {:02X} 00000000:00000000 00:00000000 00000000     0        0 0\n"
V4, V6 = "0100007F", "00000000000000000000000001000000"
TIME_WAIT, UP, FIN_WAIT2 = 6, 1, 5


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    return tmp_path


def table(file: Path, *rows: tuple[int, int, int], address: str = V4) -> None:
    lines = [ROW.format(n, address, local, address, remote, state) for n, (local, remote, state) in enumerate(rows)]
    file.write_text(HEADING + "".join(lines), encoding="ascii")


async def test_only_sockets_between_the_ports_and_in_time_wait_count_at_either_end(proc: Path) -> None:
    table(
        proc / "net/tcp",
        (5000, 443, TIME_WAIT),
        (5000, 80, TIME_WAIT),
        (443, 5000, TIME_WAIT),
        (5001, 443, UP),
    )
    table(proc / "net/tcp6", (5002, 443, TIME_WAIT), (5003, 443, TIME_WAIT), address=V6)
    assert await time_wait({(5000, 443), (5001, 443), (5002, 443)}, proc) == 3


async def test_a_system_without_ipv6_has_one_table(proc: Path) -> None:
    table(proc / "net/tcp", (5000, 443, TIME_WAIT))
    assert await time_wait({(5000, 443)}, proc) == 1


async def test_a_system_without_tables_tells_nothing(proc: Path) -> None:
    assert await time_wait({(5000, 443)}, proc) is None
    assert opened_by_all(proc) is None


async def test_a_socket_that_is_closing_is_waited_for_but_not_for_ever(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(proc / "net/tcp", (5000, 443, FIN_WAIT2), (5001, 443, TIME_WAIT))
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            table(proc / "net/tcp", (5000, 443, TIME_WAIT), (5001, 443, TIME_WAIT))

    monkeypatch.setattr("milkrun.client.compare.kernel.asyncio.sleep", pause)
    assert await time_wait({(5000, 443), (5001, 443)}, proc) == 2
    assert len(pauses) == 3
    table(proc / "net/tcp", (5000, 443, FIN_WAIT2))
    assert await time_wait({(5000, 443)}, proc) == 0
    assert sum(pauses) <= 1.1


def test_connections_opened_by_all_are_the_namespaces(proc: Path) -> None:
    (proc / "net/snmp").write_text("Ip: Forwarding\nIp: 1\nTcp: RtoMin ActiveOpens\nTcp: 200 1234\nUdp: A\nUdp: 1\n")
    assert opened_by_all(proc) == 1234
