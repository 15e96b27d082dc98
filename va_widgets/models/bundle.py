"""A published model's folder: weights in safetensors, a card in JSON and further files, never changed once written."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from va_widgets._version import __version__
from va_widgets.base.disk import sync_folder
from va_widgets.base.errors import ModelError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path, exists, inside, is_folder
from va_widgets.base.system_errors import failure
from va_widgets.learning.views import APPEARANCE, Linear
from va_widgets.models.card import (
    EMBEDDINGS_ALONE,
    LARGEST_CARD,
    MOST_ANCESTORS,
    SCHEMA_VERSION,
    ancestors,
    as_json,
    label_facts,
    libraries,
    wrong_card,
)
from va_widgets.models.files import LARGEST_FILE, MOST_FILES, check_listed, listing, read_file, read_weights, write_file
from va_widgets.models.model import Model
from va_widgets.models.model_card import readme
from va_widgets.models.names import CARD_FILE, README_FILE, WEIGHTS_FILE, checked_file_name, former_slug, slug
from va_widgets.models.withdrawal import is_withdrawn

__all__ = ["Model", "copy_bundle", "goes_on_from", "load_model", "publish", "version_of", "versions"]

_VIEW = "view."  # begins the names of other views' weights,
_MISSING = "missing."  # and those of what clips add whose values of a view are not known
_VERSION = re.compile(r"v([1-9][0-9]{0,8})")
_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{32}")
_ABANDONED = 3600  # seconds without a change after which nobody writes to an unfinished version any more


def publish(
    folder: GivenPath,
    *,
    name: str,
    concept: str,
    guideline: str,
    encoder_fingerprint: str,
    classifier: Linear,
    labels: tuple[Sequence[str], NDArray[np.bool_]],
    metrics: Mapping[str, float | int | None],
    threshold: float,
    threshold_why: str,
    smoothing: float = 0.0,
    facts: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    parent: Model | None = None,
) -> Model:
    """Write a fitted classifier as the next version of `name` under `folder`; it appears whole or not at all.

    Parameters
    ----------
    labels : (clip ids, bool (n,))
        What it was fitted to; the card keeps their number and a digest.
    smoothing : float
        The share of a clip's nearest clips in the logits that the threshold and the metrics are about.
    facts : mapping, optional
        Further entries of the card, such as "annotators", which JSON can hold.
    files : {name: content}, optional
        Further files of the folder, by plain names such as "samples.jpg".
    parent : Model, optional
        The version that this one shall replace, perhaps of another corpus: one of the same name is counted on from.

    Raises ModelError for a name without a letter or digit to call a folder by, for files with names or sizes that none
    may have, where nothing can be written, and where a link leads out of `folder`.
    """
    clips, y = labels
    home = inside(absolute_path(folder, ModelError), slug(name), error=ModelError)
    coefs = {name: coef.astype(np.float32) for name, coef in classifier.coefs.items()}
    coef = coefs.pop(APPEARANCE)
    arrays = {"coef": coef, "intercept": np.array([classifier.intercept], dtype=np.float32)}
    arrays |= {_MISSING + name: np.array([logit], np.float32) for name, logit in classifier.missing.items()}
    contents = _checked_files(files or {})
    contents[WEIGHTS_FILE] = save(arrays | {_VIEW + name: other for name, other in coefs.items()})
    card = {
        "schema": SCHEMA_VERSION if coefs else EMBEDDINGS_ALONE,
        "name": name,
        "concept": concept,
        "guideline": guideline,
        "encoder": encoder_fingerprint,
        "dim": len(coef),
        **({"views": {name: len(other) for name, other in coefs.items()}} if coefs else {}),
        "threshold": threshold,
        "threshold_why": threshold_why,
        "smoothing": smoothing,
        "metrics": dict(metrics),
        "labels": label_facts(clips, y),
        **(facts or {}),
        "parent": None if parent is None else _origin(parent),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "va_widgets": __version__,
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        after = parent.version if parent is not None and parent.slug == slug(name) else 0
        version = _write(home, former_slug(name), {**card, "libraries": libraries()}, contents, after)
    except OSError as error:
        raise ModelError(
            failure(f"The folder {home} of the model {name!r}", error)
            or f"The model {name!r} cannot be written to {home} ({reason_of(error)}): open a copy of the corpus you may"
            " write to."
        ) from error
    return load_model(home / f"v{version}")


def _origin(parent: Model) -> dict[str, Any]:
    """Return what a card says of the version that it replaces.

    "sha256" is that of its weights, where it is known, and "ancestors" are those of the versions before it.
    """
    return {
        "name": parent.name,
        "version": parent.version,
        "sha256": parent.files.get(WEIGHTS_FILE, {}).get("sha256"),
        "ancestors": ancestors(parent.card)[:MOST_ANCESTORS],
    }


def goes_on_from(model: Model, other: Model) -> bool:
    """Return whether a model is a later version of another one, perhaps of another corpus, by what its card says."""
    weights = other.files.get(WEIGHTS_FILE, {}).get("sha256")
    return model.slug == other.slug and model.version > other.version and weights in ancestors(model.card)


def _checked_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return further files as they are written. Raises ModelError for names and sizes that none may have."""
    checked = {checked_file_name(name): bytes(data) for name, data in files.items()}
    if len(checked) > MOST_FILES - 2 or len({name.lower() for name in checked}) < len(checked):
        raise ModelError(f"A model has at most {MOST_FILES - 2} further files, whose names differ in more than case.")
    for name, data in checked.items():
        if len(data) > LARGEST_FILE:
            raise ModelError(f"The file {name!r} of a model has at most {LARGEST_FILE:,} bytes, not {len(data):,}.")
    return checked


