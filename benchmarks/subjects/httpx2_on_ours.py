"""httpx2 on Milkrun's transport as a subject."""

from collections.abc import Sequence

import httpx2

from benchmarks.subjects import TIMEOUT
from benchmarks.subjects.peer_httpx2 import Httpx2
from milkrun.client.httpx import Transport


class Httpx2OnOurs(Httpx2):
    """The same face, over the warm client."""

    def __init__(self, urls: Sequence[str], ca: str) -> None:
        self._client = httpx2.AsyncClient(transport=Transport(ca_file=ca), timeout=TIMEOUT, trust_env=False)
        self._urls = urls
