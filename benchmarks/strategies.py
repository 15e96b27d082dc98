"""Average precision at n labels: VA's recipe, other packages' and ours side by side, on pools whose truth is known.

POOL is a folder of embeddings.npy (n, dim), labels.csv (a column of 0 and 1 a concept after the first column) and
text.npz (`<concept>/<quality>`: text embeddings of several qualities). Runs that are finished are kept in --folder, and
a second call goes on from there; use another folder after a change to a strategy.

`texts` varies the quality of the texts, `errors` how often a label is wrong, and `bent` the geometry: the mean cosine
between pictures (narrow) and between texts and pictures (gap), as CLIP models have them. `demo` is a demo corpus.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from va_widgets import demo
from va_widgets.experiments import Pool, bent, compare, from_corpus, markdown, open_pool, plot, with_pairs
from va_widgets.experiments.compare import BUDGETS
from va_widgets.experiments.pools import TEXT_QUALITIES, TextQuality
from va_widgets.experiments.strategies import STRATEGIES

ERRORS = (0.05, 0.1)
BENDS: tuple[tuple[float, float, TextQuality], ...] = (
    (0.4, 0.3, "fair"), (0.6, 0.22, "fair"), (0.9, 0.15, "fair"), (0.6, 0.22, "misleading"),
)  # fmt: skip
DEMO_TEXTS: tuple[TextQuality, ...] = ("fair", "poor")
PACKAGES = {
    "typiclust": "skactiveml", "probcover": "skactiveml", "badge": "skactiveml", "density": "skactiveml",
    "modal_uncertainty": "modAL", "modal_batch": "modAL", "coreset": "small_text",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path, nargs="?", help="needed for all tables but demo")
    parser.add_argument("--tables", nargs="+", choices=("texts", "errors", "bent", "demo"), default=["texts"])
    parser.add_argument("--strategies", nargs="+", default=installed(), metavar="NAME", help="all that are installed")
    parser.add_argument("--concepts", choices=("development", "reporting"), help="that half of them only")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=2, help="each cuts the pool into halves of its own")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="keep finished runs here")
    parser.add_argument("--demo", type=Path, help="the demo corpus's folder; it is built if it is not there")
    parser.add_argument("--clips", type=int, default=20_000, help="of the demo corpus, about 25 a second to build")
    parser.add_argument("--json", type=Path, help="write all results here, one record a number of labels")
    parser.add_argument("--plots", type=Path, help="write a picture of each table into this folder")
    options = parser.parse_args()
    if options.pool is None and set(options.tables) != {"demo"}:
        parser.error("a POOL is needed for all tables but demo")
    if options.demo is None and "demo" in options.tables:
        parser.error("--demo FOLDER is needed for the table of the demo corpus")
    parts = []
    for title, error, pools in tables(options):
        # The seed cuts the pool, draws the lots and chooses the labels that are wrong.
        results = pd.concat(
            compare(
                pool, options.strategies, options.concepts, options.budgets, [seed],
                error=error, jobs=options.jobs, folder=options.folder,
            )
            for seed, pool in enumerate(pools)
        )  # fmt: skip
        print(f"\n## {title}\n\n{markdown(results, of=options.strategies[0])}", flush=True)
        parts.append(results.assign(table=title))
        if options.json:
            pd.concat(parts).to_json(options.json, orient="records", indent=1)
        if options.plots:
            options.plots.mkdir(parents=True, exist_ok=True)
            axes = plot(results)
            axes.set_title(title)
            figure = axes.get_figure(root=True)
            assert figure is not None
            figure.savefig(options.plots / f"{len(parts)}.png", dpi=150)


def installed() -> list[str]:
    """The strategies that need no package that is not there."""
    return [name for name in STRATEGIES if name not in PACKAGES or find_spec(PACKAGES[name])]


def tables(options: argparse.Namespace) -> Iterator[tuple[str, float, list[Pool]]]:
    """Each table's title, how often its labels are wrong, and its pools, one a seed."""

    def pools(text: str = "fair") -> list[Pool]:
        return [open_pool(options.pool, text, seed) for seed in range(options.seeds)]

    if "texts" in options.tables:
        for text in TEXT_QUALITIES:
            yield f"{text} texts", 0.0, pools(text)
    if "errors" in options.tables:
        for error in ERRORS:
            yield f"fair texts, {error:.0%} of the labels wrong", error, pools()
    if "bent" in options.tables:
        for narrow, gap, kind in BENDS:
            title = f"{kind} texts, mean cosine {narrow} between pictures, {gap} between texts and pictures"
            yield title, 0.0, [bent(pool, narrow=narrow, gap=gap, text=kind) for pool in pools()]
    if "demo" in options.tables:
        corpus = demo.corpus(options.demo, clips=options.clips, videos=False)
        queries = {concept.name: concept.query for concept in demo.CONCEPTS}
        cuts = [with_pairs(from_corpus(corpus, queries=queries, seed=seed)) for seed in range(options.seeds)]
        yield f"demo corpus, {len(corpus):,} clips, its own texts", 0.0, cuts
        # Its encoder was trained on its scenes, so that most of its own texts find all that there is to find.
        for kind in DEMO_TEXTS:
            title = f"demo corpus, {len(corpus):,} clips, {kind} texts"
            yield title, 0.0, [bent(pool, narrow=0.6, gap=0.22, text=kind) for pool in cuts]


if __name__ == "__main__":
    main()
