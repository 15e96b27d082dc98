"""How are the scores of a query's parts combined best, is text("…") comparable with a model, and how fast is a query?

    python -m benchmarks.query --demo FOLDER [--clips 400] [--labels 60]
    python -m benchmarks.query --demo FOLDER --text [POOL ...]
    python -m benchmarks.query --speed [--clips 1000000]

With `--demo` two demo corpora, of seeds 0 and 1, are made in the folder, and every concept with one attribute, such as
"red", "circle" and "night", is labelled by the oracle and published in each. Then thousands of queries over them are
ranked by each rule: the models of one corpus score the other one, of which they have no label. The tables have mean
average precisions, and differences to the rule that queries use with 95 % intervals by a bootstrap over queries. For
some conjunctions a classifier is labelled, too, with as many labels as each of the models that the query combines.

With `--text` numbers made of a text's cosines with all clips are compared: t is how near a clip is to the text in units
of how near the nearest ones are, z its deviation from the mean clip in standard deviations.

With `--speed` 56 models score a corpus of random vectors, and queries over them are timed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.metrics import average_precision_score, f1_score

import va_widgets as va
from va_widgets import demo
from va_widgets.experiments import label_by_oracle, open_pool
from va_widgets.experiments.pools import TEXT_QUALITIES
from va_widgets.learning.statistics import CorpusStatistics
from va_widgets.models.names import slug

FEWEST = 5  # clips that a query must have
DIRECT = {  # conjunctions that are labelled themselves, by the text that a person would name them
    "red circle": ("red", "circle"),
    "night city": ("night", "city"),
    "rain at night": ("rain", "night"),
    "snowy mountains": ("mountains", "snow"),
    "blue car": ("blue", "car"),
    "red circle at night": ("red", "circle", "night"),
    "rain in a city": ("rain", "city"),
    "the sea at golden hour": ("sea", "golden hour"),
    "close-up of a star": ("close-up", "star"),
    "wide shot of a desert": ("wide shot", "desert"),
    "a crowd in a forest": ("crowd", "forest"),
    "fog at night": ("fog", "night"),
}
ATOMS = tuple(concept.name for concept in demo.CONCEPTS if len(concept.attributes) == 1)
Array = NDArray[Any]


def published(corpus: va.Corpus, labels: int) -> dict[str, va.Model]:
    """Return a model of every atom and of every conjunction in DIRECT, labelled by the oracle where there is none."""
    models = {}
    for name in (*ATOMS, *DIRECT):
        folder = corpus.path / "models" / slug(name)
        if not folder.exists():
            truth = np.logical_and.reduce([demo.truth_of(corpus, part) for part in DIRECT.get(name, (name,))])
            session = va.Session(corpus, name, annotator="oracle")
            run = label_by_oracle(session, pd.Series(truth.astype(bool), index=corpus.clips.index), labels)
            try:
                session.publish(name)
            except va.NotEnoughLabelsError:
                print(f"{name}: no positive among the labels")
                continue
            finally:
                session.close()
            print(f"{name}: AP {run.ap:.3f}", flush=True)
        models[name] = va.load_model(folder)
    return models


# --- the rules -----------------------------------------------------------------------------------


def rules() -> dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]]:
    """Return how each rule combines the degrees (m, n) of m parts: those that must all hold, those of which one must.

    Product, Gödel and Łukasiewicz are the fundamental t-norms with their t-conorms (Klement, Mesiar and Pap,
    "Triangular Norms", 2000); Frank's with a parameter of 0.01 lies between product and Gödel's.
    """

    def dual(conjunction: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda parts: 1 - conjunction(1 - parts)

    def frank(parts: Array) -> Array:
        base = 0.01
        result = parts[0]
        for part in parts[1:]:
            result = np.log1p((base**result - 1) * (base**part - 1) / (base - 1)) / np.log(base)
        return result

    conjunctions: dict[str, Callable[[Array], Array]] = {
        "product": lambda parts: parts.prod(axis=0),
        "Gödel (minimum)": lambda parts: parts.min(axis=0),
        "Łukasiewicz": lambda parts: np.maximum(0, parts.sum(axis=0) - (len(parts) - 1)),
        "Frank, 0.01": frank,
        "mean of product and minimum": lambda parts: (parts.prod(axis=0) + parts.min(axis=0)) / 2,
        "harmonic mean": lambda parts: len(parts) / (1 / np.maximum(parts, 1e-9)).sum(axis=0),
    }
    table = {name: (rule, dual(rule)) for name, rule in conjunctions.items()}
    table["mean of logits"] = (lambda parts: _logit(parts).mean(axis=0), lambda parts: _logit(parts).mean(axis=0))
    table["mean of logits, or: maximum"] = (
        lambda parts: _logit(parts).mean(axis=0),
        lambda parts: _logit(parts).max(0),
    )
    table["mean of P"] = (lambda parts: parts.mean(axis=0), lambda parts: parts.mean(axis=0))
    return table


def _logit(parts: Array) -> Array:
    return logit(np.clip(parts, 1e-7, 1 - 1e-7))


Kind = tuple[Callable[..., Array], Callable[..., NDArray[np.bool_]], int]
"""How a kind of query is ranked, given a rule and its parts' degrees (m, n); its truth, given theirs; and m."""


