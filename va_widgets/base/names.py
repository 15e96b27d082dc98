"""File names as text: names that are not valid Unicode are escaped, and names that Windows reserves are known."""

from __future__ import annotations

import os
import re

# Python shows what it cannot decode in a file name as lone surrogates (PEP 383), which no JSON, Parquet or UTF-8 holds.
_SURROGATE = re.compile("[\ud800-\udfff]")
# What `escaped` writes in their place, and a backslash that only looks as if it began such an escape.
_ESCAPE = re.compile(r"\\x(5c|[89a-f][0-9a-f])|\\u(d[89a-f][0-9a-f]{2})")
_BYTES = 0xDC00  # PEP 383 adds a byte that cannot be decoded to this
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE | re.DOTALL)


def escaped(name: str | os.PathLike[str]) -> str:
    r"""Return a file name or path as text that every encoding of Unicode holds; `unescaped` gives the name back.

    Bytes that are not UTF-8 become `\xe9`, lone surrogates of a Windows name `\ud83d`. All other names stay as they
    are, except for a backslash that would be read as the beginning of such an escape: it becomes `\x5c`.
    """
    text = os.fspath(name)
    return _SURROGATE.sub(_escape, _ESCAPE.sub(lambda match: r"\x5c" + match[0][1:], text))


def unescaped(text: str) -> str:
    """Return the file name or path that `escaped` made a text of."""
    return _ESCAPE.sub(_unescape, text)


def printable_text(text: str) -> str:
    r"""Return a sentence whose lone surrogates are escaped as `\xe9`, so that it can be shown and sent everywhere."""
    return _SURROGATE.sub(_escape, text)


def is_reserved(name: str) -> bool:
    """Return whether Windows takes a file name for a device: CON, NUL, COM1 and the like, with any suffix."""
    return _RESERVED.fullmatch(name) is not None


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return rf"\x{code - _BYTES:02x}" if _BYTES + 0x80 <= code <= _BYTES + 0xFF else rf"\u{code:04x}"


def _unescape(match: re.Match[str]) -> str:
    byte, code = match[1], match[2]
    if byte is None:
        return chr(int(code, 16))
    return "\\" if byte == "5c" else chr(_BYTES + int(byte, 16))
