"""Import: every row of a file is checked and matched, and then all of it is stored, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import ExchangeError, LabelError
from va_widgets.base.paths import GivenPath, exists, inside
from va_widgets.base.texts import counted, has_lone_surrogate
from va_widgets.corpus.open_corpus import OpenCorpus
from va_widgets.exchange.checking import checked, name_checker
from va_widgets.exchange.foreign import MOST_PROBLEMS, Foreign, Problems
from va_widgets.exchange.matching import Matches, matched
from va_widgets.exchange.opened import opened
from va_widgets.exchange.registry import FORMATS, read
from va_widgets.exchange.results import Imported
from va_widgets.exchange.segments import Times
from va_widgets.exchange.storing import (
    RENAME,
    Entry,
    Grouped,
    Pairs,
    Plan,
    Present,
    details_of,
    grouped_labels,
    new_remarks,
    planned_labels,
    planned_log,
    without_known,
    wrong_details,
)
from va_widgets.labels.label_store import LABELS_FILE, LONGEST_SOURCE, NewAction, NewConceptEvent, NewRemark
from va_widgets.labels.shared import StoreUser
from va_widgets.labels.spelling import Spellings

Unmatched: TypeAlias = Literal["refuse", "skip", "keep"]


def import_(
    corpus: OpenCorpus | GivenPath,
    path: GivenPath | pd.DataFrame,
    format: str | None = None,
    *,
    concept: str | None = None,
    annotator: str | None = None,
    values: Mapping[str, str | bool] | None = None,
    times: Times = "seconds",
    unmatched: Unmatched = "refuse",
    dry_run: bool = False,
) -> Imported:
    """Store the labels of a file, or of a DataFrame, as labels of a corpus: all of them, or nothing.

    Parameters
    ----------
    corpus : Corpus, or the path of one
    path : path of a file or folder, or a DataFrame
    format : str
        One of `va_widgets.exchange.registry.FORMATS`; without it the suffix, and what is in the file, decide.
    concept, annotator : str
        Those of rows that name none.
    values : {text: "yes" | "no" | "unsure" | "none"}
        What other values mean, such as {"maybe": "unsure"}.
    times : "seconds", "milliseconds" or "frames"
        What numbers in columns of times are; frames have the rate of the corpus's video. ELAN, WebVTT and FiftyOne
        say it themselves.
    unmatched : "refuse", "skip" or "keep"
        What becomes of rows that match no clip: nothing at all is imported, they are left out, or those with a clip's
        id are stored for a corpus that will have that clip.
    dry_run : bool
        Only say what would be stored.

    Rows are matched as `va_widgets.exchange.matching.matched` says: by the id of a clip, or by their video and time.
    Rows with a time keep it as their labels' time, and never take the place of a newer label of that annotator; an
    import of a file that was imported before stores nothing. The source of the labels is "import: NAME" unless a row
    matched by id has one. Undo takes back an annotator's import into a concept at once.

    Raises ExchangeError, and then stores nothing, for a file that cannot be read and for any bad row: its `problems`
    lists them.
    """
    for value, options, what in (
        (times, get_args(Times), "times"),
        (unmatched, get_args(Unmatched), "unmatched"),
    ):
        if not is_one_of(value, options):
            raise ExchangeError(f"{what} must be {', '.join(map(repr, options))}, not {described(value)}.")
    for what, name in (("concept", concept), ("annotator", annotator)):
        if name is not None and (why := name_checker(what)(name)):
            raise ExchangeError(f"{why[:1].upper()}{why[1:]}.")
    meanings = _meanings(values)
    corpus = opened(corpus)
    foreign, name = read(path, format)
    if times != "seconds" and name in FORMATS and FORMATS[name].unit:
        raise ExchangeError(f"Files of {name} say themselves in what their times are: leave times= away.")
    _leave_out_ties(foreign, meanings)
    problems = Problems(foreign)
    rows = checked(foreign, problems, concept=concept, annotator=annotator, values=meanings)
    _spell_as_known(corpus, rows)
    if foreign.log:
        _check_concept_events(rows, problems)
    of_clip = rows["record"].ne("concept").to_numpy(dtype=np.bool_)
    matches = matched(corpus, rows, problems, of_clip & ~problems.refused, times)
    pairs, how, left = _paired(corpus, rows, matches, of_clip, problems, unmatched, foreign)
    source = f"import: {foreign.name}"[:LONGEST_SOURCE]
    own = rows["source"].notna() & pd.Series(how == "id", rows.index)
    rows["source"] = rows["source"].where(own, source)
    usable = ~problems.refused[pairs.row]
    pairs = Pairs(pairs.row[usable], pairs.clip[usable])
    grouped = Grouped() if foreign.log else grouped_labels(rows, pairs, foreign, problems)
    problems.check()
    if foreign.log and (renames := int((rows["record"].eq("concept") & rows["kind"].eq(RENAME)).sum())) > 0:
        foreign.notes.append(
            f"{counted(renames, 'new name')} of concepts left out: their labels have the names of the file."
        )
    plan = Plan()

    def planned() -> list[Entry]:
        nonlocal plan
        present = Present(user.store)
        if foreign.log:
            plan = planned_log(rows, pairs, present)
        else:
            plan = planned_labels(rows, grouped, present)
            plan.entries.extend(new_remarks(rows, pairs))
        plan.entries = without_known(user.store, plan.entries)
        return plan.entries

    file = inside(corpus.path, LABELS_FILE, error=LabelError)
    with ExitStack() as held:
        if dry_run and not exists(file):  # opening would make it
            file = Path(held.enter_context(TemporaryDirectory(prefix="va-labels-"))) / LABELS_FILE
        user = StoreUser(file)
        held.callback(user.close)
        if dry_run:
            planned()
        stored = plan.labels if dry_run else user.store.append_planned(planned)
    entries = [entry for entry in plan.entries if not isinstance(entry, NewAction) or entry.labels]
    ways, numbers = np.unique(how[of_clip & (how != "")].astype(str), return_counts=True)
    return Imported(
        name=foreign.name,
        format=name,
        rows=len(rows),
        labels=stored,
        remarks=sum(isinstance(entry, NewRemark) for entry in entries),
        events=sum(isinstance(entry, NewConceptEvent) for entry in entries),
        same=plan.same,
        older=plan.older + plan.labels - stored,
        duplicates=grouped.duplicates,
        matched=dict(zip(ways.tolist(), numbers.tolist(), strict=True)),
        several=int((np.bincount(pairs.row, minlength=1) > 1).sum()),
        left=left[0],
        left_count=left[1],
        concepts=sorted({entry.concept for entry in entries}),
        annotators=sorted({entry.annotator for entry in entries}),
        notes=foreign.notes,
        dry_run=dry_run,
    )


def _spell_as_known(corpus: OpenCorpus, rows: pd.DataFrame) -> None:
    """Spell names of concepts and annotators as the label file, or an earlier row, does, where they look the same."""
    file = inside(corpus.path, LABELS_FILE, error=LabelError)
    known: dict[str, list[str]] = {"annotator": [], "concept": []}
    if exists(file):  # opening would make it
        user = StoreUser(file)
        try:
            known["annotator"], known["concept"] = user.store.concept_log.known_names()
        finally:
            user.close()
    for column, names in known.items():
        spellings = Spellings(names)
        spelled = [spellings.of(name) if isinstance(name, str) else name for name in rows[column]]
        rows[column] = pd.Series(spelled, rows.index, dtype=object)


def _leave_out_ties(foreign: Foreign, meanings: Mapping[str, str]) -> None:
    """Leave out rows that say that annotators did not agree, as exports with `agreed` do."""
    if "value" not in foreign.rows or "tie" in meanings:
        return
    ties = foreign.rows["value"].eq("tie").to_numpy(dtype=np.bool_)
    if ties.any():
        foreign.without(ties)
        foreign.notes.append(f"{counted(int(ties.sum()), 'tie')} between annotators left out.")


def _paired(
    corpus: OpenCorpus,
    rows: pd.DataFrame,
    matches: Matches,
    of_clip: NDArray[np.bool_],
    problems: Problems,
    unmatched: Unmatched,
    foreign: Foreign,
) -> tuple[Pairs, NDArray[np.object_], tuple[pd.DataFrame, int]]:
    """Return rows with the ids of their clips, how rows were matched, and which match none (a table, and a count)."""
    ids = corpus.clips.index.to_numpy(dtype=object)[matches.clip]
    how, row = matches.how, matches.row
    lost = of_clip & (how == "") & ~problems.refused
    if unmatched == "keep" and "clip_id" in rows:
        named = lost & rows["clip_id"].map(lambda clip: isinstance(clip, str) and bool(clip)).to_numpy(dtype=np.bool_)
        kept = np.flatnonzero(named)
        ids = np.concatenate([ids, rows["clip_id"].to_numpy(dtype=object)[kept]])
        row = np.concatenate([row, kept])
        order = np.argsort(row, kind="stable")
        ids, row = ids[order], row[order]
        how[named] = "kept"
        lost &= ~named
    number = int(lost.sum())
    if number and unmatched == "refuse":
        if number == int(of_clip.sum()):
            raise ExchangeError(
                f"Nothing was imported, because no row of {foreign.name} matches a clip of this corpus, the first one"
                f" because {_why(rows, int(np.argmax(lost)))}: are they labels of another corpus?"
            )
        problems.add(lost, lambda row: f"{_why(rows, row)}; unmatched='skip' leaves such rows out")
    first = np.flatnonzero(lost)[:MOST_PROBLEMS].tolist()
    table = pd.DataFrame([(foreign.where(n), _why(rows, n)) for n in first], columns=["where", "reason"])
    return Pairs(row, ids), how, (table, number)


def _why(rows: pd.DataFrame, row: int) -> str:
    """Return why a row matches no clip."""
    video = rows["video"].iloc[row] if "video" in rows else None
    clip = rows["clip_id"].iloc[row] if "clip_id" in rows else None
    if video is not None and video == video and video != "":
        return f"the corpus has no clip of the video {described(video)} there"
    if clip is not None and clip == clip and clip != "":
        return f"the corpus has no clip {described(clip)}"
    return "it names neither a clip nor a video"


def _check_concept_events(rows: pd.DataFrame, problems: Problems) -> None:
    """Refuse events of concepts without a kind or with details that are no JSON object."""
    of_concept = rows["record"].eq("concept").to_numpy(dtype=np.bool_)
    if "details" not in rows:
        rows["details"] = None
    if "kind" not in rows:
        rows["kind"] = None
    details = [
        details_of(value) if concept else None for value, concept in zip(rows["details"], of_concept, strict=True)
    ]
    rows["details"] = pd.Series(details, index=rows.index, dtype=object)
    bad = of_concept & rows["details"].isna().to_numpy(dtype=np.bool_)
    problems.add(bad, "its details are no JSON object")
    whole = [wrong_details(kind, value or {}) for kind, value in zip(rows["kind"], details, strict=True)]
    problems.add(of_concept & np.array([why != "" for why in whole], dtype=np.bool_), lambda row: whole[row])
    half = [
        has_lone_surrogate(value) or has_lone_surrogate(kind) for value, kind in zip(details, rows["kind"], strict=True)
    ]
    problems.add(of_concept & np.array(half, dtype=np.bool_), "its kind or its details hold half of a character")
    nameless = of_concept & ~rows["kind"].map(lambda kind: isinstance(kind, str) and bool(kind)).to_numpy(
        dtype=np.bool_
    )
    problems.add(nameless, "it names no kind of event")


def _meanings(values: Mapping[str, str | bool] | None) -> dict[str, str]:
    """Return what values mean, as stored. Raises ExchangeError for a meaning that is no label."""
    if values is not None and not isinstance(values, Mapping):
        raise ExchangeError(f"values must be a dict such as {{'maybe': 'unsure'}}, not {described(values)}.")
    meanings = {}
    for text, meaning in (values or {}).items():
        stored = {True: "yes", False: "no"}.get(meaning, meaning) if isinstance(meaning, bool) else meaning
        if not is_one_of(stored, ("yes", "no", "unsure", "none")):
            raise ExchangeError(f"values must give yes, no, unsure or none, not {described(meaning)}.")
        meanings[str(text)] = str(stored)
    return meanings
