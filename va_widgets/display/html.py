"""Pieces of HTML that the report and the annotator's still are made of.

They hold no scripts and load nothing, and every text of a user is escaped. Pictures are data URLs of a few
kilobytes each.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from va_widgets.base.errors import CorpusError
from va_widgets.base.progress import printable
from va_widgets.display.player import time_range
from va_widgets.video.filmstrip import frame_of

if TYPE_CHECKING:
    from va_widgets.corpus import Corpus
    from va_widgets.learning.quality import Quality

MARKS: Mapping[str, str] = {"yes": "✓ yes", "no": "✕ no", "unsure": "◐ unsure", "tie": "= tie"}
"""How a label is written: a shape and a word, so that colour is not needed."""

_WIDTH, _HEIGHT = 192, 108  # what a picture fits into
_QUALITIES = (60, 20)  # of WebP: the second where the first is too large
_LARGEST = 7_000  # bytes of one picture
_LONGEST_TITLE = 120
_CURVE_WIDTH, _CURVE_HEIGHT, _MARGIN = 640, 150, 26


def shortened(text: str, longest: int) -> str:
    """Return a text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def concept_line(concept: str) -> str:
    """Return the concept as plain text in one line; a long one is cut."""
    return shortened(concept, _LONGEST_TITLE)


def title_of(corpus: Corpus, clip_id: str) -> str:
    """Return a clip's title, its video and its time, as plain text. Raises UnknownClipError."""
    return ", ".join(filter(None, place_of(corpus, clip_id)))


def place_of(corpus: Corpus, clip_id: str) -> tuple[str, str]:
    """Return a clip's video and its time, which is empty for a clip without times, as plain text.

    Raises UnknownClipError.
    """
    place = corpus.clips.iloc[corpus.row(clip_id)]
    return printable(str(place["video"])), time_range(float(place["start"]), float(place["end"]))


def picture(corpus: Corpus, clip_id: str, width: int = _WIDTH) -> str:
    """Return the middle frame of a clip as an <img> `width` pixels wide; a text in its place where there is no picture.

    Raises UnknownClipError.
    """
    label = escape(shortened(title_of(corpus, clip_id), _LONGEST_TITLE))
    try:
        data = _middle(corpus, clip_id)
    except CorpusError:
        return f'<span class="gone" title="{label}">no picture</span>'
    url = f"data:image/webp;base64,{base64.b64encode(data).decode('ascii')}"
    return f'<img src="{url}" alt="{label}" title="{label}" width="{width}">'


def counts_line(counts: Mapping[str, int]) -> str:
    """Return the numbers of labels of each kind as plain text."""
    return " · ".join(f"{counts.get(value, 0):,} {value}" for value in ("yes", "no", "unsure"))


def now_line() -> str:
    """Return the date and time as plain text."""
    return datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")


def quality_line(quality: Quality) -> str:
    """Return quality with its interval as plain text."""
    return f"{quality.ap:.2f} ({quality.low:.2f}–{quality.high:.2f})"


def facts_table(facts: Iterable[tuple[str, str]]) -> str:
    """Return names and their values, which are plain text, as a small table for a notebook."""
    rows = "".join(
        '<tr style="background:none">'
        '<th scope="row" style="text-align:left;vertical-align:top;font-weight:normal;opacity:.75;'
        f'white-space:nowrap;padding:1px 16px 1px 0;border:0">{escape(name)}</th>'
        f'<td style="text-align:left;max-width:none;padding:1px 0;border:0">{escape(value)}</td></tr>'
        for name, value in facts
    )
    return f'<table style="border-collapse:collapse;border:0;margin:0;color:inherit"><tbody>{rows}</tbody></table>'


def curve(refits: pd.DataFrame) -> str:
    """Return a curve of quality over the refits as inline SVG, in the colour of the text around; "" without one.

    Parameters
    ----------
    refits : DataFrame(labels, corpus_ap, corpus_low, corpus_high)
        As `Session.refits` gives it.
    """
    measured = refits.dropna(subset=["corpus_ap"])
    if measured.empty:
        return ""
    labels = measured["labels"].to_numpy(dtype=float)
    edges = (measured[f"corpus_{edge}"].fillna(measured["corpus_ap"]) for edge in ("ap", "low", "high"))
    ap, low, high = (values.to_numpy(dtype=float) for values in edges)
    first, span = labels.min(), max(1.0, float(np.ptp(labels)))
    x = _MARGIN + (labels - first) / span * (_CURVE_WIDTH - 2 * _MARGIN)

    def y(values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return _MARGIN / 2 + (1 - np.asarray(values, dtype=float)) * (_CURVE_HEIGHT - 1.5 * _MARGIN)

    def points(xs: np.ndarray, ys: np.ndarray) -> str:
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(xs, ys, strict=True))

    lines = "".join(
        f'<line x1="{_MARGIN}" x2="{_CURVE_WIDTH - _MARGIN}" y1="{at:.1f}" y2="{at:.1f}" stroke="currentColor"'
        f' stroke-opacity=".15"/><text x="{_MARGIN - 5}" y="{at + 3.5:.1f}" text-anchor="end">{value:g}</text>'
        for value, at in zip((0, 0.5, 1), y((0, 0.5, 1)), strict=True)
    )
    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5"/>' for a, b in zip(x, y(ap), strict=True))
    ends = f"{labels[0]:,.0f} labels", f"{labels[-1]:,.0f} labels"
    under = _CURVE_HEIGHT - 4
    label = f"Quality over {len(ap):,} refits, {ap[0]:.2f} at {ends[0]} to {ap[-1]:.2f} at {ends[1]}"
    whole = points(np.concatenate([x, x[::-1]]), y(np.concatenate([high, low[::-1]])))
    last = f'<text x="{_CURVE_WIDTH - _MARGIN}" y="{under}" text-anchor="end">{ends[1]}</text>' if len(ap) > 1 else ""
    return (
        f'<svg viewBox="0 0 {_CURVE_WIDTH} {_CURVE_HEIGHT}" role="img" aria-label="{label}" font-size="11"'
        f' fill="currentColor" style="width:100%;max-width:{_CURVE_WIDTH}px;height:auto;display:block">{lines}'
        f'<polygon points="{whole}" fill-opacity=".15"/>'
        f'<polyline points="{points(x, y(ap))}" fill="none" stroke="currentColor" stroke-width="1.5"/>{dots}'
        f'<text x="{_MARGIN}" y="{under}">{ends[0]}</text>{last}</svg>'
    )


def _middle(corpus: Corpus, clip_id: str) -> bytes:
    """Return the middle frame as a WebP. Raises CorpusError if there is none."""
    import cv2  # loaded with the first picture

    strip = corpus.filmstrip(clip_id)
    frame = frame_of(strip, strip.frames // 2)
    scale = min(1.0, _WIDTH / strip.width, _HEIGHT / strip.height)
    size = (max(1, round(strip.width * scale)), max(1, round(strip.height * scale)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    data = b""
    for quality in _QUALITIES:
        data = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        if len(data) <= _LARGEST:
            break
    return data
