"""A version that is withdrawn stays as it is: a small file beside its own says why, and it is not served any more."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from va_widgets.base import arguments
from va_widgets.base.disk import sync_folder
from va_widgets.base.errors import ModelError, reason_of
from va_widgets.base.paths import inside, is_folder, replacing
from va_widgets.base.system_errors import failure
from va_widgets.models.files import read_file, write_file
from va_widgets.models.names import WITHDRAWN_FILE

_LARGEST = 1 << 16  # bytes
_LONGEST_REASON = 1000  # characters


def is_withdrawn(folder: Path) -> bool:
    """Return whether the version in a folder is withdrawn: whether there is such a file, whatever it holds."""
    return os.path.lexists(folder / WITHDRAWN_FILE)


def reason_of_withdrawal(folder: Path) -> str | None:
    """Return why the version in a folder is withdrawn; None if it is not."""
    if not is_withdrawn(folder):
        return None
    try:
        reason = json.loads(read_file(folder, WITHDRAWN_FILE, _LARGEST))["reason"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError, ModelError):
        reason = None
    return reason if isinstance(reason, str) and reason else "no reason is known"


def withdraw(folder: Path, reason: str) -> None:
    """Mark the version in a folder as withdrawn. Raises ModelError without a reason, or where it cannot be written."""
    reason = arguments.text(reason, "The reason", error=ModelError).strip()
    if not reason or len(reason) > _LONGEST_REASON:
        raise ModelError(f"Say in 1 to {_LONGEST_REASON:,} characters why the model is withdrawn.")
    if not is_folder(folder):
        raise ModelError(f"There is no folder {folder} any more: the model was moved or deleted.")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"reason": reason, "withdrawn": now}, ensure_ascii=False) + "\n"
    try:
        with replacing(inside(folder, WITHDRAWN_FILE, error=ModelError)) as unfinished:
            write_file(unfinished, text.encode())
        sync_folder(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def restore(folder: Path) -> None:
    """Serve the version in a folder again. Raises ModelError where that cannot be written."""
    try:
        (folder / WITHDRAWN_FILE).unlink(missing_ok=True)
        if is_folder(folder):
            sync_folder(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ModelError:
    return ModelError(
        failure(f"The folder {folder}", error)
        or f"The folder {folder} of the model cannot be written to ({reason_of(error)})."
    )
