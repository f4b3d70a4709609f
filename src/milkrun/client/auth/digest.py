"""Digest credentials, and what a client learns of the places they open: nonces, used ahead of being asked again."""

import secrets
from collections.abc import Iterable
from typing import ClassVar

import msgspec

from milkrun.client.auth.challenge import challenges, parameters
from milkrun.client.auth.credentials import Credentials, require_printable
from milkrun.client.auth.digest_rules import Account, Terms, Use, account, authorization, session_key, strongest
from milkrun.client.auth.seam import Asked, Clock, TokenClient
from milkrun.client.errors import UsageError
from milkrun.client.headers import Headers
from milkrun.client.url import Origin, join

_MOST_REALMS = 8  # of one origin: a server that invents one each time must not fill our memory
_UNAUTHORIZED = 401


class Digest(Credentials, frozen=True, gc=False):
    """A user name and a password that are proven, not sent (RFC 7616).

    MD5, SHA-256 and SHA-512-256, each with "-sess", and qop auth, auth-int or none; the strongest that the server
    offers. A 401 that offers none of them is the response. Raises UsageError for control characters.
    """

    user: str
    password: str
    shown: ClassVar[tuple[str, ...]] = ("user",)

    def __post_init__(self) -> None:
        require_printable(self.user, self.password)

    def session(self, client: TokenClient, clock: Clock) -> "DigestSession":  # noqa: ARG002  # needs neither
        """As `Auth.session`."""
        return DigestSession(account(self.user, self.password))


class Space(msgspec.Struct, kw_only=True):
    """A protection space: a realm of an origin, and how to get into it.

    Attributes:
        terms: the latest challenge.
        key: H(A1).
        nonce: the next to use: the challenge's, or one that came with a response.
        cnonce: ours; kept as long as the key, because a "-sess" key is made of it.
        prefixes: of the request targets that it covers.
        uses: of the nonce, which is never sent twice with one count.
        proven: whether these credentials have opened it.
    """

    terms: Terms
    key: str
    nonce: str
    cnonce: str
    prefixes: tuple[str, ...]
    uses: int = 0
    proven: bool = False

    def reach(self, target: str) -> int:
        """How specifically it covers a request target: characters in common, -1 if it does not."""
        return max((len(prefix) for prefix in self.prefixes if target.startswith(prefix)), default=-1)


class DigestSession:
    """The protection spaces by origin and realm, the newest challenge last.

    Once a space is known its nonce goes along with every request, so that a check costs one exchange, not two.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._spaces: dict[Origin, dict[str, Space]] = {}

    async def authorize(self, request: Asked) -> str | None:
        """As `Session.authorize`."""
        space = self._covering(request)
        return None if space is None else self._enter(space, request)

    def answered(self, request: Asked, sent: str | None, status: int, headers: Headers) -> str | None:
        """As `Session.answered`."""
        if status == _UNAUTHORIZED:
            return self._challenged(request, _said(sent), headers)
        realms = self._spaces.get(request.url.origin, {})
        info = headers.get("authentication-info")
        # What was sent is read only where that can teach something: reading takes longer than making it did.
        if info is not None or not all(space.proven for space in realms.values()):
            space = realms.get(_said(sent).get("realm", ""))
            if space is not None:
                space.proven = True
                _heed(space, info)
        return None

    async def close(self) -> None:
        """As `Session.close`: nothing is ever under way."""

    def _challenged(self, request: Asked, said: dict[str, str], headers: Headers) -> str | None:
        terms = strongest(challenges(headers.get_all("www-authenticate")), readable=_readable(request))
        if terms is None:
            return None
        realms = self._spaces.setdefault(request.url.origin, {})
        known = realms.pop(terms.realm, None)
        if _is_refusal(terms, said, known):
            return None  # and the next request asks first: a nonce that got no one in is of no use to it
        space = realms[terms.realm] = self._learn(terms, request)
        if len(realms) > _MOST_REALMS:
            del realms[next(iter(realms))]
        return self._enter(space, request)

    def _learn(self, terms: Terms, request: Asked) -> Space:
        cnonce = secrets.token_hex(16)
        key = session_key(terms, self._account, cnonce)
        return Space(terms=terms, key=key, nonce=terms.nonce, cnonce=cnonce, prefixes=tuple(_prefixes(terms, request)))

    def _covering(self, request: Asked) -> Space | None:
        target = request.target
        spaces = reversed(self._spaces.get(request.url.origin, {}).values())
        best = max(spaces, key=lambda space: space.reach(target), default=None)
        return None if best is None or best.reach(target) < 0 else best

    def _enter(self, space: Space, request: Asked) -> str | None:
        content = request.content
        if space.terms.qop == "auth-int" and not _readable(request):
            return None
        space.uses += 1
        use = Use(
            method=request.method,
            target=request.target,
            content=content if isinstance(content, bytes) else None,
            nonce=space.nonce,
            count=space.uses,
            cnonce=space.cnonce,
        )
        return authorization(space.terms, self._account, space.key, use)


def _is_refusal(terms: Terms, said: dict[str, str], known: Space | None) -> bool:
    """Whether the credentials themselves were turned down, so that sending them again would be a second wrong try.

    A server that has lost its nonces (a restart, another node) should say "stale" (RFC 7616 3.3), and some do not. So
    where the credentials have opened the space before, or its nonce was renewed while this request was on its way,
    one more try is right.
    """
    if said.get("realm") != terms.realm or terms.stale:
        return False
    return known is None or (not known.proven and known.nonce == said.get("nonce"))


def _said(sent: str | None) -> dict[str, str]:
    return {} if sent is None else challenges([sent])[0].parameters


def _heed(space: Space, info: str | None) -> None:
    """RFC 7616 3.5: the server may give the next nonce ahead."""
    nonce = parameters(info or "").get("nextnonce")
    if nonce and nonce != space.nonce:
        space.nonce, space.uses = nonce, 0


def _prefixes(terms: Terms, request: Asked) -> Iterable[str]:
    """The targets that a challenge is for: those it names, of this origin alone, and the one it came from."""
    yield request.target.partition("?")[0]
    if not terms.domain:
        yield "/"
        return
    for reference in terms.domain.split():
        try:
            url = join(request.url, reference)
        except UsageError:
            continue  # names nothing that could be asked for
        if url.origin == request.url.origin:
            yield url.target


def _readable(request: Asked) -> bool:
    return request.content is None or isinstance(request.content, bytes)
