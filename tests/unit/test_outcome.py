"""The vocabulary of failures."""

import pytest

from milkrun.client.errors import KINDS, RequestError
from milkrun.core.outcome import FAILURE_KINDS, Failure, Layer


def test_a_failure_outside_the_vocabulary_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="dns/refused is not in the vocabulary"):
        Failure(layer=Layer.DNS, kind="refused", message="")
    with pytest.raises(ValueError, match="dns/refused is not in the vocabulary"):
        RequestError("dns", "refused", "")


def test_the_client_and_the_rules_speak_the_same_words() -> None:
    assert {layer.value: kinds for layer, kinds in FAILURE_KINDS.items()} == KINDS
