"""File names as text: names that are not valid Unicode are escaped, names that Windows reserves are known, and any text
becomes the name of a folder.
"""

from __future__ import annotations

import os
import re

# Python shows what it cannot decode in a file name as lone surrogates (PEP 383), which no JSON, Parquet or UTF-8 holds.
_SURROGATE = re.compile("[\ud800-\udfff]")
# What `escaped` writes in their place, and a backslash that only looks as if it began such an escape.
_ESCAPE = re.compile(r"\\x(5c|[89a-f][0-9a-f])|\\u(d[89a-f][0-9a-f]{2})")
_BYTES = 0xDC00  # PEP 383 adds a byte that cannot be decoded to this
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE | re.DOTALL)
_LONGEST_FOLDER = 100  # bytes in UTF-8; eCryptfs takes 143, most file systems 255
_MARK = 8  # hexadecimal digits


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


def folder_name(text: str, otherwise: str) -> str:
    """Return the name of a folder for a text: its letters and digits in any script, in lower case, joined by "_".

    It has at most 100 bytes in UTF-8 and can be made on every system. A digest follows where other characters than
    spaces, "-" and "_" had to go, where the name was cut, and where Windows reserves it, so that texts that differ get
    names that differ. `otherwise` stands for a text without a letter or digit.
    """
    import hashlib  # here, because it takes as long to load as all the rest of `import va_widgets`
    import unicodedata

    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())
    kept = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in plain)
    name = "_".join(kept.split())
    lossless = all(letter in " -_" or unicodedata.category(letter)[0] in "LMN" for letter in plain)
    if lossless and name and len(name.encode()) <= _LONGEST_FOLDER and not is_reserved(name):
        return name
    short = name.encode()[: _LONGEST_FOLDER - _MARK - 1].decode("utf-8", "ignore").strip("_") or otherwise
    return f"{short}_{hashlib.sha256(text.strip().encode()).hexdigest()[:_MARK]}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return rf"\x{code - _BYTES:02x}" if _BYTES + 0x80 <= code <= _BYTES + 0xFF else rf"\u{code:04x}"


def _unescape(match: re.Match[str]) -> str:
    byte, code = match[1], match[2]
    if byte is None:
        return chr(int(code, 16))
    return "\\" if byte == "5c" else chr(_BYTES + int(byte, 16))
