"""Digest access authentication (RFC 7616): what a challenge asks for, and the answer to it. Rules only.

Text from the server is Latin-1, a character a byte, as `Headers` reads it; what is ours becomes UTF-8 in the same form.
So each string here is bytes, and is hashed and sent as the bytes it stands for.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from milkrun.client.auth.challenge import Challenge

Digester: TypeAlias = Callable[[bytes], str]

# The names of RFC 7616 6.1, in lower case and without "-sess", strongest last; the last one is not in every OpenSSL.
_HASHES = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}
_ALGORITHMS = tuple(name for name, hash_name in _HASHES.items() if hash_name in hashlib.algorithms_available)
_SESSION = "-sess"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Terms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A challenge that we can answer.

    Attributes:
        algorithm: as the server wrote it; None: not said, which means MD5.
        strength: higher is stronger.
        hash_name: hashlib's name.
        session: a "-sess" variant: the key is of the first nonce and cnonce, too.
        realm, nonce, opaque: to be given back as they came.
        qop: "auth", "auth-int", or None for a server of before 1999 (RFC 2069).
        userhash: the user's name is sent hashed.
        utf8: the server says that it reads UTF-8.
        stale: the credentials were right, and only the nonce was too old.
        domain: URIs, separated by spaces, that the same credentials are for; None: the whole origin.
    """

    algorithm: str | None
    strength: int
    hash_name: str
    session: bool
    realm: str
    nonce: str
    opaque: str | None
    qop: str | None
    userhash: bool
    utf8: bool
    stale: bool
    domain: str | None


class Account(msgspec.Struct, frozen=True, gc=False):
    """User name and password as the digest wants them."""

    user: str
    password: str


class Use(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One use of a nonce: the `count`th, for this method and request target; content None: it cannot be hashed."""

    method: str
    target: str
    content: bytes | None
    nonce: str
    count: int
    cnonce: str


def account(user: str, password: str) -> Account:
    """RFC 7616 4: in Unicode's normalization form C, as UTF-8."""
    return Account(*(unicodedata.normalize("NFC", text).encode().decode("latin-1") for text in (user, password)))


def strongest(offered: Iterable[Challenge], *, readable: bool = True) -> Terms | None:
    """What to answer to: the strongest we know, the server's first among equals; None if we know none.

    `readable` says whether the request's content can be hashed, which "auth-int" needs.
    """
    known = [terms for challenge in offered if (terms := _terms(challenge, readable=readable)) is not None]
    return max(known, key=lambda terms: terms.strength, default=None)


def session_key(terms: Terms, account: Account, cnonce: str) -> str:
    """H(A1) (RFC 7616 3.4.2); for "-sess" it outlives its nonce."""
    digest = _digester(terms)
    key = digest(_joined(account.user, terms.realm, account.password))
    return digest(_joined(key, terms.nonce, cnonce)) if terms.session else key


def authorization(terms: Terms, account: Account, key: str, use: Use) -> str:
    """The Authorization (RFC 7616 3.4) by this session key."""
    fields = [
        _user(terms, account),
        f"realm={_quoted(terms.realm)}",
        f"nonce={_quoted(use.nonce)}",
        f"uri={_quoted(use.target)}",
        f'response="{_response(terms, key, use)}"',
    ]
    if terms.algorithm is not None:
        fields.append(f"algorithm={terms.algorithm}")
    if terms.opaque is not None:
        fields.append(f"opaque={_quoted(terms.opaque)}")
    if terms.qop is not None:
        fields += [f"qop={terms.qop}", f"nc={use.count:08x}", f'cnonce="{use.cnonce}"']
    if terms.userhash:
        fields.append("userhash=true")
    return "Digest " + ", ".join(fields)


def _terms(challenge: Challenge, *, readable: bool) -> Terms | None:
    given = challenge.parameters
    name = given.get("algorithm", "md5").lower()
    family = name.removesuffix(_SESSION)
    qop = _qop(given.get("qop"), readable=readable)
    if challenge.scheme != "digest" or family not in _ALGORITHMS or not _is_usable(given):
        return None
    # Without qop there is no cnonce (RFC 2617 3.2.2), and a session key cannot do without.
    if qop is None and ("qop" in given or family != name):
        return None
    return Terms(
        algorithm=given.get("algorithm"),
        strength=_ALGORITHMS.index(family),
        hash_name=_HASHES[family],
        session=family != name,
        realm=given["realm"],
        nonce=given["nonce"],
        opaque=given.get("opaque"),
        qop=qop,
        userhash=given.get("userhash", "").lower() == "true",
        utf8=given.get("charset", "").lower() == "utf-8",
        stale=given.get("stale", "").lower() == "true",
        domain=given.get("domain"),
    )


def _is_usable(given: dict[str, str]) -> bool:
    """Whether there is a realm and a nonce, and all that goes back can stand in a header of ours."""
    if not given.keys() >= {"realm", "nonce"}:
        return False
    return not any(_CONTROL.search(given.get(name, "")) for name in ("realm", "nonce", "opaque"))


def _qop(offered: str | None, *, readable: bool) -> str | None:
    """The weaker "auth" where there is a choice: it lets the same answer do for content that is not known yet."""
    options = [option.strip().lower() for option in (offered or "").split(",")]
    if "auth" in options:
        return "auth"
    return "auth-int" if "auth-int" in options and readable else None


def _user(terms: Terms, account: Account) -> str:
    if terms.userhash:
        return f'username="{_digester(terms)(_joined(account.user, terms.realm))}"'
    if terms.utf8 and not account.user.isascii():
        return f"username*=UTF-8''{quote(account.user.encode('latin-1'), safe='')}"  # RFC 8187
    return f"username={_quoted(account.user)}"


def _response(terms: Terms, key: str, use: Use) -> str:
    digest = _digester(terms)
    asked = [use.method, use.target]
    if terms.qop == "auth-int":
        asked.append(digest(use.content or b""))
    proof = digest(_joined(*asked))
    if terms.qop is None:
        return digest(_joined(key, use.nonce, proof))
    return digest(_joined(key, use.nonce, f"{use.count:08x}", use.cnonce, terms.qop, proof))


def _digester(terms: Terms) -> Digester:
    return lambda data: hashlib.new(terms.hash_name, data, usedforsecurity=False).hexdigest()


def _joined(*parts: str) -> bytes:
    return ":".join(parts).encode("latin-1")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
