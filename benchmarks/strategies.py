"""Compare the average precision at n labels of VA's strategy, other packages' and ours, on pools with known truth.

POOL is a folder of embeddings.npy (n, dim), labels.csv (one column of 0 and 1 per concept after the first column) and
text.npz (`<concept>/<quality>`: text embeddings of several qualities). Finished runs are stored in --folder and not
repeated by later calls; use another folder after a change to a strategy.

The table `texts` varies the quality of the texts, `errors` the share of wrong labels, and `bent` the geometry: the mean
cosine between images (narrow) and between texts and images (gap), with values as in CLIP models. `demo` is measured on
a demo corpus.
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
    parser.add_argument(
        "--strategies", nargs="+", default=installed(), metavar="NAME", help="default: all whose packages are installed"
    )
    parser.add_argument("--concepts", choices=("development", "reporting"), help="use only this half of the concepts")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=2, help="each splits the pool into halves in another way")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="keep finished runs here")
    parser.add_argument("--demo", type=Path, help="folder of the demo corpus, which is built if it does not exist")
    parser.add_argument(
        "--clips", type=int, default=20_000, help="size of the demo corpus, which is built at about 25 clips a second"
    )
    parser.add_argument(
        "--json", type=Path, help="write all results to this file, one record for each run and number of labels"
    )
    parser.add_argument("--plots", type=Path, help="write a plot of each table to this folder")
    options = parser.parse_args()
    if options.pool is None and set(options.tables) != {"demo"}:
        parser.error("a POOL is needed for all tables but demo")
    if options.demo is None and "demo" in options.tables:
        parser.error("--demo FOLDER is needed for the table of the demo corpus")
    parts = []
    for title, error, pools in tables(options):
        # The seed determines the split of the pool, the random choices and the wrong labels.
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
    """Return the strategies whose packages are installed."""
    return [name for name in STRATEGIES if name not in PACKAGES or find_spec(PACKAGES[name])]


def tables(options: argparse.Namespace) -> Iterator[tuple[str, float, list[Pool]]]:
    """Yield each table's title, its share of wrong labels, and its pools, one for each seed."""

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
        splits = [with_pairs(from_corpus(corpus, queries=queries, seed=seed)) for seed in range(options.seeds)]
        yield f"demo corpus, {len(corpus):,} clips, its own texts", 0.0, splits
        # The demo's encoder was trained on such scenes, so that most of the corpus's own texts are nearly perfect.
        for kind in DEMO_TEXTS:
            title = f"demo corpus, {len(corpus):,} clips, {kind} texts"
            yield title, 0.0, [bent(pool, narrow=0.6, gap=0.22, text=kind) for pool in splits]


if __name__ == "__main__":
    main()
