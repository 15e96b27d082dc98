"""A session's report: one page for colleagues who have neither the notebook nor the videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from va_widgets._version import __version__
from va_widgets.base.errors import ModelError, ReportError
from va_widgets.base.paths import GivenPath, absolute_path, is_folder, replacing
from va_widgets.base.texts import counted, without_lone_surrogates
from va_widgets.display.html import (
    MARKS,
    concept_line,
    counts_line,
    curve,
    now_line,
    picture,
    place_of,
    quality_line,
    shortened,
)
from va_widgets.models.published import all_versions

if TYPE_CHECKING:
    from va_widgets.session import Session

_SHOWN = 12  # clips of a kind
_MODELS = 20
_FRAME_HEIGHT = 640  # pixels of the report in a notebook

_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --quiet: #5b6470; --line: #d8dce1; --page: #fff; --card: #f4f5f7;
  --accent: #3b4cc0; --yes: #0f6b50; --no: #9a3f00; --unsure: #6b5b00 }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --quiet: #a3abb5; --line: #343a42; --page: #15181c;
  --card: #20252b; --accent: #98a6ff; --yes: #5fd0a8; --no: #ff9d66; --unsure: #e0c95a } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1080px; padding: 24px 20px 40px; background: var(--page); color: var(--text);
  font: 14px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 8px; overflow: hidden; display: -webkit-box;
  -webkit-box-orient: vertical; -webkit-line-clamp: 2 } h2 { font-size: 16px; margin: 32px 0 2px }
p { margin: 0 0 8px } .quiet { color: var(--quiet) } .guideline { white-space: pre-line; max-width: 46em }
.next { margin-top: 16px; font-weight: 600 }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 12px; margin: 20px 0 0 }
dl div { background: var(--card); border-radius: 6px; padding: 10px 14px }
dt { color: var(--quiet); font-size: 12px } dd { margin: 0; font-size: 17px; font-weight: 600 }
dd small { display: block; font-size: 12px; font-weight: 400; color: var(--quiet) }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; margin-top: 10px }
figure { margin: 0; break-inside: avoid } figure img, .gone { display: flex; width: 100%; aspect-ratio: 16 / 9;
  object-fit: contain; background: var(--card); border-radius: 4px; align-items: center; justify-content: center;
  color: var(--quiet); font-size: 12px }
figcaption { font-size: 12px; line-height: 1.4; margin-top: 3px }
figcaption span { display: block; color: var(--quiet) }
b.yes { color: var(--yes) } b.no { color: var(--no) } b.unsure, b.tie { color: var(--unsure) }
table { border-collapse: collapse; margin-top: 8px } th, td { text-align: left; padding: 4px 20px 4px 0;
  border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--quiet); font-weight: 400; font-size: 12px }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
svg { color: var(--accent); margin-top: 8px } svg text { fill: var(--quiet) }
footer { margin-top: 36px; padding-top: 10px; border-top: 1px solid var(--line); color: var(--quiet); font-size: 12px }
@media print { :root { color-scheme: light; --text: #000; --quiet: #444; --line: #bbb; --page: #fff; --card: #f2f2f2;
  --accent: #223399; --yes: #0a5940; --no: #8a3500; --unsure: #5f5000 } body { max-width: none; padding: 0 }
  h1 { display: block } h2 { break-after: avoid } .clips { grid-template-columns: repeat(6, 1fr); gap: 8px } }
"""


@dataclass(frozen=True)
class Report:
    """A report: `html` is the whole page, `summary` one line of plain text. It shows itself in a notebook."""

    html: str
    summary: str

    def save(self, path: GivenPath) -> Path:
        """Write the page to a file, which appears whole or not at all; returns its absolute path.

        Raises ReportError if it cannot be written.
        """
        file = absolute_path(path, ReportError, "The report's file")
        if is_folder(file):
            raise ReportError(f"{file} is a folder: give the path of a file, such as report.html.")
        try:
            with replacing(file) as unfinished:
                unfinished.write_text(self.html, encoding="utf-8")
        except OSError as error:
            raise ReportError(
                f"The report cannot be written to {file} ({error.strerror}): give the path of a file in a folder"
                " that exists and may be written to."
            ) from error
        return file

    def __repr__(self) -> str:
        return f"Report({self.summary!r}: {len(self.html.encode()) / 1000:,.0f} kB)"

    def _repr_html_(self) -> str:
        # The frame separates the page's styles from the notebook's, and runs no script. Hosts that show no frames
        # show the line below.
        return (
            f'<iframe sandbox srcdoc="{escape(self.html)}" title="{escape(self.summary)}" style="width:100%;height:'
            f'{_FRAME_HEIGHT}px;border:1px solid rgba(128,128,128,.4);border-radius:6px;resize:vertical"></iframe>'
            f'<p style="opacity:.75;margin:4px 0">{escape(self.summary)}</p>'
        )


