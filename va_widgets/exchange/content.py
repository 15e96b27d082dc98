"""What an export is made of: labels, or the whole log, as tables with the places of their clips."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from va_widgets.base.arguments import described, listed
from va_widgets.base.errors import ExchangeError
from va_widgets.corpus.open_corpus import OpenCorpus
from va_widgets.exchange.log_table import CLIP_COLUMNS, LOG_COLUMNS, log_table
from va_widgets.labels.agreement import table as agreed_table
from va_widgets.labels.label_store import Event, LabelStore
from va_widgets.session.dividing import SHARES
from va_widgets.session.gold import GOLD

LABEL_COLUMNS = ("concept", "annotator", "clip_id", "value", *CLIP_COLUMNS, "time", "source", "note", "tags")


@dataclass(frozen=True)
class Content:
    """What is exported.

    Parameters
    ----------
    rows : DataFrame(LABEL_COLUMNS) or DataFrame(LOG_COLUMNS)
        Texts are str, `tags` lists of str, `details` JSON as text or None; times are in seconds, frames whole numbers;
        places of clips that the corpus does not have are missing. Oldest first.
    log : bool
        Whether the rows are the whole log.
    agreed : bool
        Whether there is one label a clip, which annotators agreed on, and no annotator's name.
    guidelines : {concept: text}
    history : DataFrame
        Every label event of the concepts, where the format asks for it; else empty.
    primary : {concept: set of str}
        The annotators whose labels count over those of the others, where there are any.
    voters : int
        How many annotators' labels became one label a clip; 0 if they did not.
    notes : list of str
        What is not among the rows, a sentence each.
    """

    rows: pd.DataFrame
    log: bool
    agreed: bool
    guidelines: dict[str, str]
    history: pd.DataFrame
    primary: dict[str, frozenset[str]] = field(default_factory=dict)
    voters: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def concepts(self) -> list[str]:
        """The concepts, by name."""
        return sorted(set(self.rows["concept"]))

    @property
    def annotators(self) -> list[str]:
        """The annotators, by name."""
        return sorted(set(self.rows["annotator"]) - {""})


def gathered(
    corpus: OpenCorpus,
    store: LabelStore,
    concepts: Sequence[str] | None,
    *,
    annotators: bool,
    log: bool,
    agreed: bool,
    history: bool,
) -> Content:
    """Return the labels of some concepts, or of all that have any, or their whole log.

    Without `annotators` their names are replaced, see `without_names`. Only with `history` the content has one. Raises
    ExchangeError for a concept that is not there, and where there are no labels at all.
    """
    names = _chosen(store, concepts)
    events = store.history("")
    if log or history:
        events = _stacked([store.history(name).assign(concept=name) for name in names], events)
        events = events.sort_values("event_id", kind="stable", ignore_index=True)
    notes: list[str] = []
    voters = {event.annotator for name in names for event in store.labels(name)} if agreed else set()
    if log:
        rows = log_table(store, names, events)
    elif agreed:
        rows = _stacked([_agreed(store, name) for name in names], _agreed(store, ""))
    else:
        rows = _stacked([_labels(store, name) for name in names], _labels(store, ""))
    if not len(rows):
        raise ExchangeError(f"There are no labels in {store.path}: label some clips first.")
    if not log:
        labelled = set(zip(rows["concept"], rows["clip_id"], strict=True))
        remarks = {(name, remark.clip_id): remark for name in names for remark in store.remarks(name)}
        others = sum(bool(kept.note or kept.tags) for place, kept in remarks.items() if place not in labelled)
        if others:
            notes.append(f"Notes on clips without a label: {others:,} left out, which the log has.")
    rows = _placed(corpus, rows)[list(LOG_COLUMNS if log else LABEL_COLUMNS)]
    guidelines = {name: text for name, text in store.guidelines().items() if name in names}
    primary = {name: store.counting_rule(name).primary for name in names}
    if any(
        primary[name] or store.get_state(*_kept(GOLD, name)) or store.get_state(*_kept(SHARES, name)) for name in names
    ):
        notes.append(
            "Primary annotators, known answers (gold clips) and shares of the work stay here:"
            " `va-widgets labels backup` copies them, too."
        )
    content = Content(rows, log, agreed, guidelines, events, primary, len(voters), notes)
    return content if annotators else without_names(content, store.concept_log.known_names()[0])


def without_names(content: Content, others: Sequence[str] = ()) -> Content:
    """Return the same with "annotator 1", "annotator 2", … for annotators, in the order of their rows.

    Their names, and those of `others`, are replaced in sources of labels and in what events of concepts say, too, where
    they stand as words of their own. Names of imported files and ids of messages are left out. Notes and guidelines
    stay as people wrote them.
    """
    order = dict.fromkeys([*content.history["annotator"], *content.rows["annotator"], *sorted(others)])
    order.pop("", None)
    pseudonyms = {name: f"annotator {number}" for number, name in enumerate(order, 1)}
    words = "|".join(re.escape(name) for name in sorted(pseudonyms, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)")

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {renamed(key): part if key == "text" else renamed(part) for key, part in value.items()}
        if isinstance(value, list):
            return [renamed(part) for part in value]
        if not isinstance(value, str) or not pseudonyms:
            return value
        if value.startswith("import: "):  # of a file that an annotator may have named after themselves
            return "import"
        return pattern.sub(lambda match: pseudonyms[match[0]], value)

    rows, history = content.rows.copy(), content.history.copy()
    for table in (rows, history):
        table["annotator"] = table["annotator"].map(lambda name: pseudonyms.get(name, name))
        table["source"] = table["source"].map({source: renamed(source) for source in table["source"].unique()})
        if "message_id" in table:
            table["message_id"] = None
    if content.log:
        rows["details"] = [
            None if text is None else json.dumps(renamed(json.loads(text)), ensure_ascii=False)
            for text in rows["details"]
        ]
    notes = list(content.notes)
    if content.guidelines or rows["note"].astype(bool).any():
        notes.append("Notes and guidelines are as people wrote them: look for names in them before you publish.")
    primary = {name: frozenset(map(pseudonyms.get, who, who)) for name, who in content.primary.items()}
    return replace(content, rows=rows, history=history, primary=primary, notes=notes)


def _kept(key: tuple[str, str], concept: str) -> tuple[str, str, str]:
    annotator, name = key
    return annotator, concept, name


def _stacked(tables: list[pd.DataFrame], empty: pd.DataFrame) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else empty


def _chosen(store: LabelStore, concepts: Sequence[str] | None) -> list[str]:
    """Return the concepts to export. Raises ExchangeError if one is not there, or there is none."""
    counted = store.concepts()["concept"].tolist()
    known = sorted({*counted, *store.opened_concepts(), *(event.concept for event in store.concept_events())})
    if concepts is None:
        if not known:
            raise ExchangeError(f"There are no labels in {store.path}: label some clips first.")
        return known
    for name in concepts:
        if name not in known:
            raise ExchangeError(f"There is no concept {described(name)} here: there are {listed(known) or 'none'}.")
    return list(dict.fromkeys(concepts))


def _labels(store: LabelStore, concept: str) -> pd.DataFrame:
    """Return each annotator's labels of a concept, oldest first, with their newest notes and tags."""
    events = store.labels(concept)
    remarks = {(remark.annotator, remark.clip_id): remark for remark in store.remarks(concept)}
    notes = [remarks.get((event.annotator, event.clip_id)) for event in events]
    table = pd.DataFrame(events, columns=list(Event._fields))
    table["concept"] = concept
    table["note"] = pd.Series([note.note if note else "" for note in notes], dtype=object)
    table["tags"] = pd.Series([list(note.tags) if note else [] for note in notes], dtype=object)
    return table


