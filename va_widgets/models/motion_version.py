"""By which version the motion was measured that a model has learned from, and a warning where a corpus has another.

Features of one name then mean slightly different things: scores stay useful, but their quality is not the one measured.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from va_widgets.corpus import Corpus
from va_widgets.corpus.manifest import MOTION
from va_widgets.models.card import count_of

if TYPE_CHECKING:
    from va_widgets.models.model import Model

_ENTRY = "motion_version"
_log = logging.getLogger(__name__)


def motion_facts(corpus: Corpus, views: Collection[str], follows: Mapping[str, Any] | None) -> dict[str, int]:
    """Return what a card says of the motion that a classifier of some views has learned from; empty without motion.

    `follows` is the card of the model whose labels it has learned from, too: the earlier version counts.
    """
    if MOTION not in views:
        return {}
    versions = [corpus.motion_version, None if follows is None else count_of(follows, _ENTRY)]
    known = [version for version in versions if version is not None]
    return {_ENTRY: min(known)} if known else {}


def motion_note(model: Model, corpus: Corpus) -> str:
    """Return that a corpus's motion was measured by another version than a model has learned from, and what to do.

    Empty where it was the same version, or where one of both is not known: up to now cards did not say it, and a corpus
    of embeddings has motion that was measured elsewhere.
    """
    learned, measured = count_of(model.card, _ENTRY), corpus.motion_version
    if MOTION not in model.views or learned is None or measured is None or learned == measured:
        return ""
    advice = (
        f'measure it anew by corpus.add_view("{MOTION}")'
        if measured < learned
        else "publish the model again from a corpus whose motion is of that version"
    )
    return (
        f"The model {model.name!r}, version {model.version}, has learned from motion that was measured by version"
        f" {learned} of the features, but the corpus in {corpus.path} has some of version {measured}: its scores may be"
        f" less good than its card says; {advice}."
    )


def warn_of_motion(model: Model, corpus: Corpus) -> None:
    """Log `motion_note` as a warning, once for a model and a corpus in this process."""
    note = motion_note(model, corpus)
    if note:
        _warn(note)


@lru_cache(maxsize=1000)
def _warn(note: str) -> None:
    _log.warning("%s", note)