def of(session: Session, path: GivenPath | None = None) -> Report:
    """Return the report of a session after a refit; also save it to `path`. Raises ReportError as `Report.save`."""
    if path is not None:
        path = absolute_path(path, ReportError, "The report's file")
    session.refit()
    concept = concept_line(session.concept)
    quality = quality_line(session.quality) if session.quality else _no_quality(session)
    summary = f"{concept}: {counts_line(session.counts)}; quality {quality}"
    now = now_line()
    body = "".join(
        [
            f'<h1 title="{escape(session.concept)}">{escape(session.concept)}</h1>',
            f'<p class="guideline">{escape(session.guideline)}</p>' if session.guideline.strip() else "",
            _facts(session),
            f'<p class="next">{escape(session.advice)}</p>' if session.advice else "",
            _people(session),
            _refits(session),
            _ranked(session),
            _labelled(session),
            _doubtful(session),
            _models(session),
            f"<footer>Video Annotator, va-widgets {escape(__version__)} · {now}</footer>",
        ]
    )
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:;'
        " style-src 'unsafe-inline'\">"
        f"<title>{escape(concept)} · Video Annotator</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )
    report = Report(without_lone_surrogates(page), without_lone_surrogates(summary))
    if path is not None:
        report.save(path)
    return report


def _facts(session: Session) -> str:
    quality, refit = session.quality, session.last_refit
    threshold, why = session.threshold
    corpus = session.corpus
    measured = (quality_line(quality), quality.method) if quality else ("not yet", _no_quality(session))
    figures = (
        f"v{session.version}, yes from {threshold:.2f} on",
        f"{int((session.scores() >= threshold).sum()):,} clips are above; {why}",
    )
    facts = [
        ("quality (average precision)", *measured),
        ("labels", counts_line(session.counts), f"by {counted(len(session.annotators), 'annotator')}"),
        ("diversity", f"{session.diversity:.2f}", "how evenly the labels cover the corpus, 0 to 1"),
        (
            "corpus",
            counted(len(corpus), "clip"),
            f"of {counted(corpus.clips['video'].nunique(), 'video')}, embedded by {corpus.encoder_fingerprint}",
        ),
        ("classifier", *(figures if session.version else ("none yet", "no label has been learnt"))),
    ]
    if refit.positives:
        some = refit.positives
        facts.insert(4, ("estimated positives", f"{some.estimate:,} ({some.low:,}–{some.high:,})", some.method))
    for name, other in (("labelled", refit.cross_validated), ("random", refit.unbiased)):
        if other:
            facts.insert(1, (f"quality on {name} clips", quality_line(other), other.method))
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}<small>{escape(shortened(more, 200))}</small></dd></div>"
        for name, value, more in facts
    )
    return f"<dl>{cells}</dl>"


def _people(session: Session) -> str:
    people = session.annotators
    if people.empty:
        return ""
    kinds = ["yes", "no", "unsure"]
    rows: list[list[str | int]] = [
        [shortened(str(row["annotator"]), 80), *(int(row[kind]) for kind in kinds)] for row in people.to_dict("records")
    ]
    return _section("Who labelled", "", _table(["annotator", *kinds], rows))


def _refits(session: Session) -> str:
    return _section(
        "Quality over the refits", "Average precision over the corpus, with its 90 % interval.", curve(session.refits)
    )


