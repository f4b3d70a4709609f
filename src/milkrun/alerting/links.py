"""Signed links: who gets an alert can say that he is on it, without a password, for as long as the link holds.

A token is a claim (incident, channel, end) and its HMAC-SHA256 under a key of the database's, both in URL-safe base64.
"""

import base64
import binascii
import hashlib
import hmac

import msgspec

from milkrun.core.incident import IncidentKey, incident_key

# A token is short; what is longer is none, and not worth reading.
LONGEST = 1_000


class LinkError(Exception):
    """A token that grants nothing; the message is one sentence for whoever followed the link."""


class AckGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever has the token may acknowledge this incident; `channel` is where he got it. `expires` is epoch ms."""

    incident: IncidentKey
    channel: str
    expires: int


class _Claim(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    incident: str
    channel: str
    expires: int


def sign(secret: bytes, key: IncidentKey, channel: str, expires: int) -> str:
    """A token for an incident, told by a channel, that holds until `expires` (epoch ms)."""
    claim = msgspec.json.encode(_Claim(str(key), channel, expires))
    return f"{_text(claim)}.{_text(_mac(secret, claim))}"


def read(secret: bytes, token: str, now: int) -> AckGrant:
    """What a token grants at `now` (epoch ms). Raises LinkError where it grants nothing, with why."""
    claim, _, mac = token[:LONGEST].partition(".")
    try:
        said, proof = _bytes(claim), _bytes(mac)
        if not hmac.compare_digest(proof, _mac(secret, said)):
            raise LinkError("This link is not one of Milkrun's, or part of it is missing.")
        found = msgspec.json.decode(said, type=_Claim)
    except (binascii.Error, ValueError) as err:
        raise LinkError("This link is not one of Milkrun's, or part of it is missing.") from err
    if now >= found.expires:
        raise LinkError("This link has expired. Open the incident's page to acknowledge it.")
    return AckGrant(incident=incident_key(found.incident), channel=found.channel, expires=found.expires)


def _mac(secret: bytes, claim: bytes) -> bytes:
    # The word keeps a signature of any other use of the key from being one of these.
    return hmac.digest(secret, b"ack:" + claim, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
