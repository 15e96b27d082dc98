"""Measure the average precision of every demo concept after a number of labels by a scripted oracle."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import pandas as pd

import va_widgets as va
from va_widgets import demo
from va_widgets.experiments import label_by_oracle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fast", action="store_true", help="skip the video files")
    parser.add_argument("--path", type=Path, help="keep the corpus here (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.path or Path(folder) / "demo"
        corpus = demo.corpus(path, clips=options.clips, seed=options.seed, videos=not options.fast)
        # Labels are stored in the corpus folder, so each run gets a copy without labels.
        unlabelled = Path(folder) / "unlabelled"
        shutil.copytree(path, unlabelled, ignore=shutil.ignore_patterns("videos", "labels.sqlite*"))
        corpus = va.Corpus.open(unlabelled)
        rows: list[tuple[str, float, float, float, float]] = []
        for concept in demo.CONCEPTS:
            truth = demo.truth_of(corpus, concept.name)
            session = va.Session(corpus, concept.name, annotator="oracle", seed=options.seed)
            started = time.perf_counter()
            run = label_by_oracle(session, truth, options.labels)
            seconds = time.perf_counter() - started
            session.close()
            rows.append((concept.name, truth.mean(), run.curve["ap"].iloc[0], run.ap, seconds))
    table = pd.DataFrame(rows, columns=["concept", "chance", "ap_after_search", "ap", "seconds"])
    print(table.sort_values("ap", ascending=False).round(3).to_string(index=False))
    print(f"\nAP >= 0.9 on {(table['ap'] >= 0.9).sum()} of {len(table)} concepts, mean {table['ap'].mean():.3f}")


if __name__ == "__main__":
    main()
