"""Measure how well texts that name a camera move and something else are searched for, and which texts name a move.

    python -m benchmarks.motion_search --demo FOLDER [--clips 400]
    python -m benchmarks.motion_search --captions FILE

With `--demo` each concept of a demo corpus is searched for with a pan or a zoom, such as "camera pans left over a
city". The table has the mean average precision, and the share of the first eight clips that is right, of several ways
to rank. With `--captions` the texts of a file, one a line, that name a move are listed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

import va_widgets as va
from va_widgets import demo
from va_widgets.video.motion.words import motion_query

FEWEST = 3  # clips of a kind
MOVES = (  # the demo's concept, the sign of the move, 0 for both, and the text
    ("pan", 0, "panning shot of {}"),
    ("zoom", 0, "zooming shot of {}"),
    ("pan", -1, "camera pans left over {}"),
    ("pan", 1, "camera pans right, {}"),
    ("zoom", 1, "zoom in on {}"),
    ("zoom", -1, "{}, zoom out"),
)
WEIGHTS = (1.0, 2.0, 3.0, 4.0, 6.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, help="a folder for a demo corpus, which is made if it is not there")
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--captions", type=Path, help="a file with one text a line")
    options = parser.parse_args()
    if options.demo is None and options.captions is None:
        parser.error("give --demo or --captions")
    if options.demo is not None:
        corpus = demo.corpus(options.demo, clips=options.clips)
        print(combinations(corpus if corpus.has_motion else corpus.add_view("motion")).to_string())
    if options.captions is not None:
        texts = sorted({line.strip() for line in options.captions.read_text(encoding="utf-8").splitlines()} - {""})
        named = [(text, query) for text in texts if (query := motion_query(text)) is not None]
        print(f"{len(named)} of {len(texts):,} texts name a move:")
        for text, query in named:
            print(f"  {text}  →  {query.phrase} | {query.rest}")


def combinations(corpus: va.Corpus) -> pd.DataFrame:
    """Return the mean AP and precision at 8 of each way to rank, for moves in both directions and in one."""
    truth = {concept.name: demo.truth_of(corpus, concept.name).to_numpy() for concept in demo.CONCEPTS}
    motion = corpus.motion
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for move, sign, text in MOVES:
        moves = truth[move] & ((np.sign(motion[move]) == sign).to_numpy() if sign else True)
        for concept in demo.CONCEPTS:
            right = moves & truth[concept.name]
            if concept.name in ("pan", "zoom") or right.sum() < FEWEST:
                continue
            for way, scores in ways(corpus, text.format(concept.query)).items():
                best = right[np.argsort(-scores, kind="stable")[:8]].mean()
                rows.setdefault((way, "directed" if sign else "both directions"), []).append(
                    (float(average_precision_score(right, scores)), float(best))
                )
    measures = [(*key, *np.mean(values, axis=0)) for key, values in rows.items()]
    table = pd.DataFrame(measures, columns=["way", "moves", "AP", "P@8"])
    return table.pivot(index="way", columns="moves").round(3)


def ways(corpus: va.Corpus, text: str) -> dict[str, NDArray[np.float64]]:
    """Return the scores of all clips, float64 (n,), by each way to rank them by a text that names a move."""
    query = motion_query(text)
    assert query is not None, text
    embeddings = np.asarray(corpus.embeddings, dtype=np.float32)
    whole, rest = (standardised(embeddings @ corpus.text_embedding(part)) for part in (text, query.rest))
    fit = query.scores(corpus.motion)
    share = rankdata(fit) / len(fit)
    return {
        "the whole text": whole,
        "the other words": rest,
        "the move": fit,
        "deviations of both": rest + standardised(fit),
        "ranks of both": rankdata(rest) / len(rest) + share,
        "reciprocal ranks": 1 / (60 + rankdata(-rest)) + 1 / (60 + rankdata(-fit)),
        **{f"deviations + {weight:g} × rank of the move": rest + weight * share for weight in WEIGHTS},
    }


def standardised(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return (values - values.mean()) / max(float(values.std()), 1e-9)


if __name__ == "__main__":
    main()
