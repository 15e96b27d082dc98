"""Static HTML of widgets for places where no kernel runs: a saved notebook on GitHub, nbviewer, in a mail.

Such places may remove all styles, so that the still is readable without any. Its colours are those of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from va_widgets.base.texts import counted
from va_widgets.catalogue.exploration import Answer
from va_widgets.corpus import Corpus
from va_widgets.display.html import MARKS, concept_line, counts_line, now_line, picture, quality_line, shortened
from va_widgets.session import Session

AS_SECOND_OUTPUT = """<style>
.jp-OutputArea .va-still {{ display: block; overflow: hidden; animation: 1ms 2s both va-still-appears }}
@keyframes va-still-appears {{ from {{ max-height: 0 }} to {{ max-height: 400em }} }}
.jp-OutputArea-child:has(.va-root) + .jp-OutputArea-child:has(.va-still) {{ display: none }}
.jp-OutputArea-child:not(:has(.va-root)):has(+ .jp-OutputArea-child .va-still) {{ display: none }}
</style><div class="va-still">{still}</div>"""
"""A still as the output after the annotator's live view, in JupyterLab and Notebook 7: one of the two is seen.

Without a live view JupyterLab shows a message in its place, which is hidden. The still waits for two seconds, within
which a view that is alive appears. In other hosts the annotator's style sheet, which comes with a view, hides it.
"""

_THEN = "If this stays after it has run, reload the page; ipywidgets must be installed where JupyterLab runs."
_SHOWN, _A_ROW = 12, 4
_PICTURE_WIDTH = 152  # pixels on the page
_LONGEST_GUIDELINE = 300


def still(session: Session) -> str:
    """Return the concept, counts, quality and the twelve clips that score highest, as HTML of at most 150 kB.

    Before the text model is loaded, which no cell should wait for, it is twelve clips from all over the corpus.
    """
    values = session.labels["value"]
    clips = [(clip, f"{score} {MARKS.get(str(values.get(clip, '')), '')}") for clip, score in _shown(session)]
    measured = session.quality if session.ready else None
    quality = quality_line(measured) if measured else f"– {session.quality_note or 'not yet'}"
    facts = [counts_line(session.counts), f"quality {quality}", f"v{session.version}"]
    concept, guideline = concept_line(session.concept), shortened(session.guideline, _LONGEST_GUIDELINE)
    now = now_line()
    by = "the classifier" if session.version else "the words of the concept"
    ranked = f"The clips that {by} ranked highest on {now}."
    caption = ranked if session.ready else f"Some clips of the corpus, as it was opened on {now}."
    return (
        '<div style="color:inherit;overflow-wrap:anywhere">'
        f'<p><b title="{escape(session.concept)}">{escape(concept)}</b>'
        f"<br>{escape(' · '.join(facts))}{f'<br>{escape(guideline)}' if guideline else ''}</p>"
        f"{_pictures(session.corpus, clips)}"
        f"<p><small>{caption} Run the cell to label. {_THEN}</small></p></div>"
    )


def still_of_hits(corpus: Corpus, query: str, answer: Answer) -> str:
    """Return a query, or the name of a video, and its first twelve clips, as HTML of at most 150 kB."""
    hits = answer.table(_SHOWN)
    scores = [f"{score:.2f}" for score in hits["score"]] if "score" in hits else [""] * len(hits)
    clips = list(zip(map(str, hits.index), scores, strict=True))
    number = counted(len(answer.rows), "clip")
    return (
        '<div style="color:inherit;overflow-wrap:anywhere">'
        f'<p><b title="{escape(query)}">{escape(concept_line(query))}</b><br>{number}</p>'
        f"{_pictures(corpus, clips)}"
        f"<p><small>The first of these on {now_line()}. Run the cell to explore. {_THEN}</small></p></div>"
    )


def _pictures(corpus: Corpus, clips: Sequence[tuple[str, str]]) -> str:
    """Return a table of clips, each with what is written below it, which is HTML."""
    cells = [
        '<td style="text-align:left;vertical-align:top;padding:0 6px 6px 0;border:0">'
        f"{picture(corpus, clip, _PICTURE_WIDTH)}<br><small>{below}</small></td>"
        for clip, below in clips
    ]
    rows = (cells[start : start + _A_ROW] for start in range(0, len(cells), _A_ROW))
    lines = "".join(f'<tr style="background:none">{"".join(row)}</tr>' for row in rows)
    return f'<table style="border-collapse:collapse;border:0;margin:0;line-height:1.3">{lines}</table>'


def _shown(session: Session) -> list[tuple[str, str]]:
    """Return the ids of the clips that are shown, each with its score as a text, empty for none."""
    if session.ready:
        return [(str(clip), f"{score:.2f}") for clip, score in session.scores().nlargest(_SHOWN).items()]
    clips = session.corpus.clips.index
    rows = np.unique(np.linspace(0, len(clips) - 1, min(_SHOWN, len(clips))).round().astype(int))
    return [(str(clips[row]), "") for row in rows]
