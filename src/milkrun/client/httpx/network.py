"""What a response was read from, as httpcore's network streams: facts of it, and itself once it is handed over."""

from typing import Any

from milkrun.client.httpx.faces import Face
from milkrun.client.response_landed import LandedResponse
from milkrun.client.response_stream import StreamedResponse

_NAMES = {"server_addr": "peername", "client_addr": "sockname"}


class NetworkStream:
    """The connection of a response."""

    def __init__(self, face: Face, response: LandedResponse | StreamedResponse) -> None:
        self._face = face
        self._response = response

    def __repr__(self) -> str:
        return f"<NetworkStream of {self._response!r}>"

    def get_extra_info(self, info: str) -> Any:
        """server_addr, client_addr, ssl_object, socket, or another name that asyncio's transports know; else None."""
        return self._response.get_extra_info(_NAMES.get(info, info))
