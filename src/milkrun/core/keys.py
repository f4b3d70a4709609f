"""An endpoint's key, by Gatus's rule, so that links and data of its users stay valid."""

_SEPARATORS = str.maketrans(dict.fromkeys("/_.,# +&", "-"))


def endpoint_key(group: str, name: str) -> str:
    """`group_name` in lower case, separators turned to `-`; without a group it begins with the `_`."""
    return f"{_part(group)}_{_part(name)}"


def _part(text: str) -> str:
    return text.lower().strip().translate(_SEPARATORS)
