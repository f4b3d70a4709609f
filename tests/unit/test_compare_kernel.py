"""What the kernel's tables say."""

from pathlib import Path

import pytest

from milkrun.client.compare.kernel import opened_by_all, time_wait

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue\n"
ROW = "   {}: {}:{:04X} {}:{:04X} {:02X} 00000000:00000000 00:00000000\n"
V4, V6 = "0100007F", "00000000000000000000000001000000"
TIME_WAIT, UP, FIN_WAIT2 = 6, 1, 5


def table(file: Path, *rows: tuple[int, int, int], address: str = V4) -> None:
    lines = [ROW.format(n, address, local, address, remote, state) for n, (local, remote, state) in enumerate(rows)]
    file.write_text(HEADING + "".join(lines), encoding="ascii")


async def test_only_sockets_between_the_ports_and_in_time_wait_count_at_either_end(tmp_path: Path) -> None:
    table(
        tmp_path / "tcp",
        (5000, 443, TIME_WAIT),
        (5000, 80, TIME_WAIT),
        (443, 5000, TIME_WAIT),
        (5001, 443, UP),
    )
    table(tmp_path / "tcp6", (5002, 443, TIME_WAIT), (5003, 443, TIME_WAIT), address=V6)
    assert await time_wait({(5000, 443), (5001, 443), (5002, 443)}, tmp_path) == 3


async def test_a_system_without_ipv6_has_one_table(tmp_path: Path) -> None:
    table(tmp_path / "tcp", (5000, 443, TIME_WAIT))
    assert await time_wait({(5000, 443)}, tmp_path) == 1


async def test_a_system_without_tables_tells_nothing(tmp_path: Path) -> None:
    assert await time_wait({(5000, 443)}, tmp_path) is None
    assert opened_by_all(tmp_path) is None


async def test_a_socket_that_is_closing_is_waited_for_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path / "tcp", (5000, 443, FIN_WAIT2), (5001, 443, TIME_WAIT))
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            table(tmp_path / "tcp", (5000, 443, TIME_WAIT), (5001, 443, TIME_WAIT))

    monkeypatch.setattr("milkrun.client.compare.kernel.asyncio.sleep", pause)
    assert await time_wait({(5000, 443), (5001, 443)}, tmp_path) == 2
    assert len(pauses) == 3
    table(tmp_path / "tcp", (5000, 443, FIN_WAIT2))
    assert await time_wait({(5000, 443)}, tmp_path) == 0
    assert sum(pauses) <= 1.1


def test_connections_opened_by_all_are_the_namespaces(tmp_path: Path) -> None:
    (tmp_path / "snmp").write_text("Ip: Forwarding\nIp: 1\nTcp: RtoMin ActiveOpens\nTcp: 200 1234\nUdp: A\nUdp: 1\n")
    assert opened_by_all(tmp_path) == 1234
