"""Routes: what may be chosen, in which form it is kept, and when two are the same."""

from typing import Any

import pytest

from milkrun.client.dial.route import DIRECT, Route, route
from milkrun.client.errors import UsageError
from milkrun.client.proxy import Proxy

SAMPLES: list[dict[str, Any]] = [
    {},
    {"proxy": Proxy.parse("http://proxy.test:3128")},
    {"proxy": Proxy.parse("http://user:one@proxy.test:3128")},
    {"proxy": Proxy.parse("http://user:two@proxy.test:3128")},
    {"unix_socket": "/run/one.sock"},
    {"unix_socket": "/run/two.sock"},
    {"local_address": "127.0.0.2"},
    {"local_address": "127.0.0.3"},
    {"local_address": "::1"},
    {"family": "ipv4"},
    {"family": "ipv6"},
    {"resolve": {"a.test": "192.0.2.1"}},
    {"resolve": {"a.test": "192.0.2.2"}},
    {"resolve": {"a.test:80": "192.0.2.1"}},
    {"resolve": {"a.test": ["192.0.2.1", "192.0.2.2"]}},
    {"nameservers": ["192.0.2.53"]},
    {"nameservers": ["192.0.2.53:54"]},
    {"nameservers": ["192.0.2.53"], "family": "ipv4"},
]


def test_nothing_chosen_is_the_default_route_and_its_key_is_empty() -> None:
    assert route() == DIRECT
    assert DIRECT.key == ""


def test_every_choice_has_a_key_of_its_own() -> None:
    keys = [route(**sample).key for sample in SAMPLES]

    assert len(set(keys)) == len(SAMPLES)


@pytest.mark.parametrize("sample", SAMPLES)
def test_equal_choices_are_equal_routes(sample: dict[str, Any]) -> None:
    assert route(**sample) == route(**sample)
    assert hash(route(**sample)) == hash(route(**sample))


def test_a_route_shows_no_password_of_its_proxy() -> None:
    chosen = route(proxy=Proxy.parse("http://user:hush@proxy.test:3128"))

    assert "hush" not in repr(chosen)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"resolve": {"A.Test": "192.0.2.1"}}, {"resolve": {"a.test": ("192.0.2.1",)}}),
        ({"resolve": {"bücher.test": "192.0.2.1"}}, {"resolve": {"xn--bcher-kva.test": "192.0.2.1"}}),
        ({"resolve": {"a.test": "0:0::1"}}, {"resolve": {"a.test": "::1"}}),
        (
            {"resolve": {"a.test": "192.0.2.1", "b.test": "192.0.2.2"}},
            {"resolve": {"b.test": "192.0.2.2", "a.test": "192.0.2.1"}},
        ),
        ({"resolve": {"::1": "::2"}}, {"resolve": {"[::1]": "::2"}}),
        ({"local_address": "0::1"}, {"local_address": "::1"}),
        ({"local_address": "127.0.0.2"}, {"local_address": "127.0.0.2", "family": "ipv4"}),
        ({"nameservers": ["192.0.2.53"]}, {"nameservers": ["192.0.2.53:53"]}),
        ({"nameservers": ["::1"]}, {"nameservers": ["[::1]:53"]}),
        ({"nameservers": ["[0::1]"]}, {"nameservers": ["[::1]"]}),
    ],
)
def test_different_spellings_of_one_wish_are_one_route(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert route(**one) == route(**other)
    assert route(**one).key == route(**other).key


def test_the_interface_of_a_link_local_name_server_comes_last() -> None:
    assert route(nameservers=["fe80::1%lo"]).nameservers == ("[fe80::1]:53%lo",)


@pytest.mark.parametrize(
    ("host", "port", "addresses"),
    [
        ("a.test", 80, ("192.0.2.2",)),
        ("a.test", 443, ("192.0.2.1", "::1")),
        ("b.test", 80, ("192.0.2.3",)),
        ("b.test", 81, ()),
        ("c.test", 80, ()),
        ("::1", 80, ("::2",)),
        ("::1", 81, ()),
    ],
)
def test_an_override_with_the_port_comes_before_one_without(host: str, port: int, addresses: tuple[str, ...]) -> None:
    chosen = route(
        resolve={
            "a.test": ["192.0.2.1", "::1"],
            "a.test:80": "192.0.2.2",
            "b.test:80": "192.0.2.3",
            "[::1]:80": "::2",
        }
    )

    assert chosen.override(host, port) == addresses


def test_a_route_without_overrides_gives_none() -> None:
    assert Route(family="ipv4").override("a.test", 80) == ()


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"proxy": Proxy.parse("http://p.test"), "unix_socket": "/run/one.sock"}, "one of the two"),
        ({"unix_socket": ""}, "1 to 107 bytes"),
        ({"unix_socket": "/" + "ä" * 54}, "1 to 107 bytes"),
        ({"local_address": "localhost"}, "local_address: 'localhost' is no address"),
        ({"local_address": "127.0.0.1:80"}, "literal IPv4 or IPv6 address"),
        ({"local_address": "127.0.0.1", "family": "ipv6"}, "from 127.0.0.1 only ipv4"),
        ({"local_address": "::1", "family": "ipv4"}, "from ::1 only ipv6"),
        ({"family": "ipv5"}, "expected one of any, ipv4, ipv6"),
        ({"resolve": {"a.test": "b.test"}}, "resolve: 'b.test' is no address"),
        ({"resolve": {"a.test": []}}, "no address for 'a.test'"),
        ({"resolve": {"http://a.test": "::1"}}, "expected host, host:port"),
        ({"resolve": {"a.test/path": "::1"}}, "expected host, host:port"),
        ({"resolve": {"": "::1"}}, "expected host, host:port"),
        ({"resolve": {"a.test:0": "::1"}}, "port '0'"),
        ({"resolve": {"a.test:99999": "::1"}}, "port '99999'"),
        ({"resolve": {"a..test": "::1"}}, "a..test"),
        ({"nameservers": ["dns.test"]}, "nameservers: 'dns.test' is no address"),
        ({"nameservers": [""]}, "expected an address, or address:port"),
        ({"nameservers": ["192.0.2.53:0"]}, "expected an address, or address:port"),
        ({"nameservers": ["192.0.2.53:99999"]}, "expected an address, or address:port"),
        ({"nameservers": ["192.0.2.53:dns"]}, "expected an address, or address:port"),
    ],
)
def test_what_cannot_be_a_route_is_a_mistake_that_says_what_was_expected(choice: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        route(**choice)
