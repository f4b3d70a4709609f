"""Whom a comparison may ask."""

import pytest

from milkrun.client.compare.plan import Load
from milkrun.client.compare.target import judge
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.errors import UsageError
from milkrun.client.url import parse_url

URL = "http://me:hunter2@service.example/path"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.1.1", "::1", "fd00::1", "fe80::1%lo",
     "::ffff:10.0.0.1", "0.0.0.0"],  # noqa: S104  # judged, not bound
)  # fmt: skip
def test_the_users_own_machine_and_network_need_no_leave(address: str) -> None:
    target = judge(URL, parse_url(URL), [address], Load(), yes=False)
    assert target.allow is not None
    assert AddressPolicy(allow=target.allow).verdict(address) is None
    assert AddressPolicy(allow=target.allow).verdict("192.0.2.1") is not None


@pytest.mark.parametrize(
    "addresses",
    [["192.0.2.1"], ["2001:db8::1"], ["100.64.0.1"], ["172.32.0.1"], ["::ffff:192.0.2.1"], ["10.0.0.1", "192.0.2.1"]],
)
def test_any_address_elsewhere_is_refused_by_name_and_the_way_round_it_is_said(addresses: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        judge(URL, parse_url(URL), addresses, Load(), yes=False)
    assert addresses[-1] in str(caught.value)
    assert "--yes" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_with_leave_any_address_will_do() -> None:
    target = judge(URL, parse_url(URL), ["192.0.2.1"], Load(), yes=True)
    assert (target.url, target.shown, target.allow) == (URL, "http://service.example/path", None)


@pytest.mark.parametrize("load", [Load(requests=501), Load(concurrency=51), Load(rounds=6), Load(within=121)])
def test_even_with_leave_there_is_a_ceiling_elsewhere(load: Load) -> None:
    with pytest.raises(UsageError, match=r"at most at 192\.0\.2\.1, which is not on your own network"):
        judge(URL, parse_url(URL), ["192.0.2.1"], load, yes=True)


def test_leave_lifts_no_bound_at_home_nor_lowers_it() -> None:
    assert judge(URL, parse_url(URL), ["10.0.0.1"], Load(requests=20_000), yes=True).allow is not None
