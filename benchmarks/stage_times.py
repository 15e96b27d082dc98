"""Measure the seconds of each stage from a folder of videos to the feeds."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

import va_widgets as va


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--encoder", default="va-tiny")
    parser.add_argument("--query", default="night")
    options = parser.parse_args()
    rows: list[tuple[str, float]] = []

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        rows.append((name, time.perf_counter() - started))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus"
        with stage("build"):
            va.Corpus.build(path, videos=options.videos, encoder=options.encoder)
        with stage("build again, nothing to do"):
            corpus = va.Corpus.build(path, videos=options.videos, encoder=options.encoder)
        with stage("session, loads the text tower"):
            session = va.Session(corpus, options.query, annotator="benchmark")
        with stage("first search"):
            matches = session.search(options.query, 12)
        with stage("second search"):
            session.search(options.query + " city", 12)
        clips = list(matches["clip_id"])
        with stage("12 labels stored"):
            session.label(clips[: len(clips) // 2], True)
            session.label(clips[len(clips) // 2 :], False)
        with stage("refit"):
            session.refit()
        with stage("four feeds"):
            for feed in session.feeds:
                session.feed(feed, 12)
        session.close()
    print(corpus)
    print(corpus.report["status"].value_counts().to_string())
    print(pd.DataFrame(rows, columns=["stage", "seconds"]).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
