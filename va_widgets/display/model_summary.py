"""A published model as a notebook shows it: a small table over its pictures, bounded in size."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from va_widgets.base.errors import ModelError
from va_widgets.display.html import facts_table, shortened
from va_widgets.display.player import data_uri
from va_widgets.models.card import count_of, share_of, text_of
from va_widgets.models.model_card import BORDERLINE, NO, YES

if TYPE_CHECKING:
    from va_widgets.models.model import Model

_LONGEST = 200  # characters of a value
_LARGEST_PICTURE = 60_000  # bytes
_PICTURES = {YES: "labelled yes", NO: "labelled no", BORDERLINE: "at the threshold"}


def model_html(model: Model) -> str:
    """Return a model as a table of facts over its pictures, as far as it has them; at most 300 kB."""
    title = escape(shortened(f"{model.name}, version {model.version}", _LONGEST))
    shown = "".join(_picture(model, name, caption) for name, caption in _PICTURES.items())
    return (
        f'<div style="color:inherit"><div style="font-weight:600;margin-bottom:4px">{title}</div>'
        f"{facts_table((name, shortened(value, _LONGEST)) for name, value in _facts(model))}"
        f'<div style="display:flex;flex-wrap:wrap;gap:12px;margin-top:8px">{shown}</div></div>'
    )


def _facts(model: Model) -> list[tuple[str, str]]:
    card = model.card
    facts = [("concept", model.concept), ("guideline", model.guideline), ("encoder", model.encoder)]
    ap, low, high = (share_of(card, "metrics", f"corpus_average_precision{edge}") for edge in ("", "_low", "_high"))
    if not math.isnan(ap):
        method = text_of(card, "quality", "corpus", "method")
        facts.append(("average precision", f"{ap:.2f} ({low:.2f}–{high:.2f}){f': {method}' if method else ''}"))
    yes, no = count_of(card, "labels", "yes"), count_of(card, "labels", "no")
    if yes is not None and no is not None:
        facts.append(("labels", f"{yes:,} yes, {no:,} no"))
    why = text_of(card, "threshold_why")
    facts.append(("yes from", f"{model.threshold:.2f}{f': {why}' if why else ''}"))
    parent = count_of(card, "parent", "version")
    created = text_of(card, "created")
    facts.append(("published", f"{created}{'' if parent is None else f', after version {parent}'}"))
    if (reason := model.withdrawn) is not None:
        facts.append(("withdrawn", reason))
    return [(name, value) for name, value in facts if value.strip()]


def _picture(model: Model, name: str, caption: str) -> str:
    """Return a picture of the bundle with its caption; empty where there is none, or too large a one."""
    if name not in model.files or model.files[name]["bytes"] > _LARGEST_PICTURE:
        return ""
    try:
        data = model.read_file(name)
    except ModelError:  # it was deleted, or changed
        return ""
    return (
        f'<figure style="margin:0"><img src="{data_uri("image/jpeg", data)}" alt="Clips {caption}"'
        f' style="width:320px;max-width:100%;border-radius:2px"><figcaption style="opacity:.75">{caption}</figcaption>'
        "</figure>"
    )
