"""The files of a bundle: written so that they are on the disk, and read whole, up to a size, if they are as written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import deserialize

from va_widgets.base.disk import sync
from va_widgets.base.errors import ModelError
from va_widgets.base.paths import inside, open_regular
from va_widgets.models.names import README_FILE, WEIGHTS_FILE, is_plain

LARGEST_FILE = 1 << 26  # bytes
MOST_FILES = 100

Listing: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The files that a card lists: their size in "bytes" and "sha256", by name."""


def write_file(file: Path, data: bytes) -> None:
    """Write a file that is on the disk when this returns. Raises OSError."""
    # Written by Python: safetensors gives its files to their owner alone, and has errors of its own.
    file.write_bytes(data)
    sync(file)


def listing(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Return what a card says of files, by name."""
    return {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}


def wrong_listing(files: object) -> str:
    """Return what is wrong with a listing in words that follow "its card"; empty if nothing is."""
    if not isinstance(files, Mapping) or len(files) > MOST_FILES:
        return "lists no files, or too many"
    for name, facts in files.items():
        size = facts.get("bytes") if isinstance(facts, dict) else None
        if not isinstance(size, int) or not 0 <= size <= LARGEST_FILE or not isinstance(facts.get("sha256"), str):
            return "lists a file without its size and SHA-256"
        if name not in (WEIGHTS_FILE, README_FILE) and not is_plain(name):
            return "lists a file with a name that none has"
    return ""


def read_file(folder: Path, name: str, most: int = LARGEST_FILE) -> bytes:
    """Return the bytes of a file in a bundle's folder.

    Raises ValueError if there are more than `most`, OSError if it is no regular file, ModelError if it is a link that
    leads out of the folder.
    """
    with open_regular(inside(folder, name, error=ModelError)) as opened:
        data = opened.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} is larger than {most:,} bytes")
    return data


def check_listed(name: str, data: bytes, files: Listing) -> None:
    """Raise ValueError unless a file holds what the card lists; cards before version 0.2 list nothing."""
    if name in files and files[name]["sha256"] != hashlib.sha256(data).hexdigest():
        raise ValueError(f"{name} holds something else than what was published")


def read_weights(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a file in safetensors.

    Raises ValueError if one is not float32, SafetensorError for another file. NumPy lacks some of the format's types,
    such as bfloat16 and float8.
    """
    arrays = {}
    for name, tensor in deserialize(data):
        if tensor["dtype"] != "F32":
            raise ValueError(f"its weights are of the type {tensor['dtype']}, not float32")
        arrays[name] = np.frombuffer(tensor["data"], dtype="<f4").astype(np.float32).reshape(tensor["shape"])
    return arrays
