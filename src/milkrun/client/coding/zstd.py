"""zstd (RFC 8878) as a stream."""

import sys
from functools import partial

from milkrun.client.coding.stage import MANY, Coding

if sys.version_info >= (3, 14):  # pragma: no cover  # covered where that is the version
    from compression import zstd
else:
    from backports import zstd

# RFC 9659 3: as a content coding a frame has a window of 8 MiB at most; the format allows 2 GiB and more of memory.
_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}

# A body is any number of frames (RFC 8878 3.1).
ZSTD = Coding(name="zstd", stream=partial(zstd.ZstdDecompressor, options=_OPTIONS), error=zstd.ZstdError, members=MANY)
