"""Measure what a second view, such as motion, adds to a refit: sessions over the same clips with and without one.

Each session runs in a process of its own, and they refit in turn after three new labels, so that whatever else the
machine does meets all alike. Figures are medians in milliseconds, and of the ratios to the first row. `feeds` ends when
there are new feeds, `all` when everything is measured; `cpu` is the time of all cores together.

    without    no view but the embeddings
    not taken  there is a view, but labels follow the embeddings
    taken      labels follow the view, as they do in the other rows

With `--before TREE`, the source of another version (such as `git archive VERSION | tar x -C TREE`), the first row is a
session of that version without a view. The embeddings are distributed like OpenCLIP's (see search.py), the view is
random. On a busy machine `cpu` says more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import va_widgets as va
from benchmarks.search import write_matrix

CLIPS_A_VIDEO = 40
COLUMNS = 109  # of the motion view
NEW = 3  # labels before each refit
KINDS = ("before", "without", "not taken", "taken")  # also what is looked for
TIMES = ("feeds", "feeds cpu", "all", "all cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=500_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=41)
    parser.add_argument("--before", type=Path, help="a folder with the source of another version")
    parser.add_argument("--folder", type=Path, help="keep the corpora here (default: a temporary folder)")
    parser.add_argument("--session", nargs=3, help=argparse.SUPPRESS)  # one of the processes
    options = parser.parse_args()
    if options.session:
        kind, labels, repeats = options.session
        refit_on_request(options.folder, kind, int(labels), int(repeats))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "text.npy").exists():
            _, texts = write_matrix(folder / "vectors.npy", options.clips, options.dim)
            view = np.random.default_rng(0).standard_normal((options.clips, COLUMNS), np.float32)
            np.save(folder / "view.npy", view.astype(np.float16))
            np.save(folder / "text.npy", texts[0])
        for labels in folder.glob("*/labels.sqlite*"):
            labels.unlink()
        here = Path(__file__).resolve().parents[1]
        trees = dict.fromkeys(KINDS, here) | {"before": (options.before or here).resolve()}
        if options.before is None:
            del trees["before"]
        print(compared(folder, trees, options.labels, options.repeats).to_string())


def compared(folder: Path, trees: dict[str, Path], labels: int, repeats: int) -> pd.DataFrame:
    """Return a row for each kind of session, run by the source in `trees`: medians, and medians of ratios."""
    times: dict[str, list[list[float]]] = {kind: [] for kind in trees}
    with ExitStack() as stack:
        sessions = {}
        for kind, tree in trees.items():
            process = subprocess.Popen(
                [sys.executable, "-P", __file__, "--folder", folder, "--session", kind, str(labels), str(repeats)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=tree,
                env={**os.environ, "PYTHONPATH": str(tree)},
            )
            sessions[kind] = stack.enter_context(process)
            answer(process)  # one after the other, as each makes its corpus
        for _ in range(repeats):
            for kind, process in sessions.items():
                times[kind].append(answer(process))
    medians = {kind: np.median(values, axis=0).round(1) for kind, values in times.items()}
    first = np.array(next(iter(times.values())))
    ratios = {kind: np.median(values / first, axis=0).round(2) for kind, values in times.items()}
    table = pd.DataFrame(medians, TIMES).T
    return table.join(pd.DataFrame(ratios, [f"times {name}" for name in TIMES]).T)


def answer(process: subprocess.Popen[str]) -> list[float]:
    """Ask a session's process for a refit; returns its times."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit("A session's process has ended: see what it has printed.")
    times: list[float] = json.loads(line)
    return times


def refit_on_request(folder: Path, kind: str, labels: int, repeats: int) -> None:
    """Label and refit at every line of standard input, and print the times; the first refit has all labels at once.

    What is called here is the same in all versions.
    """
    corpus = corpus_of(folder, "view" if "taken" in kind else kind)
    rows = np.random.default_rng(0).choice(len(corpus), labels + NEW * repeats, replace=False)
    followed = np.load(folder / ("vectors.npy" if kind == "not taken" else "view.npy"), mmap_mode="r")[rows]
    values = followed[:, :3].astype(np.float64).sum(axis=1)
    noise = np.random.default_rng(1).standard_normal(len(rows))
    y = values + noise * values.std() / 3 > np.median(values) + values.std() / 2
    clips = corpus.clips.index[rows]
    session = va.Session(corpus, kind)
    feeds: list[NDArray[np.float64]] = []
    session.subscribe(lambda name, _: feeds.append(now()) if name == "refit" else None)
    for start, end in pairwise([0, *range(labels, len(rows) + 1, NEW)]):
        sys.stdin.readline()
        session.label(dict(zip(clips[start:end], y[start:end].tolist(), strict=True)))
        before = now()
        session.refit()
        after = now()
        print(json.dumps([*(feeds[-1] - before), *(after - before)]), flush=True)
    session.close()


def now() -> NDArray[np.float64]:
    """Return the time and that of all cores together, in milliseconds."""
    return 1000 * np.array([time.perf_counter(), time.process_time()])


def corpus_of(folder: Path, name: str) -> va.Corpus:
    """Return a corpus of the vectors in a folder, with the view if that is its name."""
    path = folder / name
    if not path.exists():
        clips = len(np.load(folder / "vectors.npy", mmap_mode="r"))
        start = np.arange(clips) % CLIPS_A_VIDEO * 4.0
        videos = [f"video-{i // CLIPS_A_VIDEO:06d}.mp4" for i in range(clips)]
        table = pd.DataFrame({"video": videos, "start": start, "end": start + 4.0})
        texts = dict.fromkeys(KINDS, np.load(folder / "text.npy"))
        corpus = va.Corpus.from_embeddings(path, folder / "vectors.npy", table, text_embeddings=texts)
        if name == "view":
            corpus.add_view("moves", folder / "view.npy")
    return va.Corpus.open(path)


if __name__ == "__main__":
    main()
