"""A monitor's report as a notebook shows it: what its alarms mean, the scores before and now, and the newest clips."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import LabelError, NotEnoughLabelsError
from va_widgets.base.texts import counted
from va_widgets.display.html import facts_table, picture, shortened, title_of

if TYPE_CHECKING:
    from va_widgets.catalogue.monitor import MonitorReport

_SHOWN, _A_ROW = 12, 4
_PICTURE_WIDTH = 152  # pixels on the page
_BARS, _WIDTH, _HEIGHT, _MARGIN = 20, 420, 90, 14
_LONGEST = 120


def report_html(report: MonitorReport) -> str:
    """Return a report as HTML without scripts and styles of its own; at most 150 kB."""
    model = report.model
    title = escape(shortened(f"{model.name}, version {model.version}", _LONGEST))
    alarms = report.alarms
    words = "".join(f'<li role="alert"><b>Alarm:</b> {escape(alarm)} {_meaning(alarm)}</li>' for alarm in alarms)
    calm = report.note or "No alarm: these clips do not differ from those before by more than chance explains."
    told = f'<ul style="margin:4px 0;padding-left:20px">{words}</ul>' if alarms else f"<p>{escape(calm)}</p>"
    return (
        f'<div style="color:inherit;overflow-wrap:anywhere"><div style="font-weight:600">Monitor of {title}</div>{told}'
        f"{facts_table(_facts(report))}{_histogram(report)}{_newest(report)}</div>"
    )


def _meaning(alarm: str) -> str:
    """Return what an alarm does not say, and what to do."""
    if alarm.startswith("The scores"):
        return "That is a change of what is shown, or of how well it is found: label the sample to know which."
    return "The model may be as good as before on them, or not: look at the newest ones below, and label the sample."


def _facts(report: MonitorReport) -> list[tuple[str, str]]:
    tests, strata = report.drift, report.strata
    before, now = report.measured.videos
    facts = [
        ("clips", f"{len(report.monitored):,}, of which {int(strata['clips'][strata['above']].sum()):,} are a yes"),
        ("compared", f"{counted(before, 'video')} before with {now:,} now"),
        ("changed", f"{int(tests['drifted'].sum())} of {len(tests)} tests: see report.drift"),
        ("sample", f"{counted(len(report.drawn.rows), 'clip')} to label: va.Annotator(report.session())"),
    ]
    if not np.isnan(report.measured.separability):
        facts.insert(3, ("told apart", f"{report.measured.separability:.0%} of the pairs of a new clip and one before"))
    try:
        estimate = report.estimate()
    except (NotEnoughLabelsError, LabelError):
        return facts
    figures = ((name, getattr(estimate, name)) for name in ("precision", "recall", "prevalence"))
    return [*facts, *((name, str(figure)) for name, figure in figures), ("estimated", estimate.method)]


def _histogram(report: MonitorReport) -> str:
    """Return the distributions of the scores before and now as inline SVG, in the colour of the text around."""
    edges = np.linspace(0, 1, _BARS + 1)
    before, now = (_shares(scores, edges) for scores in (report.reference[0], report.compared.as_reference.scores))
    # Most scores are near 0: heights are square roots, so that the others are seen.
    highest = max(before.max(), now.max(), 1e-9)
    x = _MARGIN + edges * (_WIDTH - 2 * _MARGIN)
    floor = _HEIGHT - _MARGIN

    def top(shares: NDArray[np.float64]) -> NDArray[np.float64]:
        return floor - np.sqrt(shares / highest) * (floor - 4)

    bars = "".join(
        f'<rect x="{left:.1f}" y="{y:.1f}" width="{x[1] - x[0] - 1:.1f}" height="{max(floor - y, 0):.1f}"/>'
        for left, y in zip(x[:-1], top(now), strict=True)
    )
    steps = " ".join(f"{a:.1f},{y:.1f} {b:.1f},{y:.1f}" for a, b, y in zip(x[:-1], x[1:], top(before), strict=True))
    at = _MARGIN + report.model.threshold * (_WIDTH - 2 * _MARGIN)
    label = f"Scores from 0 to 1: bars are these clips, the line those before; threshold {report.model.threshold:.2f}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}" font-size="10" fill="currentColor"'
        f' style="width:100%;max-width:{_WIDTH}px;height:auto;display:block"><g fill-opacity=".3">{bars}</g>'
        f'<polyline points="{steps}" fill="none" stroke="currentColor"/>'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="2" y2="{floor}" stroke="currentColor" stroke-dasharray="3 2"/>'
        f'<text x="{_MARGIN}" y="{_HEIGHT - 2}">0</text><text x="{_WIDTH - _MARGIN}" y="{_HEIGHT - 2}"'
        f' text-anchor="end">1</text></svg><p style="margin:0"><small>{label}; heights are square roots.</small></p>'
    )


def _shares(scores: NDArray[np.floating], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.histogram(scores, edges)[0] / max(len(scores), 1)


def _newest(report: MonitorReport) -> str:
    """Return the clips that look newest, in rows of pictures."""
    table = report.newest(_SHOWN)
    cells = [
        '<td style="text-align:left;vertical-align:top;padding:0 6px 6px 0;border:0">'
        f"{picture(report.corpus, str(clip), _PICTURE_WIDTH)}<br>"
        f"<small>{escape(shortened(title_of(report.corpus, str(clip)), 40))}</small></td>"
        for clip in table["clip_id"]
    ]
    lines = (
        f'<tr style="background:none">{"".join(cells[at : at + _A_ROW])}</tr>' for at in range(0, len(cells), _A_ROW)
    )
    return (
        '<p style="margin:8px 0 2px">The clips that look newest, one of each video:</p>'
        f'<table style="border-collapse:collapse;border:0;margin:0;line-height:1.3">{"".join(lines)}</table>'
    )
