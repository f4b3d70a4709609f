"""The signature on a webhook: whoever has the key can tell that it comes from Milkrun, and when. Pure."""

import hashlib
import hmac

HEADER = "Milkrun-Signature"


def signature(key: str, at: int, content: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 with the key over the seconds, a full stop and the body as it is sent.

    Args:
        key: the shared secret, as UTF-8.
        at: now, epoch ms; a receiver refuses what is old, so that nothing is replayed.
        content: the body.
    """
    seconds = at // 1_000
    digest = hmac.new(key.encode(), f"{seconds}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