def kinds() -> dict[str, Kind]:
    """Return the kinds of queries that the rules are compared on, by how they are written."""
    return {
        "a and b": (lambda both, _, p: both(p), lambda t: t.all(axis=0), 2),
        "a and b and c": (lambda both, _, p: both(p), lambda t: t.all(axis=0), 3),
        "a or b": (lambda _, either, p: either(p), lambda t: t.any(axis=0), 2),
        "a and not b": (lambda both, _, p: both(np.stack([p[0], 1 - p[1]])), lambda t: t[0] & ~t[1], 2),
        "(a or b) and c": (
            lambda both, either, p: both(np.stack([either(p[:2]), p[2]])),
            lambda t: t[:2].any(axis=0) & t[2],
            3,
        ),
    }


def compared(
    degrees: Mapping[str, Array], truth: Mapping[str, NDArray[np.bool_]], rng: np.random.Generator, most: int = 300
) -> pd.DataFrame:
    """Return the AP of up to `most` queries of each kind under each rule: DataFrame(kind, query, rule, ap)."""
    rows = []
    for kind, (rank, right, parts) in kinds().items():
        groups = list(combinations(degrees, parts))
        done = 0
        for index in rng.permutation(len(groups)):
            names = groups[index]
            wanted = right(np.stack([truth[name] for name in names]))
            if not FEWEST <= wanted.sum() <= len(wanted) - FEWEST:
                continue
            values = np.stack([degrees[name] for name in names])
            for rule, (both, either) in rules().items():
                ap = float(average_precision_score(wanted, rank(both, either, values)))
                rows.append((kind, " ".join(names), rule, ap))
            done += 1
            if done == most:
                break
    return pd.DataFrame(rows, columns=["kind", "query", "rule", "ap"])


def held_out(folder: Path, clips: int, labels: int) -> Iterator[tuple[va.Corpus, dict[str, va.Model]]]:
    """Yield each of two demo corpora with the models that were labelled in the other one."""
    corpora = [demo.corpus(folder / f"seed{seed}", clips=clips, seed=seed, progress=False) for seed in (0, 1)]
    models = [published(corpus, labels) for corpus in corpora]
    yield corpora[1], models[0]
    yield corpora[0], models[1]


