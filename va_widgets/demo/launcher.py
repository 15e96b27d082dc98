"""The command `va-widgets demo`: JupyterLab with the quickstart notebook, or a full run without a browser."""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import platformdirs

from va_widgets import demo
from va_widgets.base.errors import CorpusError, VaError
from va_widgets.base.paths import absolute_path, exists, replacing
from va_widgets.experiments.oracle import Run, label_by_oracle
from va_widgets.models.bundle import load_model
from va_widgets.models.model import Model
from va_widgets.session import Session

NOTEBOOK = "quickstart.ipynb"
CORPUS_FOLDER = "corpus"
REPORT = "report.html"
_REPORT_BEGINS = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>va-widgets demo: """


def default_path(clips: int, seed: int) -> Path:
    """Return the demo's default folder, in the user's data folder, one for each size and seed."""
    return Path(platformdirs.user_data_dir("va-widgets", appauthor=False)) / f"demo-{clips}-{seed}"


def notebook(path: Path, clips: int, seed: int, *, browser: bool = True) -> int:
    """Build the demo corpus if needed, then run JupyterLab with the quickstart notebook until it ends.

    Returns JupyterLab's exit status.
    """
    path = absolute_path(path)
    path.mkdir(parents=True, exist_ok=True)
    corpus = demo.corpus(path / CORPUS_FOLDER, clips=clips, seed=seed)
    print(f"{corpus!r}\nStarting JupyterLab …", flush=True)
    target = path / NOTEBOOK
    if not target.exists():  # never overwrite a notebook that has been worked in
        with replacing(target) as unfinished:
            shutil.copyfile(_notebook(), unfinished)
    return subprocess.call(_lab_command(browser=browser and _has_browser()), cwd=path)


def _lab_command(*, browser: bool) -> list[str]:
    """Return the command that starts JupyterLab in the demo's folder."""
    command = [sys.executable, "-m", "jupyterlab", NOTEBOOK]
    # The addresses that it prints lead to the notebook, not only to the launcher.
    command.append(f"--LabApp.default_url=/lab/tree/{NOTEBOOK}")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # JupyterLab does not start for root without it
        command.append("--allow-root")
    return command


def _notebook() -> Path:
    """Return the quickstart's file: in the package if installed, in notebooks/ of a checkout otherwise."""
    here = Path(__file__).parent
    files = (here / NOTEBOOK, here.parents[1] / "notebooks" / "01_quickstart.ipynb")
    return next((file for file in files if file.is_file()), files[0])


def _has_browser() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def headless(path: Path, clips: int, seed: int, concept: str, labels: int) -> int:
    """Build, search, label, refit, review and publish with labels from the known truth, and print each result.

    Returns 0. Raises VaError for a concept that the demo does not have.
    """
    concepts = {item.name: item for item in demo.CONCEPTS}
    if concept not in concepts:
        raise VaError(f"The demo knows no concept {concept!r}: choose one of {', '.join(sorted(concepts))}.")
    path = absolute_path(path)
    report = path / REPORT
    if exists(report) and not report.read_text(encoding="utf-8", errors="replace").startswith(_REPORT_BEGINS):
        raise CorpusError(f"{report} is not the demo's: move it, or choose another folder.")
    path.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    corpus = demo.corpus(path / CORPUS_FOLDER, clips=clips, seed=seed)
    built = time.perf_counter()
    print(f"1. Built in {built - started:.1f} s: {corpus!r}")
    truth = demo.truth_of(corpus, concept)
    if not truth.any():
        raise CorpusError(f"None of these {len(corpus)} clips shows {concept!r}: ask for more clips with --clips.")
    query = concepts[concept].query
    first_clips = corpus.search(query, 12)["clip_id"]
    hits = int(truth[first_clips].sum())
    print(f"2. Searched for “{query}”: {hits} of the first 12 clips show it ({int(truth.sum())} of {len(corpus)} do).")
    session = Session(corpus, concept, annotator=f"oracle-{time.time_ns()}", seed=seed)
    print(f"3. Labelled by the truth as {session.annotator!r}, a page of 12 at a time:")
    run = label_by_oracle(session, truth, labels, query=query, tell=True)
    quality = session.quality
    quality_text = (
        session.quality_note if quality is None else f"{quality.ap:.2f} ({quality.low:.2f} to {quality.high:.2f})"
    )
    print(f"4. Reached AP {run.ap:.3f} on all clips with {run.labels} labels; estimated from them: {quality_text}.")
    review = session.review()
    wrong = int(((review["value"] == "yes").to_numpy() != truth[review["clip_id"]].to_numpy()).sum())
    print(f"5. Reviewed {len(review)} labelled clips, the most suspicious first: {wrong} wrong.")
    model = session.publish(concept)
    reloaded = load_model(Path(corpus.path) / "models" / model.slug)
    scored = reloaded.score_corpus(corpus)
    above = int((scored >= model.threshold).sum())
    print(
        f"6. Published {model.name!r} version {model.version}:"
        f" {above} clips score above its threshold {model.threshold:.2f}."
    )
    with replacing(report) as unfinished:
        unfinished.write_text(_report(run, model, quality_text, len(corpus), int(truth.sum())), encoding="utf-8")
    session.close()
    print(f"Done in {time.perf_counter() - started:.1f} s. Report: {report}")
    return 0


def _report(run: Run, model: Model, quality: str, clips: int, positives: int) -> str:
    """Return the run's report as an HTML page: its result, the curve of AP by labels, and a table of pages."""
    rows = "".join(
        f"<tr><td>{row.labels}</td><td>{html.escape(str(row.source))}</td><td>{row.yes}</td><td>{row.ap:.3f}</td></tr>"
        for row in run.curve.itertuples()
    )
    points = " ".join(
        f"{20 + 360 * labels / run.labels:.1f},{180 - 160 * ap:.1f}"
        for labels, ap in zip(run.curve["labels"], run.curve["ap"], strict=True)
    )
    return f"""{_REPORT_BEGINS}{html.escape(run.concept)}</title>
<style>body{{font:15px system-ui;max-width:46rem;margin:2rem auto;color:#222}}
td,th{{padding:.2rem .9rem;text-align:right}}
table{{border-collapse:collapse}}tr+tr{{border-top:1px solid #ddd}}svg{{background:#f6f6f6}}</style>
<h1>{html.escape(run.concept)}</h1>
<p>{positives} of {clips} clips show it. After {run.labels} labels given by the known truth the classifier ranks all
clips with average precision <b>{run.ap:.3f}</b>; estimated from the labels alone: {html.escape(quality)}.</p>
<svg width="400" height="200" role="img" aria-label="average precision by number of labels">
<line x1="20" y1="180" x2="380" y2="180" stroke="#999"/><line x1="20" y1="20" x2="380" y2="20" stroke="#ddd"/>
<polyline points="{points}" fill="none" stroke="#1976d2" stroke-width="2"/></svg>
<table><tr><th>labels</th><th>last page from</th><th>yes</th><th>AP</th></tr>{rows}</table>
<p>Published as {html.escape(model.name)} version {model.version}, threshold {model.threshold:.2f}.</p></html>
"""
