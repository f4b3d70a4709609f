"""Content codings (RFC 9110 8.4): bodies come compressed, and are read as what they were, under a cap."""

from milkrun.client.coding.decoder import ACCEPT_ENCODING, Decoder, begun, decode, decode_small, decoder
from milkrun.client.coding.turns import in_turns

__all__ = ["ACCEPT_ENCODING", "Decoder", "begun", "decode", "decode_small", "decoder", "in_turns"]
