"""Text in a CSV, which a spreadsheet may be opened with: none of it is to be taken for a formula.

A name may be anybody's, and `=HYPERLINK(...)` is run when the file is opened (OWASP, "CSV Injection").
"""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def inert(text: str) -> str:
    """The text as it is, or with an apostrophe before what a spreadsheet would calculate."""
    return f"'{text}" if text.startswith(_FORMULAS) else text
