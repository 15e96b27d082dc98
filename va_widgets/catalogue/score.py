"""`va.score`: published models score whole corpora, into a folder of Parquet files; only what is new is scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import ArgumentError, ModelError, ScoresError
from va_widgets.base.names import escaped, folder_name
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.base.progress import Progress
from va_widgets.base.ray_engine import LOCAL, Engine, RayEngine, as_engine
from va_widgets.catalogue.local_score import BLOCK, score_blocks
from va_widgets.catalogue.score_files import CLIP_ID, PARTITION, ScoresFolder
from va_widgets.catalogue.score_plan import ScorePlan
from va_widgets.catalogue.scores import Models, models_and_damaged
from va_widgets.catalogue.scoring import Weights
from va_widgets.corpus import Corpus
from va_widgets.models.model import Model

Corpora: TypeAlias = Corpus | Sequence[Corpus] | Mapping[str, Corpus]
"""One corpus, several, or several by the names that their scores are to have."""

ScoreBlocks: TypeAlias = Callable[..., Iterator[NDArray[np.float32]]]
"""A function like `local_score.score_blocks`."""


def score(
    corpora: Corpora, models: Models | None, out: GivenPath, *, engine: Engine = LOCAL, progress: bool = True
) -> pd.DataFrame:
    """Score every clip of some corpora by all models, and write the scores to the folder `out` as Parquet.

    There is a file for each corpus, `corpus=NAME/scores.parquet`: a row a clip, with `clip_id` and P(yes) of each model
    in a float32 column called as in queries; pandas, DuckDB and Arrow read the whole folder as one table. A file is
    replaced as a whole once it is complete. So the call may be interrupted or killed, and goes on when it is repeated.

    A second call scores new clips, and models that are new or have another version. With models that smooth scores by
    the nearest clips, it also scores clips again that have new ones among these. Scores of models that are not given,
    and those of other corpora, stay.

    Parameters
    ----------
    corpora : Corpus, list of these, or {name: Corpus}
        The name of a corpus's scores is by default that of its folder.
    models : Model, name, folder or list of these; None
        None are all that are served from the corpora; of one that was published again in another corpus, from a session
        that goes on from it, it is that later version. Those that are damaged are left out, and told in `attrs`.
    engine : "local", "ray" or RayEngine
        Ray reads the corpora's matrices and multiplies in processes of this machine, or of a cluster whose machines see
        the corpora at the same paths; this process writes the files. The scores are the same: to the bit on machines of
        one kind, otherwise within 1e-5.
    progress : bool
        Show a bar with the remaining time.

    Returns
    -------
    DataFrame(clips, models, scored, seconds, file), indexed by the corpus's name. `scored` counts the scores that were
    computed: clips times models in a first call. Its `attrs["damaged"]` says of each model that was left out why.

    Raises
    ------
    ModelError
        If there is no such model, or it needs a view that a corpus lacks.
    EncoderMismatchError
        If a corpus was embedded by another encoder.
    ScoresError
        If `out` holds something else, or cannot be written to, or two corpora have the same name.
    EngineError
        If Ray cannot be started, its cluster does not answer, or its workers die time and again.
    MissingPackageError
        If Ray is asked for, but not installed.
    """
    spread = as_engine(engine)
    named = _named(corpora)
    chosen, left_out = models_and_damaged(models, *named.values())
    chosen = dict(sorted(chosen.items()))
    _check_models(named, chosen, left_out)
    path, progress = absolute_path(out, ScoresError, "The folder of scores"), arguments.flag(progress, "progress")
    folder = ScoresFolder(path)
    sizes = {name: _bytes(corpus) for name, corpus in named.items()}
    report = []
    with (
        folder.opened(),
        Progress(len(named), sum(sizes.values()), progress, title="scoring", unit="corpora") as bar,
        _scoring(spread) as blocks_of,
    ):
        for problem in left_out.values():
            bar.note(problem)
        for name, corpus in named.items():
            started, passed = time.perf_counter(), 0

            def advance(clips: int, size: int = sizes[name] // len(corpus)) -> None:
                nonlocal passed
                passed += clips * size
                bar.advance(clips * size, clips=clips)

            plan = ScorePlan.of(name, corpus, chosen, folder.read(name))
            if plan.is_needed:
                compute = _Pass(blocks_of, corpus, folder.path, advance)
                folder.write(name, plan.columns, plan.facts, _blocks(plan, compute))
            bar.file_done(name, "done", unread=max(0, sizes[name] - passed))
            report.append([len(corpus), len(chosen), plan.scored, time.perf_counter() - started, folder.file(name)])
    columns = ["clips", "models", "scored", "seconds", "file"]
    table = pd.DataFrame(report, index=pd.Index(named, name="corpus", dtype=object), columns=columns)
    table.attrs["damaged"] = left_out
    return table


def _scoring(engine: RayEngine | None) -> AbstractContextManager[ScoreBlocks]:
    """Return what scores the blocks of corpora, by Ray if there is an engine."""
    if engine is None:
        return nullcontext(score_blocks)
    from va_widgets.catalogue.ray_score import scoring

    return scoring(engine)


def _check_models(named: Mapping[str, Corpus], chosen: Mapping[str, Model], damaged: Mapping[str, str]) -> None:
    """Raise ModelError or EncoderMismatchError unless there are models that fit each other and the corpora."""
    if not chosen and damaged:
        raise ModelError(next(iter(damaged.values())))
    if not chosen:
        raise ModelError("There is no model to score by: publish one by session.publish, or give one.")
    for slug in (CLIP_ID, PARTITION):
        if slug in chosen:
            raise ModelError(f"A table of scores has a column {slug!r} of its own: publish that model by another name.")
    encoders = {model.encoder: model.name for model in chosen.values()}
    if len(encoders) > 1:
        (first, one), (second, other) = list(encoders.items())[:2]
        raise ModelError(
            f"The models {one!r} and {other!r} were trained on embeddings of two encoders, {first} and {second}: score"
            " the corpora of each encoder in a call of their own."
        )
    for corpus in named.values():
        for model in chosen.values():
            model.check_corpus(corpus)


def _named(corpora: Corpora) -> dict[str, Corpus]:
    """Return corpora by the names of their scores. Raises ArgumentError or ScoresError."""
    expected = "a va.Corpus, a list of these, or {name: corpus}"
    if isinstance(corpora, Corpus):
        pairs = [(corpora.path.name, corpora)]
    elif isinstance(corpora, Mapping):
        pairs = [(arguments.text(name, "The name of a corpus"), corpus) for name, corpus in corpora.items()]
    else:
        items = arguments.items(corpora, "The corpora to score", expected)
        pairs = [(getattr(getattr(item, "path", None), "name", ""), item) for item in items]
    if not pairs:
        raise ArgumentError("There is no corpus to score: give one or more, as va.Corpus.open returns them.")
    named: dict[str, Corpus] = {}
    for text, item in pairs:
        corpus = arguments.instance(item, Corpus, "A corpus to score", expected)
        name = folder_name(escaped(text), "corpus")
        if name in named:
            raise ScoresError(
                f"Two of the corpora are called {described(name)}: name them, as in"
                " va.score({'first': corpus_a, 'second': corpus_b}, …)."
            )
        named[name] = corpus
    return named


def _bytes(corpus: Corpus) -> int:
    return corpus.embeddings.nbytes


@dataclass(frozen=True)
class _Pass:
    """Computes scores of a corpus by an engine."""

    score_blocks: ScoreBlocks
    corpus: Corpus
    scratch: Path
    advance: Callable[[int], None]

    def __call__(
        self, models: Mapping[str, Model], rows: NDArray[np.int64] | None = None
    ) -> Iterator[NDArray[np.float32]]:
        weights = Weights.of(list(models.values()))
        return self.score_blocks(self.corpus, weights, rows, scratch=self.scratch, advance=self.advance)


def _blocks(plan: ScorePlan, compute: _Pass) -> Iterator[tuple[pd.Index, dict[str, NDArray[np.float32]]]]:
    """Yield clip ids with their scores, block by block."""
    kept = plan.former(compute.scratch)
    if plan.grown and len(plan.rows):
        done = 0
        for block in compute(plan.grown, plan.rows):
            rows = plan.rows[done : done + block.shape[1]]
            for slug, scores in zip(plan.grown, block, strict=True):
                kept[slug][rows] = scores
            done += len(rows)
    whole = compute(plan.whole) if plan.whole else None
    first = 0
    while first < len(plan.clips):
        block = np.empty((0, min(BLOCK, len(plan.clips) - first)), np.float32) if whole is None else next(whole)
        part = slice(first, first + block.shape[1])
        columns = {slug: scores[part] for slug, scores in kept.items()} | dict(zip(plan.whole, block, strict=True))
        yield plan.clips[part], columns
        first = part.stop
