"""What to ask of the site's /echo and /answer, and what /echo has heard."""

from urllib.parse import quote_from_bytes, urlencode

import httpx2
import msgspec


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the server saw it. `peer` is the client's end of the connection."""

    method: str
    scheme: str
    version: str
    target: str
    query: str
    headers: list[tuple[str, str]]
    content: str
    peer: tuple[str, int]

    def all(self, name: str) -> list[str]:
        """The values of a field, in the order they came."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """The value of a field that came once."""
        (value,) = self.all(name)
        return value


def heard(response: httpx2.Response) -> Heard:
    """What /echo answered."""
    assert response.status_code == 200
    return msgspec.json.decode(response.content, type=Heard)


def answer(status: int = 200, body: bytes = b"", *fields: tuple[str, str]) -> str:
    """The path of this answer."""
    query = urlencode([("status", str(status)), *fields], encoding="latin-1")
    return f"/answer?{query}&body={quote_from_bytes(body, safe='')}"
