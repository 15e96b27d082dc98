"""Measure which searches are reported as flat: their scores hardly differ from clip to clip, so they find nothing.

    python -m benchmarks.flat_search [corpus] [--json FILE]

Without a corpus, one of 400 clips is rendered, without video files. "lift" is the value that `Spread.is_flat` compares
with its limit: the highest score minus the mean clip's score, in units of one direction's share of the clips' spread. A
text is flat if its lift is low and its vector is close to those of meaningless strings.
"""

from __future__ import annotations

import argparse
import json
import string
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import va_widgets as va
from va_widgets.corpus.search.clip_search import FLAT
from va_widgets.corpus.search.exact import nearest
from va_widgets.corpus.search.spread import Spread
from va_widgets.demo.captions import caption
from va_widgets.demo.concepts import CONCEPTS
from va_widgets.demo.scenes import sample_scenes
from va_widgets.experiments.pools import TEXT_QUALITIES, open_pool

CAPTIONS, RANDOM = 300, 300
SEED = 20_000  # seed of scenes that are in neither the training data nor a corpus
POOL = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "pools" / "real_images"
LOREM = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna"
    " aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat"
)
KOREAN = "밤의 도시, 비, 눈 덮인 산, 빨간 자동차, 바다, 숲, 사막의 풍선, 파란 원, 군중, 실내, 별, 하트, 사람이 걷는다"
RUSSIAN = "город ночью, дождь, снежные горы, красная машина, море, лес, пустыня, синий круг, толпа, комната, звезда"
FINNISH = "kaupunki yöllä, sade, lumiset vuoret, punainen auto, meri, metsä, aavikko, sininen ympyrä, väkijoukko, tähti"
UNKNOWN = "a dog barks, two people talking, interview, cooking pasta, dentist, football match, guitar, spreadsheet"
SIGNS = "???, !!!, …, —, #$%, 12345, 0, 3.14159, ':-)"


def texts(seed: int = 0) -> dict[str, list[str]]:
    """Return texts to search for, by kind; only the first two kinds have a meaning for the demo corpus."""
    rng = np.random.default_rng(seed)

    def word() -> str:
        return "".join(rng.choice(list(string.ascii_lowercase), rng.integers(3, 10)))

    latin = LOREM.split()
    return {
        "39 concepts": [concept.query for concept in CONCEPTS],
        "held-out captions": [caption(scene, rng)[0] for scene in sample_scenes(CAPTIONS, SEED)],
        "random letters": [" ".join(word() for _ in range(rng.integers(1, 5))) for _ in range(RANDOM)],
        "lorem ipsum": [
            " ".join(latin[start : start + number]) for start in range(0, 30, 2) for number in (1, 2, 4, 8)
        ],
        "Korean": KOREAN.split(", "),
        "Russian": RUSSIAN.split(", "),
        "Finnish": FINNISH.split(", "),
        "English unknown to va-tiny": UNKNOWN.split(", "),
        "digits and signs": SIGNS.split(", "),
    }


def lift_of(embeddings: NDArray[np.floating[Any]], vectors: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float64]:
    """Return the lift (m,) of each text's vector (dim,)."""
    spread = Spread.of(embeddings)
    unit = spread.scale / embeddings.shape[1] ** 0.5
    lifts = []
    for vector in vectors:
        query = np.asarray(vector, dtype=np.float32) / np.float32(np.linalg.norm(vector))
        lifts.append((float(nearest(embeddings, query, 1)[1][0]) - float(spread.center @ query)) / unit)
    return np.array(lifts)


def measure(corpus: va.Corpus) -> list[dict[str, object]]:
    """Return a row for each kind of text: number, share of flat texts, percentiles of the lift, and some exceptions."""
    rows = []
    for kind, group in texts().items():
        lifts = lift_of(corpus.embeddings, [corpus.text_embedding(text) for text in group])
        flat = np.array([FLAT in corpus.search(text, 1).attrs["note"] for text in group])
        exceptions = [text for text, is_flat in zip(group, flat, strict=True) if is_flat == (flat.mean() < 0.5)]
        rows.append(row(kind, lifts, flat, list(dict.fromkeys(exceptions))[:4]))
    for quality in TEXT_QUALITIES if POOL.is_dir() else ():
        pool = open_pool(POOL, quality)
        lifts = lift_of(pool.embeddings, list(pool.texts.values()))
        with tempfile.TemporaryDirectory() as folder:
            clips = pd.DataFrame({"clip_id": [str(clip) for clip in range(len(pool))]})
            corpus_of_pool = va.Corpus.from_embeddings(folder, pool.embeddings, clips, text_embeddings=pool.texts)
            flat = np.array([corpus_of_pool.search(phrase, 1).attrs["note"] != "" for phrase in pool.texts])
        rows.append(row(f"pool, {quality} texts", lifts, flat, []))
    return rows


def row(kind: str, lifts: NDArray[np.float64], flat: NDArray[np.bool_], exceptions: list[str]) -> dict[str, object]:
    """Return one row of the table; `exceptions` are texts whose answer differs from most of their kind."""
    low, middle, high = np.percentile(lifts, [1, 50, 99]).tolist()
    share = float(flat.mean())
    return {
        "kind": kind,
        "texts": len(lifts),
        "flat": share,
        "1 %": low,
        "median": middle,
        "99 %": high,
        "but": exceptions,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Which texts are reported as flat.")
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = va.Corpus.open(options.corpus) if options.corpus else va.demo.corpus(folder, videos=False)
        rows = measure(corpus)
    print(
        f"{'texts':28} {'number':>6} {'flat':>6}   lift: 1 %, median, 99 %   called otherwise than most of their kind"
    )
    for line in rows:
        lifts = f"{line['1 %']:6.2f} {line['median']:6.2f} {line['99 %']:6.2f}"
        numbers = f"{line['texts']:>6} {line['flat']:>6.1%}   {lifts}"
        print(f"{line['kind']:28} {numbers}   {', '.join(line['but'])}")  # type: ignore[arg-type]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