def rule_tables(folder: Path, clips: int, labels: int) -> None:
    """Print what the rules reach on queries, and on the conjunctions that were labelled themselves."""
    rng = np.random.default_rng(0)
    tables, conjunctions = [], []
    for corpus, models in held_out(folder, clips, labels):
        truth = {name: demo.truth_of(corpus, name).to_numpy() for name in ATOMS}
        scores = {name: model.score_corpus(corpus).to_numpy(np.float64) for name, model in models.items()}
        atoms = {name: scores[name] for name in ATOMS if name in scores}
        shifted = {
            name: 1 / (1 + np.exp(-_logit(p) + _logit(np.array(models[name].threshold)))) for name, p in atoms.items()
        }
        tables.append(compared(atoms, truth, rng).assign(degree="P(yes)"))
        tables.append(compared(shifted, truth, np.random.default_rng(0)).assign(degree="threshold at 0.5"))
        for name, parts in DIRECT.items():
            wanted = np.logical_and.reduce([truth[part] for part in parts])
            if wanted.sum() < FEWEST or name not in scores:
                continue
            values = np.stack([atoms[part] for part in parts])
            single = max(float(average_precision_score(wanted, scores[part])) for part in parts)
            row = {"conjunction": name, "clips": int(wanted.sum()), "best single": single}
            row |= {rule: float(average_precision_score(wanted, both(values))) for rule, (both, _) in rules().items()}
            conjunctions.append(row | {"labelled itself": float(average_precision_score(wanted, scores[name]))})
    table = pd.concat(tables, ignore_index=True)
    means = table.pivot_table(index=["degree", "rule"], columns="kind", values="ap", sort=False)
    means["all kinds"] = means.mean(axis=1)
    print(means.round(4).to_string(), "\n")
    print(f"{table.groupby('kind')['query'].count() // table['rule'].nunique() // 2} queries a kind\n")
    print(differences(table[table["degree"] == "P(yes)"], "product").to_string(), "\n")
    direct = pd.DataFrame(conjunctions)
    by_name = direct.groupby("conjunction", sort=False).mean()
    by_name.loc["mean"] = by_name.mean()
    print(by_name.round(3).T.to_string())


def differences(table: pd.DataFrame, reference: str, draws: int = 2000) -> pd.DataFrame:
    """Return each rule's mean AP minus that of a reference, with 95 % intervals by a bootstrap over queries."""
    rng = np.random.default_rng(0)
    rows: dict[str, dict[str, str]] = {}
    for kind, part in table.groupby("kind", sort=False):
        wide = part.assign(run=part.groupby(["query", "rule"]).cumcount())
        wide = wide.pivot(index=["query", "run"], columns="rule", values="ap")
        for rule in wide.columns:
            gaps = (wide[rule] - wide[reference]).to_numpy()
            means = rng.choice(gaps, (draws, len(gaps))).mean(axis=1)
            low, high = np.quantile(means, (0.025, 0.975))
            rows.setdefault(str(rule), {})[str(kind)] = f"{gaps.mean():+.4f} ({low:+.4f} to {high:+.4f})"
    return pd.DataFrame(rows).T


# --- text("…") -----------------------------------------------------------------------------------


def text_table(folder: Path, clips: int, pools: Sequence[Path]) -> None:
    """Print how well several numbers made of a text's cosines predict the truth: Brier score, log loss and F1."""
    sets: list[tuple[str, Array, list[tuple[NDArray[np.bool_], Array]]]] = []
    for seed in (0, 1):
        corpus = demo.corpus(folder / f"seed{seed}", clips=clips, seed=seed, progress=False)
        items = [(demo.truth_of(corpus, one.name).to_numpy(), one.query) for one in demo.CONCEPTS]
        texts = [(truth, corpus.text_embedding(text)) for truth, text in items if truth.sum() >= FEWEST]
        sets.append(("demo", np.asarray(corpus.embeddings, dtype=np.float32), texts))
    for path, quality in product(pools, TEXT_QUALITIES[:3]):
        pool = open_pool(path, quality)
        texts = [(pool.truth[name].to_numpy(dtype=bool), pool.texts[name]) for name in pool.concepts]
        sets.append((f"{path.name}, {quality} texts", np.asarray(pool.embeddings, dtype=np.float32), texts))
    rows = []
    for name, embeddings, texts in sets:
        statistics = CorpusStatistics.of(embeddings)
        for truth, vector in texts:
            unit = np.asarray(vector, dtype=np.float32) / np.linalg.norm(vector)
            cosines = embeddings @ unit - np.float32(statistics.center @ unit)
            nearness, deviations = cosines / statistics.text_scale(unit), cosines / cosines.std()
            curves = list(product((6, 8, 10), (0.5, 0.6, 0.7)))
            ways = {f"{slope} (t - {middle})": slope * (nearness - middle) for slope, middle in curves}
            ways |= {f"2.5 (z - {middle})": 2.5 * (deviations - middle) for middle in (1.25, 1.5, 1.75)}
            for way, logits in ways.items():
                p = np.clip(expit(logits), 1e-4, 1 - 1e-4)
                loss = -np.where(truth, np.log(p), np.log1p(-p)).mean()
                rows.append((way, name, np.square(p - truth).mean(), loss, f1_score(truth, logits > 0)))
    table = pd.DataFrame(rows, columns=["expit of", "set", "Brier", "log loss", "F1"])
    print(table.pivot_table(index="expit of", columns="set", sort=False).round(3).to_string())


