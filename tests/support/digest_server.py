"""A server behind digest authentication (RFC 7616), which reckons by itself and by the standard library's parsing."""

import hashlib
import itertools
from collections import Counter
from urllib.request import parse_http_list, parse_keqv_list

from tests.support.scripted import OK, Peer

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


class DigestServer:
    """One account, one realm. Set what it is to do; read what it saw.

    Args:
        user, password: the account.
        algorithm: as RFC 7616 6.1 has it, "-sess" included.
        qop: what it offers, "" for none.
        uses: how often a nonce may be used before it is stale.
        rotate: send the next nonce with each response.
        userhash: ask for the user's name to be hashed.
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        algorithm: str = "MD5",
        qop: str = "auth",
        uses: int = 1_000_000,
        rotate: bool = False,
        userhash: bool = False,
    ) -> None:
        self.user, self.password = user, password
        self.algorithm, self.qop, self.uses = algorithm, qop, uses
        self.rotate, self.userhash = rotate, userhash
        self.says_stale = True
        self.statuses: Counter[int] = Counter()
        self.counts: Counter[tuple[str, str]] = Counter()  # how often each (nonce, count) was sent
        self.realm = 'the "vault"'
        self._names = itertools.count(1)
        self._left: dict[str, int] = {}  # uses, by nonce
        self._sessions: dict[str, str] = {}  # by cnonce: H(A1), where it outlives its nonce

    def forget(self) -> None:
        """Lose every nonce, as a restart does."""
        self._left.clear()

    async def script(self, peer: Peer) -> None:
        """Serve a connection."""
        while request := await peer.message():
            head, _, content = request.decode("latin-1").partition("\r\n\r\n")
            field = head.partition("Authorization: Digest ")[2].partition("\r\n")[0]
            said = parse_keqv_list(parse_http_list(field))
            method, target = head.split()[:2]
            answer = self._answer(method, target, content, said)
            self.statuses[int(answer[9:12])] += 1
            await peer.say(answer)

    def _answer(self, method: str, target: str, content: str, said: dict[str, str]) -> bytes:
        if not said:
            return self._challenge()
        self.counts[said["nonce"], said.get("nc", "")] += 1
        if self._is_right(method, target, content, said):
            if self._left.get(said["nonce"], 0) > 0:
                self._left[said["nonce"]] -= 1
                return self._welcome()
            return self._challenge(stale=self.says_stale)
        return self._challenge()

    def _is_right(self, method: str, target: str, content: str, said: dict[str, str]) -> bool:
        name = self._hash(f"{self.user}:{self.realm}") if self.userhash else self.user.encode().decode("latin-1")
        key = self._hash(f"{self.user}:{self.realm}:{self.password}")
        if self.algorithm.endswith("-sess"):
            key = self._sessions.setdefault(said["cnonce"], self._hash(f"{key}:{said['nonce']}:{said['cnonce']}"))
        proof = self._hash(f"{method}:{target}" + (":" + self._hash(content) if said.get("qop") == "auth-int" else ""))
        parts = [key, said["nonce"], proof]
        if self.qop:
            parts[2:2] = [said["nc"], said["cnonce"], said["qop"]]
        return said["username"] == name and said["uri"] == target and said["response"] == self._hash(":".join(parts))

    def _hash(self, text: str) -> str:
        return hashlib.new(_HASHES[self.algorithm.removesuffix("-sess")], text.encode()).hexdigest()

    def _nonce(self) -> str:
        nonce = f"nonce, {next(self._names)}"
        self._left[nonce] = self.uses
        return nonce

    def _challenge(self, *, stale: bool = False) -> bytes:
        field = f'Digest realm="the \\"vault\\"", nonce="{self._nonce()}", algorithm={self.algorithm}, opaque="o"'
        field += f', qop="{self.qop}"' * bool(self.qop) + ", stale=true" * stale + ", userhash=true" * self.userhash
        head = f"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x, {field}\r\nContent-Length: 0\r\n\r\n"
        return head.encode()

    def _welcome(self) -> bytes:
        info = f'Authentication-Info: nextnonce="{self._nonce()}"\r\n' if self.rotate else ""
        return OK.replace(b"\r\n", b"\r\n" + info.encode(), 1)
