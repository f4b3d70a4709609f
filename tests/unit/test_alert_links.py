import base64

import pytest

from milkrun.alerting.links import AckGrant, LinkError, read, sign
from milkrun.core.incident import IncidentKey, Kind
from tests.support.history import START

SECRET = bytes(range(32))
KEY = IncidentKey(7, START, Kind.CERTIFICATE)


def test_a_token_grants_what_it_was_signed_for_until_it_expires() -> None:
    token = sign(SECRET, KEY, "ops/ä", START + 10)
    assert read(SECRET, token, START + 9) == AckGrant(incident=KEY, channel="ops/ä", expires=START + 10)
    with pytest.raises(LinkError, match="expired"):
        read(SECRET, token, START + 10)


def test_a_token_fits_into_a_path() -> None:
    assert set(sign(SECRET, KEY, "?/&=%", START)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
    )


def forged() -> str:
    claim, mac = sign(SECRET, KEY, "ops", START).split(".")
    said = base64.urlsafe_b64decode(claim + "=" * (-len(claim) % 4)).replace(b"7-", b"8-", 1)
    return f"{base64.urlsafe_b64encode(said).rstrip(b'=').decode()}.{mac}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "no token",
        "ä.ö",
        "AAAA.AAAA",
        sign(SECRET, KEY, "ops", START)[:-1],
        sign(SECRET, KEY, "ops", START).rpartition(".")[0],
        sign(bytes(32), KEY, "ops", START),
        sign(SECRET, KEY, "x" * 1_000, START),
        forged(),
    ],
)
def test_what_is_no_token_of_ours_grants_nothing(token: str) -> None:
    with pytest.raises(LinkError, match="not one of Milkrun's"):
        read(SECRET, token, START - 1)
