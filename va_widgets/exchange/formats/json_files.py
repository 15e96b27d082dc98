"""JSON files of other programs, read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from va_widgets.base.errors import ExchangeError

_T = TypeVar("_T")


def read_json(file: Path, kind: type[_T] | Any = Any) -> _T:
    """Return the content of a JSON file as a value of a type. Raises ExchangeError for anything else."""
    try:
        content: _T = msgspec.json.decode(file.read_bytes().removeprefix(b"\xef\xbb\xbf"), type=kind)
    except UnicodeDecodeError as error:
        raise ExchangeError(f"{file} is not UTF-8: save it with that encoding.") from error
    except msgspec.ValidationError as error:
        raise ExchangeError(f"{file} is not what its format asks for ({error}): look at that place.") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ExchangeError(f"{file} is no JSON ({error}): it may be cut off; copy or export it again.") from error
    return content


def write_json(content: object) -> bytes:
    """Return a document as JSON with a line break between its parts, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"
