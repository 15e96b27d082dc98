"""Which texts are called flat: searches whose scores hardly differ from clip to clip, and so tell none apart.

    python -m benchmarks.flat_search [corpus] [--json FILE]

Without a corpus one of 400 clips is rendered, without video files. "lift" is what `Spread.is_flat` compares with its
limit: the highest score above the mean clip's, in units of what one direction contributes to the clips' spread. A text
is called flat if its lift is low and the model puts it where it puts strings without meaning.
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
from va_widgets.corpus.corpus import FLAT
from va_widgets.corpus.search import Spread, nearest
from va_widgets.demo.captions import caption
from va_widgets.demo.concepts import CONCEPTS
from va_widgets.demo.scenes import sample_scenes
from va_widgets.experiments.pools import TEXT_QUALITIES, open_pool

CAPTIONS, RANDOM = 300, 300
SEED = 20_000  # of scenes that neither the model nor a corpus has seen
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
    """Texts to search for, by kind; the first two kinds tell clips of the demo corpus apart, the others do not."""
    rng = np.random.default_rng(seed)

    def word() -> str:
        return "".join(rng.choice(list(string.ascii_lowercase), rng.integers(3, 10)))

    latin = LOREM.split()
    return {
        "39 concepts": [concept.query for concept in CONCEPTS],
        "held-out captions": [caption(scene, rng)[0] for scene in sample_scenes(CAPTIONS, SEED)],
        "random letters": [" ".join(word() for _ in range(rng.integers(1, 5))) for _ in range(RANDOM)],
        "lorem ipsum": [" ".join(latin[at : at + number]) for at in range(0, 30, 2) for number in (1, 2, 4, 8)],
        "Korean": KOREAN.split(", "),
        "Russian": RUSSIAN.split(", "),
        "Finnish": FINNISH.split(", "),
        "English unknown to va-tiny": UNKNOWN.split(", "),
        "digits and signs": SIGNS.split(", "),
    }


def lift_of(embeddings: NDArray[np.floating[Any]], vectors: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float64]:
    """The lift (m,) of some texts' vectors (dim,)."""
    spread = Spread.of(embeddings)
    unit = spread.scale / embeddings.shape[1] ** 0.5
    lifts = []
    for vector in vectors:
        query = np.asarray(vector, dtype=np.float32) / np.float32(np.linalg.norm(vector))
        lifts.append((float(nearest(embeddings, query, 1)[1][0]) - float(spread.center @ query)) / unit)
    return np.array(lifts)


def measure(corpus: va.Corpus) -> list[dict[str, object]]:
    """A row a kind of text: how many, the share called flat, the lift's percentiles, some texts of the rarer answer."""
    rows = []
    for kind, some in texts().items():
        lifts = lift_of(corpus.embeddings, [corpus.text_embedding(text) for text in some])
        flat = np.array([FLAT in corpus.search(text, 1).attrs["note"] for text in some])
        odd = [text for text, called in zip(some, flat, strict=True) if called == (flat.mean() < 0.5)]
        rows.append(row(kind, lifts, flat, list(dict.fromkeys(odd))[:4]))
    for quality in TEXT_QUALITIES if POOL.is_dir() else ():
        pool = open_pool(POOL, quality)
        lifts = lift_of(pool.embeddings, list(pool.texts.values()))
        with tempfile.TemporaryDirectory() as folder:
            clips = pd.DataFrame({"clip_id": [str(clip) for clip in range(len(pool))]})
            given = va.Corpus.from_embeddings(folder, pool.embeddings, clips, text_embeddings=pool.texts)
            flat = np.array([given.search(phrase, 1).attrs["note"] != "" for phrase in pool.texts])
        rows.append(row(f"pool, {quality} texts", lifts, flat, []))
    return rows


def row(kind: str, lifts: NDArray[np.float64], flat: NDArray[np.bool_], odd: list[str]) -> dict[str, object]:
    """One row of the table."""
    low, middle, high = np.percentile(lifts, [1, 50, 99]).tolist()
    share = float(flat.mean())
    return {"kind": kind, "texts": len(lifts), "flat": share, "1 %": low, "median": middle, "99 %": high, "but": odd}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Which texts are called flat.")
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = va.Corpus.open(options.corpus) if options.corpus else va.demo.corpus(folder, videos=False)
        rows = measure(corpus)
    print(
        f"{'texts':28} {'number':>6} {'flat':>6}   lift: 1 %, median, 99 %   called otherwise than most of their kind"
    )
    for found in rows:
        lifts = f"{found['1 %']:6.2f} {found['median']:6.2f} {found['99 %']:6.2f}"
        numbers = f"{found['texts']:>6} {found['flat']:>6.1%}   {lifts}"
        print(f"{found['kind']:28} {numbers}   {', '.join(found['but'])}")  # type: ignore[arg-type]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
