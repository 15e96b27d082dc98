"""Measure the time from a label to fresh feeds in the kernel, and compare it with one pass over the matrix.

`step` is the work after a click: the label is stored, the classifier is refitted, all clips are scored, and a page of
each of the five feeds is computed. `all` also has the quality and the other slow results, which follow the feeds.
`reference` is Video Annotator's method: scikit-learn's LogisticRegressionCV, predict_proba of all clips, and a sort.
`scikit-activeml` is one query of its uncertainty sampling, without the cost of the classifier.

The matrix is synthetic, but distributed like OpenCLIP's embeddings of clips (see search.py).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

import va_widgets as va
from benchmarks.search import write_matrix

CLIPS_A_VIDEO = 40
PAGE = 12
CONCEPT = "what is looked for"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[50_000, 500_000, 1_000_000])
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--no-reference", action="store_true", help="leave out the other methods")
    parser.add_argument("--folder", type=Path, help="folder for the temporary corpora (default: the system's)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for clips in options.clips:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            corpus = make_corpus(Path(folder), clips, options.dim)
            for labels in options.labels:
                rows += measure(corpus, labels, options.repeats, not options.no_reference)
    table = pd.DataFrame(rows)
    print(f"{torch.get_num_threads()} threads; medians in milliseconds; the ratio is the median of ratios to the pass")
    print(table.to_string(index=False))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def make_corpus(folder: Path, clips: int, dim: int) -> va.Corpus:
    """Write a corpus of synthetic clips without images, with one text, and return it."""
    _, texts = write_matrix(folder / "vectors.npy", clips, dim)
    table = pd.DataFrame(
        {
            "video": [f"video-{i // CLIPS_A_VIDEO:06d}.mp4" for i in range(clips)],
            "start": np.arange(clips) % CLIPS_A_VIDEO * 4.0,
            "end": np.arange(clips) % CLIPS_A_VIDEO * 4.0 + 4.0,
        }
    )
    path = folder / "corpus"
    va.Corpus.from_embeddings(path, folder / "vectors.npy", table, text_embeddings={CONCEPT: texts[0]})
    (folder / "vectors.npy").unlink()
    return va.Corpus.open(path)


def measure(corpus: va.Corpus, labels: int, repeats: int, reference: bool) -> list[dict[str, Any]]:
    """Return a row for each compared method, at one number of labels: medians of interleaved repetitions."""
    session = va.Session(corpus, CONCEPT, f"annotator of {labels}")
    embeddings = corpus.embeddings
    rng = np.random.default_rng(labels)
    nearest = corpus.search(CONCEPT, min(len(corpus) // 2, 4 * labels))["clip_id"].to_numpy()
    chosen = [*nearest[:: max(1, len(nearest) // (labels // 2))][: labels // 2]]
    others = corpus.clips.index[np.sort(rng.choice(len(corpus), labels, replace=False))]
    chosen += [clip for clip in others if clip not in set(chosen)][: labels - len(chosen)]
    rows = corpus.clips.index.get_indexer(pd.Index(chosen))
    direction: NDArray[np.float32] = rng.standard_normal((embeddings.shape[1],), dtype=np.float32)
    values = np.asarray(embeddings[rows], dtype=np.float32) @ direction
    y: NDArray[np.bool_] = values > np.quantile(values, 0.6)
    for value in (True, False):
        session.label(list(np.array(chosen)[y == value]), value)
    session.refit()
    feeds_done: list[float] = []
    session.subscribe(lambda name, _: feeds_done.append(compute_feeds(session)) if name == "refit" else None)
    unlabelled = iter(corpus.clips.index.difference(pd.Index(chosen))[: 4 * repeats])
    half = torch.from_numpy(np.array(embeddings))
    query = torch.from_numpy(direction.astype(np.float16))

    def step() -> float:
        started = time.perf_counter()
        session.label(next(unlabelled), bool(rng.random() < 0.5))
        session.refit()
        return 1000 * (feeds_done[-1] - started)

    candidates: dict[str, Callable[[], float]] = {
        "pass": lambda: timed(lambda: torch.mv(half, query)),
        "step": step,
        "all": lambda: timed(lambda: (session.label(next(unlabelled), True), session.refit())),
    }
    if reference:
        X = np.asarray(embeddings[rows], dtype=np.float32)
        single = np.asarray(embeddings, dtype=np.float32)
        candidates["reference"] = lambda: timed(lambda: video_annotator(X, y, single))
        if find_spec("skactiveml"):
            candidates["scikit-activeml"] = lambda: timed(active_learner(X, y, single, rows))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for repeat in range(repeats):
        for name, call in candidates.items():
            if repeat < 3 or name in ("pass", "step", "all"):
                times[name].append(call())
    session.close()
    return [
        {
            "clips": len(corpus),
            "labels": labels,
            "what": name,
            "median_ms": round(statistics.median(milliseconds), 1),
            "times_the_pass": round(
                statistics.median(own / one_pass for own, one_pass in zip(milliseconds, times["pass"], strict=False)), 2
            ),
        }
        for name, milliseconds in times.items()
    ]


def compute_feeds(session: va.Session) -> float:
    """Compute a page of every feed; returns the time of the end, in seconds of `time.perf_counter`."""
    for name in session.feeds:
        session.feed(name, PAGE)
    return time.perf_counter()


def video_annotator(X: NDArray[np.float32], y: NDArray[np.bool_], matrix: NDArray[np.float32]) -> NDArray[np.int64]:
    """Video Annotator's method: C by 5-fold cross-validation on average precision, all clips scored and sorted."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    fit = LogisticRegressionCV(cv=folds, scoring="average_precision", max_iter=1000).fit(X, y)
    return np.argsort(-fit.predict_proba(matrix)[:, 1])


def active_learner(
    X: NDArray[np.float32], y: NDArray[np.bool_], matrix: NDArray[np.float32], rows: NDArray[np.intp]
) -> Callable[[], object]:
    """Return a function that queries a page of all clips by scikit-activeml's uncertainty sampling."""
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import UncertaintySampling

    labels = np.full(len(matrix), np.nan)
    labels[rows] = y
    classifier = SklearnClassifier(LogisticRegression(max_iter=1000), classes=[0, 1]).fit(X, y.astype(float))
    strategy = UncertaintySampling(random_state=0)
    return lambda: strategy.query(matrix, labels, classifier, fit_clf=False, batch_size=PAGE)


def timed(call: Callable[[], object]) -> float:
    """Return how long a call takes, in milliseconds."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
