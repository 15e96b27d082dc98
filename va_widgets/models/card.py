"""A model's card: everything known about it, as JSON. What is written into it, and what is checked when it is read."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets._version import __version__
from va_widgets.base.arguments import is_within
from va_widgets.base.texts import has_lone_surrogate
from va_widgets.corpus.manifest import VIEW_NAME
from va_widgets.learning.calibration import Calibration
from va_widgets.learning.trainer import Refit
from va_widgets.learning.views import APPEARANCE
from va_widgets.models.files import wrong_listing

SCHEMA_VERSION = 2
EMBEDDINGS_ALONE = 1  # the schema of a model of the embeddings alone, which versions before 0.2 read, too
LARGEST_CARD = 1 << 24  # bytes
MOST_ANCESTORS = 1000  # versions before the parent, whose digests a card keeps

_LARGEST_WEIGHT = 1e18  # the products of larger ones with embeddings may have no value in float32
_MOST = 1 << 53  # labels, or versions, that a card may state

_PACKAGES = ("numpy", "scikit-learn", "torch", "open_clip_torch")
_CALIBRATION = "logits times one factor, learned from cross-validated labels with that of other concepts as prior"
_ANNOTATOR: Mapping[str, type] = {"annotator": str, "yes": int, "no": int, "unsure": int}
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "schema": int,
    "name": str,
    "version": int,
    "concept": str,
    "guideline": str,
    "encoder": str,
    "dim": int,
    "threshold": (int, float),
}


def libraries() -> dict[str, str | None]:
    """Return the versions of what fits and scores a model, by name; None for what is not installed."""
    return {
        "python": platform.python_version(),
        "va_widgets": __version__,
        **{name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def label_facts(clips: Sequence[str], y: NDArray[np.bool_]) -> dict[str, Any]:
    """Return what a card says of the labels of clips, bool (n,): their numbers and a digest.

    The digest is the SHA-256 over "clip<TAB>yes|no" lines in the order of the clip ids.
    """
    lines = sorted(f"{clip}\t{'yes' if value else 'no'}\n" for clip, value in zip(clips, y, strict=True))
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {"yes": int(y.sum()), "no": int((~y).sum()), "digest": digest}


def training_facts(refit: Refit, calibration: Calibration, annotators: pd.DataFrame) -> dict[str, Any]:
    """Return what a card says of a classifier's training: its quality, its calibration and its annotators.

    `annotators` is DataFrame(annotator, yes, no, unsure). The interval of a quality holds 90 %.
    """
    kinds = {"corpus": refit.quality, "labelled": refit.cross_validated, "random": refit.unbiased}
    quality: dict[str, Any] = {
        kind: {"ap": one.ap, "low": one.low, "high": one.high, "interval": 0.9, "method": one.method}
        for kind, one in kinds.items()
        if one is not None
    }
    people = annotators[["annotator", "yes", "no", "unsure"]].to_dict("records")
    return {
        "quality": quality or {"note": refit.quality_note},
        "calibration": {"factor": calibration.factor, "method": _CALIBRATION},
        "annotators": [{name: kind(one[name]) for name, kind in _ANNOTATOR.items()} for one in people],
    }


def as_json(card: Mapping[str, Any]) -> bytes:
    """Return a card as the content of its file."""
    return (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode()


# Cards of other versions, and of other people, hold anything in their further entries.


def entry(card: Mapping[str, Any], *keys: str) -> object:
    """Return an entry of a card, such as entry(card, "labels", "yes"); None where there is none."""
    value: Any = card
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def count_of(card: Mapping[str, Any], *keys: str) -> int | None:
    """Return a number of things that a card states; None where it states none."""
    value = entry(card, *keys)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None


def share_of(card: Mapping[str, Any], *keys: str) -> float:
    """Return a number from 0 to 1 that a card states; NaN where it states none."""
    value = entry(card, *keys)
    return float(value) if is_within(value, 0, 1) else float("nan")


def text_of(card: Mapping[str, Any], *keys: str) -> str:
    """Return a text that a card states; empty where it states none."""
    value = entry(card, *keys)
    return value if isinstance(value, str) else ""


def ancestors(card: Mapping[str, Any]) -> list[str]:
    """Return the SHA-256 of the weights of the versions before a model, its parent first, as far as they are known."""
    earlier = entry(card, "parent", "ancestors")
    digests = [entry(card, "parent", "sha256"), *(earlier if isinstance(earlier, list) else [])]
    return [digest for digest in digests if isinstance(digest, str)]


def wrong_card(
    card: object,
    weights: Mapping[str, NDArray[np.float32]],
    views: Mapping[str, NDArray[Any]],
    missing: Mapping[str, NDArray[Any]],
) -> str:
    """Return why a card and its weights do not make a model, in words; empty if they do.

    `weights` hold "coef" and "intercept", `views` the coefficients of the other views by name, `missing`
    what clips add, float32 (1,), whose values of a view are not known.
    """
    if not isinstance(card, dict):
        return "its card is not a JSON object"
    if has_lone_surrogate(card):
        return "its card is not Unicode"
    for key, kind in _TYPES.items():
        value = card.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            return f"its card lacks {key!r}"
    if card["schema"] not in (EMBEDDINGS_ALONE, SCHEMA_VERSION):
        return f"its card has schema {card['schema']}, known here is {SCHEMA_VERSION}"
    if not card["name"].strip() or not 1 <= card["version"] <= _MOST:
        return "its card has no name, or no version"
    return (
        _wrong_weights(card, weights["coef"], weights["intercept"], views)
        or _wrong_missing(missing, views)
        or _wrong_facts(card)
    )


def _wrong_weights(
    card: Mapping[str, Any], coef: NDArray[Any], intercept: NDArray[Any], views: Mapping[str, NDArray[Any]]
) -> str:
    if coef.shape != (card["dim"],) or not coef.size or intercept.shape != (1,):
        return f"its weights have the shape {coef.shape}, not ({card['dim']},)"
    if card.get("views", {}) != {name: weight.size for name, weight in views.items()}:
        return "its weights are not of the views that its card names"
    if any(name == APPEARANCE or not re.fullmatch(VIEW_NAME, name) for name in views):
        return "its weights are of a view with a name that none has"
    if any(weight.ndim != 1 for weight in views.values()):
        return "its weights of a view are no vector"
    if not all(_are_usable(array) for array in (coef, intercept, *views.values())):
        return f"its weights are not finite numbers up to {_LARGEST_WEIGHT:g}"
    return ""


def _are_usable(array: NDArray[Any]) -> bool:
    return bool((np.abs(array) <= _LARGEST_WEIGHT).all())


def _wrong_missing(missing: Mapping[str, NDArray[Any]], views: Collection[str]) -> str:
    if any(name not in views or logit.shape != (1,) or not _are_usable(logit) for name, logit in missing.items()):
        return "what it says of missing values is not about its views"
    return ""


def _wrong_facts(card: Mapping[str, Any]) -> str:
    if not 0 <= card["threshold"] <= 1:
        return "its threshold is not between 0 and 1"
    if not is_within(card.get("smoothing", 0.0), 0, 1):
        return "its smoothing is not between 0 and 1"
    wrong = wrong_listing(card.get("files", {}))
    return f"its card {wrong}" if wrong else ""