# --- the time ------------------------------------------------------------------------------------


def speed(clips: int, number: int = 56, repeats: int = 15) -> None:
    """Print what queries over many models cost, the median of several runs, once their scores are in memory."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(clips, 8)).astype(np.float16)
    table = pd.DataFrame(
        {
            "clip_id": [f"clip{row:08d}" for row in range(clips)],
            "year": rng.integers(1950, 2026, clips),
            "genre": rng.choice(["noir", "drama", "western", "comedy"], clips),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        corpus = va.Corpus.from_embeddings(Path(folder) / "corpus", vectors, table)
        encoder = corpus.encoder_fingerprint
        coefs = rng.normal(size=(number, 8)).astype(np.float32)
        models = [
            va.Model(f"m{i}", 1, f"m{i}", "", encoder, 8, coef, 0.0, 0.6, {}, Path()) for i, coef in enumerate(coefs)
        ]
        queries = {
            "one name": "m0",
            "m0 > 0.7 and not m1": "m0 > 0.7 and not m1",
            "m0 > 0.7 and year > 1990 and genre == 'noir'": "m0 > 0.7 and year > 1990 and genre == 'noir'",
            f"{number} names joined by or": " or ".join(f"m{i}" for i in range(number)),
            f"{number} names joined by and": " and ".join(f"m{i} > 0.3" for i in range(number)),
            f"a weighted sum of {number}": " + ".join(f"0.{i + 1} * m{i}" for i in range(number)) + " > 8",
        }
        rows = []
        for name, text in queries.items():
            corpus.query(text, models=models)  # the scores are computed, the columns read
            taken = []
            for _ in range(repeats):
                started = time.perf_counter()
                hits = corpus.query(text, models=models)
                taken.append((time.perf_counter() - started) * 1000)
            rows.append((name, hits.attrs["count"], np.median(taken), min(taken)))
    frame = pd.DataFrame(rows, columns=["query", "clips", "median ms", "least ms"])
    print(f"{clips:,} clips, {number} models\n{frame.round(1).to_string(index=False)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, help="a folder for two demo corpora, which are made if they are not there")
    parser.add_argument("--clips", type=int, help="of each demo corpus (default: 400), or with --speed (1,000,000)")
    parser.add_argument("--labels", type=int, default=60, help="of each model (default: 60)")
    parser.add_argument("--text", type=Path, nargs="*", metavar="POOL", help="how text(…) is made, on these pools, too")
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    if options.demo is None and not options.speed:
        parser.error("give --demo FOLDER or --speed")
    if options.demo is not None and options.text is not None:
        text_table(options.demo, options.clips or 400, options.text)
    elif options.demo is not None:
        rule_tables(options.demo, options.clips or 400, options.labels)
    if options.speed:
        speed(options.clips or 1_000_000)


if __name__ == "__main__":
    main()