def _write(home: Path, former: str, card: Mapping[str, Any], contents: Mapping[str, bytes], after: int) -> int:
    """Write the next version into a model's folder and return its number; `former` is the folder's former name.

    It is higher than `after`, that of a version in another corpus.
    """
    unfinished = home / f".unfinished-{uuid.uuid4().hex}"
    try:
        unfinished.mkdir()
        _clear_abandoned(home, unfinished)
        for name, data in contents.items():
            write_file(unfinished / name, data)
        before = inside(home.parent, former, error=ModelError)  # its versions are counted on
        version = max(versions(home) + (versions(before) if is_folder(before) else []) + [after]) + 1
        while True:
            whole = {**card, "version": version}
            page = readme(whole, contents)
            write_file(unfinished / README_FILE, page)
            files = listing({**contents, README_FILE: page})
            write_file(unfinished / CARD_FILE, as_json({**whole, "files": files}))
            sync_folder(unfinished)
            try:
                os.rename(unfinished, home / f"v{version}")
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                version += 1  # another process has just published this version
            else:
                sync_folder(home)
                return version
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _clear_abandoned(home: Path, unfinished: Path) -> None:
    """Remove versions that were never finished because their process was killed an hour ago or more.

    `unfinished` is one that has just been made: the file system's own clock may differ from that of this machine. A
    folder that holds anything but files is none of ours, and stays.
    """
    now = unfinished.stat().st_mtime
    for folder in home.iterdir():
        if _UNFINISHED.fullmatch(folder.name) is None or folder == unfinished:
            continue
        try:
            changed = folder.lstat()
            files = list(folder.iterdir()) if stat.S_ISDIR(changed.st_mode) else None
            times = [file.lstat() for file in files or ()]
        except OSError:  # its own process, or another one, removes it
            continue
        is_ours = files is not None and all(stat.S_ISREG(time.st_mode) for time in times)
        if is_ours and now - max(time.st_mtime for time in [changed, *times]) >= _ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)


def load_model(path: GivenPath) -> Model:
    """Read a published model: the folder of one version, or that of all its versions for the newest not withdrawn.

    Raises ModelError if there is none, or if it is damaged.
    """
    folder = absolute_path(path, ModelError, "A model's folder")
    if not exists(folder / CARD_FILE):
        folder = _newest(folder)
    try:
        card = json.loads(read_file(folder, CARD_FILE, LARGEST_CARD))
        data = read_file(folder, WEIGHTS_FILE)
        weights = read_weights(data)
        views = _beginning_with(_VIEW, weights)
        missing = _beginning_with(_MISSING, weights)
        wrong = wrong_card(card, weights, views, missing)
        if not wrong:
            check_listed(WEIGHTS_FILE, data, card.get("files", {}))
    except KeyError as error:
        raise ModelError(f"The model in {folder} is damaged (its weights lack {error}): publish it again.") from error
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise ModelError(
            failure(f"The model in {folder}", error)
            or f"The model in {folder} is damaged ({reason_of(error)}): publish it again."
        ) from error
    if wrong:
        raise ModelError(f"The model in {folder} is damaged ({wrong}): publish it again.")
    return Model(
        name=card["name"],
        version=card["version"],
        concept=card["concept"],
        guideline=card["guideline"],
        encoder=card["encoder"],
        dim=card["dim"],
        coef=weights["coef"],
        intercept=float(weights["intercept"][0]),
        threshold=float(card["threshold"]),
        card=card,
        folder=folder,
        smoothing=float(card.get("smoothing", 0.0)),  # up to version 0.1.0 there was none
        views=views,
        missing={name: float(logit[0]) for name, logit in missing.items()},
    )


def _beginning_with(prefix: str, weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    return {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}


def _newest(home: Path) -> Path:
    """Return the folder of the newest version that is not withdrawn. Raises ModelError if there is none."""
    try:
        known = versions(home) if is_folder(home) else []
    except OSError as error:
        raise ModelError(
            failure(f"The folder {home}", error) or f"The folder {home} cannot be listed ({reason_of(error)})."
        ) from error
    if not known:
        raise ModelError(f"There is no published model in {home}: give the folder that session.publish wrote.")
    kept = [version for version in known if not is_withdrawn(home / f"v{version}")]
    if not kept:
        raise ModelError(f"All versions of the model in {home} are withdrawn: load one by its folder, and restore it.")
    return home / f"v{max(kept)}"


def copy_bundle(model: Model, folder: Path) -> None:
    """Write the files that a model's card lists, and no other ones, into a new folder. Raises ModelError, OSError."""
    folder.mkdir()
    try:
        weights = {WEIGHTS_FILE: read_file(model.folder, WEIGHTS_FILE)}
    except ValueError as error:
        raise ModelError(f"The model in {model.folder} is damaged ({reason_of(error)}): publish it again.") from error
    for name, data in {**weights, **{name: model.read_file(name) for name in model.files}}.items():
        write_file(folder / name, data)
    write_file(folder / CARD_FILE, as_json(model.card))


def version_of(folder: Path) -> int | None:
    """Return the version that a folder is called by, such as 3 of "v3"; None for another name."""
    match = _VERSION.fullmatch(folder.name)
    return int(match[1]) if match else None


def versions(home: Path) -> list[int]:
    """Return the versions in a model's folder, ascending. Raises OSError if it cannot be listed."""
    return sorted(version for entry in home.iterdir() if (version := version_of(entry)) is not None)
