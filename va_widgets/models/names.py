"""What a published model's folder and files are called."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches

from va_widgets.base import arguments
from va_widgets.base.arguments import described, listed
from va_widgets.base.errors import ModelError
from va_widgets.base.names import folder_name, is_reserved

MODELS_FOLDER = "models"
"""The folder of a corpus that holds its published models."""
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"
README_FILE = "README.md"
WITHDRAWN_FILE = "withdrawn.json"
EMBEDDINGS_INPUT = "embeddings"
"""What exported models call the embeddings among their inputs."""

_OWN_FILES = (WEIGHTS_FILE, CARD_FILE, README_FILE, WITHDRAWN_FILE)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_LONGEST = 100  # characters of a further file's name


def view_input(view: str) -> str:
    """Return what exported models call a view among their inputs."""
    return f"view.{view}"


def slug(name: str) -> str:
    """Return the name of the folder for a model's name, as `base.names.folder_name` makes it.

    Raises ModelError for a name that is no text, or blank.
    """
    name = arguments.text(name, "A model's name", error=ModelError)
    if not name.strip():
        raise ModelError("A model needs a name with at least one character.")
    return folder_name(name, "model")


def former_slug(name: str) -> str:
    """Return the folder's name up to version 0.1.0: ASCII letters and digits, and a digest if others are left out."""
    plain = unicodedata.normalize("NFKD", name.strip().lower())
    kept = re.sub(r"[^a-z0-9]+", "_", plain.encode("ascii", "ignore").decode()).strip("_")[:60]
    if re.fullmatch(r"[a-z0-9 _-]+", name.strip().lower()) and kept and not is_reserved(kept):
        return kept
    return f"{kept or 'model'}_{hashlib.sha256(name.strip().encode()).hexdigest()[:8]}"


def other_names(name: str, slugs: Sequence[str]) -> str:
    """Return in words, for the end of an error message, which of the `slugs` a wrong name may mean, or which exist."""
    near = get_close_matches(name.lower().replace(" ", "_"), slugs, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {listed(slugs)}." if slugs else "there are none."


def is_plain(name: object) -> bool:
    """Return whether a further file of a bundle may be called so: no path, and no name that a system reserves."""
    return (
        isinstance(name, str)
        and len(name) <= _LONGEST
        and _PLAIN.fullmatch(name) is not None
        and not is_reserved(name)
        and name.lower() not in {own.lower() for own in _OWN_FILES}
    )


def checked_file_name(name: object) -> str:
    """Return the name of a further file of a bundle. Raises ModelError unless it is plain."""
    if not is_plain(name):
        raise ModelError(
            f"A file of a model is called by up to {_LONGEST} ASCII letters, digits, '_', '-' and '.', such as"
            f" 'notes.txt', and not {described(name)}."
        )
    return str(name)
