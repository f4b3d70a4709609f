"""Header blocks that are remembered say what they should, whatever was sent between them."""

import pytest
from hpack import Decoder, HeaderTuple, NeverIndexedHeaderTuple
from hypothesis import example, given
from hypothesis import strategies as st

from milkrun.client.http2 import encoder as module
from milkrun.client.http2.encoder import RememberingEncoder

PLAIN = [HeaderTuple(b":method", b"GET"), HeaderTuple(b"x-one", b"1")]
SECRET = [HeaderTuple(b":method", b"GET"), NeverIndexedHeaderTuple(b"authorization", b"secret")]
OTHER = [HeaderTuple(b"x-two", b"2")]
HUGE = [HeaderTuple(b"x-huge", b"y" * 5000)]


def test_a_block_that_adds_to_the_table_is_not_the_next_one() -> None:
    encoder = RememberingEncoder()
    first, second, third = (encoder.encode(PLAIN) for _ in range(3))
    assert len(first) > len(second)
    assert second is third


def test_a_secret_stays_out_of_the_table_and_is_sent_each_time() -> None:
    encoder, decoder = RememberingEncoder(), Decoder()
    for _ in range(3):
        (_, hidden) = decoder.decode(encoder.encode(SECRET), raw=True)
        assert isinstance(hidden, NeverIndexedHeaderTuple)
    assert not encoder.header_table.dynamic_entries


def test_what_another_block_adds_moves_the_indices() -> None:
    encoder, decoder = RememberingEncoder(), Decoder()
    for fields in (PLAIN, PLAIN, OTHER, PLAIN, PLAIN):
        assert list(decoder.decode(encoder.encode(fields), raw=True)) == fields


def test_so_many_blocks_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BLOCKS", 2)
    encoder = RememberingEncoder()
    for number in range(5):
        encoder.encode([NeverIndexedHeaderTuple(b"authorization", b"%d" % number)])
        assert len(encoder._blocks) <= 2


STEPS = st.lists(st.sampled_from([PLAIN, SECRET, OTHER, HUGE, 0, 40, 4096]), max_size=30)


@given(STEPS)
@example([PLAIN, PLAIN, HUGE, PLAIN, 0, PLAIN, 4096, PLAIN, PLAIN])
def test_the_other_side_understands_every_block(steps: list[list[HeaderTuple] | int]) -> None:
    encoder, decoder = RememberingEncoder(), Decoder()
    for step in steps:
        if isinstance(step, int):
            encoder.header_table_size = step
        else:
            assert list(decoder.decode(encoder.encode(step), raw=True)) == step
