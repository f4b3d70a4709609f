"""What conditions may look at: an Observation, with its body read once for all of them, and only if one asks."""

import msgspec

from milkrun.core.jsonpath import Json
from milkrun.core.observation import Observation


class Evidence:
    """One observation under judgement. Not to be kept: it holds the body."""

    __slots__ = ("_json", "_no_json", "_read", "_text", "observation", "status")

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self.status = None if observation.http is None else observation.http.status
        self._text: str | None = None
        self._json: Json = None
        self._no_json: Exception | None = None
        self._read = False

    @property
    def text(self) -> str:
        """The body as text, without the white space around it; bytes that are no UTF-8 are replaced."""
        if self._text is None:
            self._text = (self.observation.body or b"").decode(errors="replace").strip()
        return self._text

    def json(self) -> Json:
        """The body as JSON. Raises ValueError where it is none, or nests too deeply to be read."""
        if not self._read:
            self._decode(self.observation.body or b"")
        if self._no_json is not None:
            raise ValueError("the body is not JSON") from self._no_json
        return self._json

    def _decode(self, body: bytes) -> None:
        self._read = True
        try:
            self._json = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            self._no_json = err
