"""The address policy: what is denied, in every disguise that an address can wear."""

import ipaddress
import itertools
import socket

import pytest

from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.resolve.resolver import Address


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.0.0.0/8"),
        ("64:ff9b::10.1.2.3", "10.0.0.0/8"),
        ("2002:0a01:0203::1", "10.0.0.0/8"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("0.0.0.0", "127.0.0.0/8"),  # noqa: S104  # connecting to it reaches this machine
        ("::ffff:0.0.0.0", "127.0.0.0/8"),
        ("::ffff:127.9.9.9", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("::", "::1/128"),
        ("fe80::1%eth0", "fe80::/10"),
        ("169.254.169.254", "169.254.169.254/32"),
        ("::ffff:a9fe:a9fe", "169.254.169.254/32"),
        ("10.1.2.4", "10.0.0.0/8"),
        ("11.0.0.1", None),
        ("::ffff:11.0.0.1", None),
        ("2001:db8::1", None),
        ("fec0::1", None),
    ],
)
def test_a_denied_network_is_denied_in_every_disguise(address: str, rule: str | None) -> None:
    policy = AddressPolicy(deny=["10.0.0.0/8", "127.0.0.0/8", "::1", "fe80::/10", "169.254.169.254"])

    assert policy.verdict(address) == (None if rule is None else f"{rule} is denied")


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("192.0.2.1", True),
        ("::ffff:192.0.2.1", True),
        ("192.0.2.66", False),
        ("192.0.3.1", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
    ],
)
def test_where_something_is_allowed_nothing_else_is_and_denial_wins(address: str, *, allowed: bool) -> None:
    policy = AddressPolicy(allow=["192.0.2.0/24", "2001:db8::/32"], deny=["192.0.2.64/26"])

    assert (policy.verdict(address) is None) is allowed


def test_an_empty_policy_allows_everything() -> None:
    assert AddressPolicy().verdict("127.0.0.1") is None


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "193.0.6.139", "223.255.255.254", "192.1.0.1", "100.63.255.255", "172.32.0.1"),
        *("2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2001:4860:4860::8888"),
    ],
)
def test_public_addresses_are_public(address: str) -> None:
    assert AddressPolicy.public().verdict(address) is None


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"),  # noqa: S104
        *("192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
        *("198.18.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:192.168.1.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1"),
        *("fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "2001:db8::1", "2001::1"),
        *("2001:10::1", "2002:7f00:1::", "2002:0808:0808::1", "3fff::1", "5f00::1", "4000::1"),
    ],
)
def test_nothing_of_ones_own_network_is_public(address: str) -> None:
    assert AddressPolicy.public().verdict(address) is not None


def test_every_address_that_the_standard_library_calls_private_is_not_public() -> None:
    policy = AddressPolicy.public()
    for first, second in itertools.product(range(256), (0, 31, 168, 254)):
        address = ipaddress.IPv4Address(bytes((first, second, 7, 7)))
        assert address.is_global or policy.verdict(str(address)) is not None, address


def test_the_public_ones_can_be_restricted_further() -> None:
    assert AddressPolicy.public(deny=["8.8.8.0/24"]).verdict("8.8.8.8") == "8.8.8.0/24 is denied"


def addresses(*literals: str) -> list[Address]:
    return [(socket.AF_INET6 if ":" in literal else socket.AF_INET, literal) for literal in literals]


def test_denied_candidates_are_left_out_in_order() -> None:
    policy = AddressPolicy(deny=["10.0.0.0/8"])

    assert policy.screen(addresses("10.0.0.1", "192.0.2.1", "::ffff:10.0.0.2", "2001:db8::1")) == addresses(
        "192.0.2.1", "2001:db8::1"
    )


def test_when_all_are_denied_the_error_names_each_address_and_its_rule() -> None:
    policy = AddressPolicy(allow=["192.0.2.0/24"], deny=["10.0.0.0/8"])

    with pytest.raises(RequestError) as caught:
        policy.screen(addresses("10.0.0.1", "192.0.3.1"))

    assert (caught.value.layer, caught.value.kind, caught.value.phase) == ("connect", "denied", "connect")
    assert "10.0.0.1: 10.0.0.0/8 is denied" in caught.value.message
    assert "192.0.3.1: it is in none of the allowed networks" in caught.value.message


@pytest.mark.parametrize("network", ["10.0.0.1/8", "example.org", "", "10.0.0.0/33", "::1/129"])
def test_what_is_no_network_is_a_mistake_of_the_callers(network: str) -> None:
    with pytest.raises(UsageError, match=r"expected an address, or a network such as 10\.0\.0\.0/8"):
        AddressPolicy(deny=[network])


def test_a_policy_shows_its_networks() -> None:
    policy = AddressPolicy(allow=[ipaddress.ip_network("192.0.2.0/24")], deny=["192.0.2.1"])

    assert repr(policy) == "AddressPolicy(allow=['192.0.2.0/24'], deny=['192.0.2.1/32'])"
