"""The folder of what is remembered of this user outside any corpus, such as what they trust and how they label."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from va_widgets.base.paths import replacing

STATE_VARIABLE = "VA_WIDGETS_STATE_DIR"
"""The environment variable that names another folder."""


def state_folder() -> Path | None:
    """Return the folder, which may not exist yet; None where this user has no folder of their own."""
    folder = Path(os.environ.get(STATE_VARIABLE) or platformdirs.user_state_dir("va-widgets", appauthor=False))
    return folder if folder.is_absolute() else None  # there is no home folder, or the variable says nothing definite


def write_state(file: Path | None, content: bytes) -> None:
    """Replace a file in the folder, which is made if need be. Raises OSError, also where `file` is None: no folder."""
    if file is None:
        raise FileNotFoundError("there is no folder for a user's state")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(file) as unfinished:
        unfinished.write_bytes(content)