def _ranked(session: Session) -> str:
    """Return sections with unlabelled clips: the highest scores, and the scores nearest to 0.5."""
    if not session.version:
        clips = _feed(session, "top_positive")
        return _section("First finds", "No label yet: the words of the concept alone rank the clips.", clips)
    return _section(
        "Surest finds",
        "Not labelled yet; the classifier is surest that these are yes.",
        _feed(session, "top_positive"),
    ) + _section("Borderline", "Not labelled yet; the classifier cannot decide.", _feed(session, "borderline"))


def _feed(session: Session, name: str) -> str:
    rows = session.feed(name, _SHOWN).to_dict("records")
    return _clips(session, {row["clip_id"]: f"P(yes) {row['score']:.2f}" for row in rows})


def _labelled(session: Session) -> str:
    sections = ""
    table = session.review(order="newest")
    for value in ("yes", "no"):
        some = table[table["value"] == value]
        what = f"The newest of {len(some):,}." if len(some) > _SHOWN else ""
        sections += _section(
            f"Labelled {value}", what, _clips(session, dict.fromkeys(some["clip_id"][:_SHOWN], _mark(value)))
        )
    return sections


def _doubtful(session: Session) -> str:
    """Return a section with the labels that cross-validation disagrees with most."""
    table = session.review()
    captions = {}
    for row in table[table["suspicion"] > 0.5][:_SHOWN].to_dict("records"):
        p_yes = abs((row["value"] == "yes") - row["suspicion"])  # the suspicion is |label - P(yes)|
        captions[row["clip_id"]] = f"{_mark(row['value'])}, the classifier says {p_yes:.2f}"
    return _section(
        "Labels to look at again",
        "A classifier that had not seen the label disagrees with it most.",
        _clips(session, captions),
    )


def _models(session: Session) -> str:
    try:
        published, _ = all_versions(session.corpus)  # those that are damaged, or links out of the corpus, are left out
    except ModelError:
        published = []
    models = sorted(
        (model for model in published if model.concept == session.concept),
        key=lambda model: (str(model.card.get("created", "")), model.version),
        reverse=True,
    )
    if not models:
        return ""
    rows = [
        [
            shortened(model.name, 80),
            f"v{model.version}",
            shortened(str(model.card.get("created", ""))[:10], 10),
            _number(model.card.get("metrics"), "corpus_average_precision"),
            f"{model.threshold:.2f}",
        ]
        for model in models[:_MODELS]
    ]
    head = ["model", "version", "published", "quality", "threshold"]
    more = f"The newest {_MODELS} of {len(models):,}." if len(models) > _MODELS else ""
    return _section("Published models", more, _table(head, rows))


def _no_quality(session: Session) -> str:
    return session.quality_note or "no labels yet"


def _number(metrics: object, name: str) -> str:
    value = metrics.get(name) if isinstance(metrics, Mapping) else None
    return f"{value:.2f}" if isinstance(value, (int, float)) else "–"


def _mark(value: str) -> str:
    return f'<b class="{value}">{MARKS[value]}</b>'


def _clips(session: Session, captions: Mapping[str, str]) -> str:
    """Return thumbnails of clips with their captions, which are HTML, and their videos and times."""
    figures = []
    for clip, caption in captions.items():
        video, at = place_of(session.corpus, clip)
        where = f"<span>{escape(video)}</span><span>{escape(at)}</span>"
        figures.append(f"<figure>{picture(session.corpus, clip)}<figcaption>{caption}{where}</figcaption></figure>")
    return f'<div class="clips">{"".join(figures)}</div>' if figures else ""


def _section(title: str, more: str, shown: str) -> str:
    """Return a part of the page with its heading; nothing if there is nothing to show."""
    return f'<h2>{title}</h2><p class="quiet">{more}</p>{shown}' if shown else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    """Return an HTML table, its columns of numbers aligned to the right."""
    numbers = [isinstance(cell, int) for cell in rows[0]]

    def line(tag: str, cells: Sequence[str | int]) -> str:
        texts = [f"{cell:,}" if isinstance(cell, int) else escape(cell) for cell in cells]
        kinds = [' class="number"' if number else "" for number in numbers]
        return (
            "<tr>" + "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, texts, strict=True)) + "</tr>"
        )

    body = "".join(line("td", cells) for cells in rows)
    return f"<table><thead>{line('th', head)}</thead><tbody>{body}</tbody></table>"