def _agreed(store: LabelStore, concept: str) -> pd.DataFrame:
    """Return what the annotators of a concept agreed on, by clip, with all their notes and tags."""
    table = agreed_table(store.labels(concept), store.counting_rule(concept)).reset_index()[
        ["clip_id", "value", "time", "source"]
    ]
    remarks = {(remark.annotator, remark.clip_id): remark for remark in store.remarks(concept)}
    notes: dict[str, list[str]] = {}
    tags: dict[str, dict[str, None]] = {}
    for (_, clip), remark in remarks.items():
        notes.setdefault(clip, []).extend([remark.note] if remark.note else [])
        tags.setdefault(clip, {}).update(dict.fromkeys(remark.tags))
    table["concept"], table["annotator"] = concept, ""
    table["note"] = pd.Series(["\n".join(notes.get(clip, ())) for clip in table["clip_id"]], dtype=object)
    table["tags"] = pd.Series([list(tags.get(clip, ())) for clip in table["clip_id"]], dtype=object)
    return table


def _placed(corpus: OpenCorpus, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the places of their clips."""
    clips = corpus.clips
    for name in CLIP_COLUMNS:
        if name in clips:
            rows[name] = clips[name].reindex(rows["clip_id"]).to_numpy()
        else:
            rows[name] = np.nan
    rows["video"] = rows["video"].astype(object).where(rows["video"].notna(), "")
    for name in ("frame_in", "frame_out"):
        rows[name] = rows[name].astype("Int64")
    return rows
