"""A comparison of two versions of a model as a notebook shows it: the verdict, and the clips that changed sides."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from va_widgets.display.html import MARKS, picture, shortened, title_of

if TYPE_CHECKING:
    from va_widgets.catalogue.compare import Comparison

_SHOWN, _A_ROW = 8, 4  # of either direction
_PICTURE_WIDTH = 152  # pixels on the page


def comparison_html(comparison: Comparison) -> str:
    """Return a comparison as HTML without scripts and styles of its own; at most 200 kB."""
    flipped = comparison.flipped
    parts = [f"<p><b>{escape(comparison.verdict)}</b><br><small>{escape(comparison.method)}</small></p>"]
    for value, words in (("yes", "become a yes"), ("no", "become a no")):
        clips = flipped[flipped["becomes"] == value]
        if len(clips):
            parts.append(f'<p style="margin:8px 0 2px">{len(clips):,} clips {words}:</p>{_pictures(comparison, value)}')
    if flipped.empty:
        parts.append("<p>No clip changed sides.</p>")
    return f'<div style="color:inherit;overflow-wrap:anywhere">{"".join(parts)}</div>'


def _pictures(comparison: Comparison, value: str) -> str:
    flipped, corpus = comparison.flipped, comparison.corpus
    cells = [
        '<td style="text-align:left;vertical-align:top;padding:0 6px 6px 0;border:0">'
        f"{picture(corpus, str(row.clip_id), _PICTURE_WIDTH)}<br>"
        f"<small>{row.before:.2f} → {row.after:.2f} {MARKS.get(str(row.label), '')}<br>"
        f"{escape(shortened(title_of(corpus, str(row.clip_id)), 40))}</small></td>"
        for row in flipped[flipped["becomes"] == value].head(_SHOWN).itertuples()
    ]
    lines = (
        f'<tr style="background:none">{"".join(cells[at : at + _A_ROW])}</tr>' for at in range(0, len(cells), _A_ROW)
    )
    return f'<table style="border-collapse:collapse;border:0;margin:0;line-height:1.3">{"".join(lines)}</table>'
