"""br (RFC 7932) as a stream."""

import brotli

from milkrun.client.coding.stage import Coding


class Unbrotli:
    """brotli's decompressor with the face of the standard library's.

    What follows the end it refuses by itself, so nothing is ever left over.
    """

    __slots__ = ("_stream", "needs_input")

    unused_data = b""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """As `Stream` has it."""
        return bool(self._stream.is_finished())

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """As `Stream` has it."""
        plain: bytes = self._stream.process(data, output_buffer_limit=max_length)
        # It can accept more data as soon as it has taken all in, whatever it still has to give.
        self.needs_input = self._stream.can_accept_more_data() and len(plain) < max_length
        return plain


BROTLI = Coding(name="br", stream=Unbrotli, error=brotli.error)
