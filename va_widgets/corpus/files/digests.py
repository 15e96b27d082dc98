"""Digests of the files of a corpus, made when they are written, so that later damage can be detected."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from va_widgets.base.paths import open_regular

CHECK = "check"  # the field of a JSON file that holds the digest of all others
FILES = "files"  # the field that holds those of other files


class Written(msgspec.Struct, frozen=True):
    """The size in bytes and the SHA-256 digest, hexadecimal, of a file that was written."""

    size: Annotated[int, msgspec.Meta(ge=0)]
    digest: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]

    @classmethod
    def of(cls, content: bytes | memoryview | mmap.mmap) -> Written:
        """Return the size and digest of some bytes."""
        return cls(memoryview(content).nbytes, hashlib.sha256(content).hexdigest())

    @classmethod
    def of_file(cls, file: Path) -> Written:
        """Return the size and digest of a file. Raises OSError if it cannot be read."""
        with open_regular(file) as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            return cls(opened.tell(), digest)


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a JSON file with its own digest as one more field."""
    return {**content, CHECK: _digest(content)}


def is_changed(content: Mapping[str, Any]) -> bool | None:
    """Return whether the content of a JSON file differs from what `sealed` returned; None if it has no digests.

    Older versions wrote neither its own nor those of other files.
    """
    recorded = content.get(CHECK)
    return None if not recorded and not content.get(FILES) else recorded != _digest(content)


def _digest(content: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in content.items() if name != CHECK}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, allow_nan=False).encode()).hexdigest()
