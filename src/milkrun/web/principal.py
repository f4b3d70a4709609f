"""Who asks: every request has a Principal, from HTTP basic or, where no password is configured, from being let in.

A bcrypt check costs a quarter of a second by design, so a password that passed is remembered as a keyed hash for as
long as the process lives, and wrong ones are bounded: one check at a time, few waiting, few an address and minute.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict

import bcrypt
import msgspec

from milkrun.clock import Clock, SystemClock
from milkrun.config.settings import BasicAuth

WAITING = 8  # password checks that may wait for their turn
FAILURES = 10  # wrong passwords from one address in one minute
ADDRESSES = 1_024
MINUTE = 60.0
BCRYPT_READS = 72  # bytes; bcrypt refuses more


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    name: str


class RefusedError(Exception):
    """Nobody we know. `status` is 401, or 429 when it was tried too often; the message is for the person."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


ANYONE = Principal(name="anyone")


class Guard:
    """Checks who asks against `security.basic`; without it everyone is `anyone`."""

    def __init__(self, basic: BasicAuth | None, clock: Clock | None = None) -> None:
        self._basic = basic
        self._clock = clock or SystemClock()
        self._secret = secrets.token_bytes(32)
        self._passed: bytes | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def identify(self, authorization: str | None, address: str) -> Principal:
        """Return who asks, or raise RefusedError."""
        basic = self._basic
        if basic is None:
            return ANYONE
        username, password = credentials(authorization)
        seal = hmac.digest(self._secret, f"{username}\0{password}".encode(), hashlib.sha256)
        if self._passed is None or not hmac.compare_digest(seal, self._passed):
            await self._prove(basic, username, password, address)
            self._passed = seal
        return Principal(name=basic.username)

    async def _prove(self, basic: BasicAuth, username: str, password: str, address: str) -> None:
        """Run one bcrypt check, also for a wrong name: the time taken tells nothing."""
        if self._waiting >= WAITING or self._failed(address) >= FAILURES:
            raise RefusedError(429, "Too many attempts to sign in. Wait a minute, then try again.")
        self._waiting += 1
        try:
            async with self._turn:
                proven = await asyncio.to_thread(matches, basic, username, password)
        finally:
            self._waiting -= 1
        if not proven:
            self._count_failure(address)
            raise RefusedError(401, "That name and password are not the ones in security.basic.")

    def _failed(self, address: str) -> int:
        began, count = self._failures.get(address, (0.0, 0))
        return count if self._clock.now() < began + MINUTE else 0

    def _count_failure(self, address: str) -> None:
        count = self._failed(address)
        began = self._failures[address][0] if count else self._clock.now()
        self._failures[address] = (began, count + 1)
        self._failures.move_to_end(address)
        while len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)


def credentials(authorization: str | None) -> tuple[str, str]:
    """Name and password of an RFC 7617 header, or RefusedError."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        raise RefusedError(401, "Sign in with the name and password of security.basic.")
    try:
        username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as err:
        raise RefusedError(401, "The Authorization header is not readable as HTTP basic.") from err
    if not colon:
        raise RefusedError(401, "The Authorization header is not readable as HTTP basic.")
    return username, password


def matches(basic: BasicAuth, username: str, password: str) -> bool:
    """Compare name and password, both always; a hash that is no bcrypt hash matches nothing."""
    try:
        known = bcrypt.checkpw(password.encode()[:BCRYPT_READS], basic.password_bcrypt)
    except ValueError:
        known = False
    return known & hmac.compare_digest(username.encode(), basic.username.encode())
