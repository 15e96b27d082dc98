"""Texts in cells of a table that spreadsheet programs open: none of them may begin a formula.

See OWASP, "CSV Injection": a cell that begins with one of these signs is computed, and may call other programs.
"""

from __future__ import annotations

import re

_FORMULA = "=+\\-@\t\r\n＝＋－＠"  # the wide signs count as the plain ones in East Asian versions
_BEGINS = re.compile(f"'*[{_FORMULA}]")
_MADE_HARMLESS = re.compile(f"'+[{_FORMULA}]")


def harmless(text: str) -> str:
    """Return a text for a cell: one that would begin a formula gets an apostrophe before it.

    So does one that looks as if it had one already; `original` gives every text back.
    """
    return f"'{text}" if _BEGINS.match(text) else text


def original(cell: str) -> str:
    """Return the text that `harmless` made a cell of."""
    return cell[1:] if _MADE_HARMLESS.match(cell) else cell
