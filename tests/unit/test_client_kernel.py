"""What the kernel's tables of sockets say, read from a copy of them."""

from pathlib import Path

import pytest

from milkrun.client.kernel import TcpState, open_sockets, tcp_sockets, tells_of_tcp

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41 1 00000 100 0 0 10 0
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 42 1 00000 20 4 0 10 -1
   2: 0100007F:C351 0100007F:1F90 06 00000000:00000000 03:00001768 00000000     0        0 0 3 00000
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr
   0: 00000000000000000000000001000000:C352 00000000000000000000000001000000:1F90 08 0:0 00:0 0     0        0 43 1 0
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(TCP)
    (tmp_path / "net/tcp6").write_text(TCP6)
    return tmp_path


def test_every_tcp_socket_is_listed_with_its_ends_and_its_state(proc: Path) -> None:
    listening, open_, waiting, closed_there = tcp_sockets(proc)
    assert (listening.state, open_.state, waiting.state) == (TcpState.LISTEN, TcpState.ESTABLISHED, TcpState.TIME_WAIT)
    assert (open_.inode, open_.local_port, open_.remote_port) == (42, 50000, 8080)
    assert [str(one) for one in (listening, open_, closed_there)] == [
        "127.0.0.1:8080 (listening)",
        "127.0.0.1:50000 -> 127.0.0.1:8080 (established)",
        "[::1]:50002 -> [::1]:8080 (closed by the other side)",
    ]


def test_the_sockets_among_the_descriptors_are_known_by_their_inodes(proc: Path) -> None:
    folder = proc / "self/fd"
    folder.mkdir(parents=True)
    for number, target in enumerate(["/dev/null", "socket:[42]", "pipe:[7]", "socket:[43]"]):
        (folder / str(number)).symlink_to(target)
    assert open_sockets(proc) == {42, 43}


def test_where_there_are_no_such_tables_there_are_no_sockets(tmp_path: Path) -> None:
    assert not tells_of_tcp(tmp_path)
    assert open_sockets(tmp_path) == set()
    assert list(tcp_sockets(tmp_path)) == []


def test_a_descriptor_that_goes_while_they_are_listed_is_passed_over() -> None:
    assert all(inode > 0 for inode in open_sockets())  # the one that lists them is gone when it is looked at
