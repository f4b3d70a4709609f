"""Conditions in Gatus's dialect: parsed once, evaluated without input or output."""

import msgspec


class Condition(msgspec.Struct, frozen=True):
    """One parsed condition; `text` is what the user wrote."""

    text: str
