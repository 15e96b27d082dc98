"""Changes of a whole concept, and remarks on its clips: what a session does besides labelling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import numpy as np
import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described
from va_widgets.base.errors import ArgumentError, LabelError
from va_widgets.labels.agreement import table
from va_widgets.labels.clip_remarks import ClipRemarks
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.labels.concept_log import GuidelineVersion, shortened
from va_widgets.labels.concept_table import concept_table
from va_widgets.labels.label_store import LONGEST_SOURCE, LabelStore, Remark
from va_widgets.session.assigned import NOTHING, AssignedFeed, SessionStart
from va_widgets.session.concept_classifier import ConceptClassifier
from va_widgets.session.concept_results import ConceptResults
from va_widgets.session.corpus_view import CorpusView


class ConceptChanges(ConceptResults):
    """The concept as a whole: its guideline, its name, hints, merged, split and archived concepts, remarks on clips.

    Every change is an event in the label file, with the annotator and the time; nothing is removed from it. Those that
    cannot be saved now raise NotSavedError, those that are refused ArgumentError, and names that cannot be used
    LabelError.
    """

    def __init__(
        self, view: CorpusView, labels: ConceptLabels, classifier: ConceptClassifier, start: SessionStart = NOTHING
    ) -> None:
        super().__init__(view, labels, classifier, start)
        self._remarks = ClipRemarks(labels)
        self._known_hints: list[str] = []

    def for_concept(self, concept: str) -> Self:
        """Return the same annotator's session of another concept of the corpus."""
        raise NotImplementedError

    def _under(self, name: str) -> Self:
        """Return the session of this concept under the name that it has now."""
        raise NotImplementedError

    # --- the guideline -------------------------------------------------------------------------------

    @property
    def guideline(self) -> str:
        """The annotators' definition of the concept, shared by all of them; up to 10,000 characters."""
        return self._labels.guideline

    @guideline.setter
    def guideline(self, text: str) -> None:
        self._labels.guideline = text

    @property
    def guideline_history(self) -> pd.DataFrame:
        """The versions of the guideline: DataFrame(version, time, annotator, after, text), oldest first.

        A label was given under the newest version whose `after` is below the label's event_id; the column
        `guideline_version` of `history` says which.
        """
        versions = self._labels.store.concept_log.guidelines(self.concept)
        return pd.DataFrame(versions, columns=list(GuidelineVersion._fields))

    @property
    def guideline_version(self) -> int:
        """The number of the guideline's newest version, 0 without any; cheaper than the history."""
        return len(self._labels.store.concept_log.guidelines(self.concept))

    @property
    def history(self) -> pd.DataFrame:
        """Every label event of this concept, of all annotators, oldest first; nothing is ever removed from it.

        `guideline_version` is the version of the guideline that each was given under, 0 where there was none.
        """
        events = self._labels.store.history(self.concept)
        after = [version.after for version in self._labels.store.concept_log.guidelines(self.concept)]
        versions = np.searchsorted(np.array(after, dtype=np.int64), events["event_id"].to_numpy(dtype=np.int64))
        return events.assign(guideline_version=versions)

    @property
    def concept_history(self) -> pd.DataFrame:
        """What became of this concept: a row an event, oldest first.

        DataFrame(number, time, annotator, concept, kind, after, details, guideline, guideline_version): `kind` is
        "guideline", "rename", "merge", "merged", "split", "split from", "archive", "restore", "hints" or "no hints",
        `after` the newest label event of the corpus at that time.
        """
        return concept_table(self._labels.store, self.concept)

    # --- names, and other concepts -------------------------------------------------------------------

    @property
    def present_name(self) -> str:
        """What the concept is called now: another notebook may have renamed it since this session was opened.

        Labels that are given here are labels of the concept, whatever its name.
        """
        return self._labels.store.concept_log.present_name(self.concept)

    @property
    def concept_state(self) -> str:
        """A sentence if the concept was renamed since this session was opened, is archived, or there is another one of
        nearly its name; otherwise empty.
        """
        log = self._labels.store.concept_log
        name = log.present_name(self.concept)
        if name != self.concept:
            return f"This concept is called {described(name)} now: what you label here counts; open it by that name."
        if log.is_archived(name):
            return "This concept is archived: it can be labelled, and the menu of concepts restores it."
        if (alike := log.look_alike(name)) is not None:
            return f"There is also a concept {described(alike)}: if you mean that one, open it in the menu of concepts."
        return ""

    def name_now(self, concept: str) -> str:
        """Return what the concept is called now that has or had a name; that name where the labels' file is gone."""
        return self._labels.read(lambda store: store.concept_log.present_name(concept), concept)

    def rename(self, name: str) -> Self:
        """Give this concept another name, and return its session under that name, which ranks first clips by it.

        Labels, undo, remarks, guideline and refits stay; models that were published keep the name that they have.
        Sessions that are open under the former name go on with the same labels; to open it anew is refused with the
        present name. Raises ArgumentError if another concept has or had this name, or one that differs from it by no
        more than its case, spaces around it or the form of Unicode.
        """
        annotator = self._labels.annotator
        LabelStore.check_names(annotator, name)
        self._labels.change(lambda store: store.concept_log.rename(annotator, self.concept, name))
        return self if name == self.concept else self._under(name)

    def merge(self, other: str) -> pd.DataFrame:
        """Take the labels of another concept over into this one, and archive the other one.

        Each annotator gets their own labels, with the source "merge: <other>", as one action that their `undo` reverts;
        a clip that they have labelled here, too, keeps the label from here. Hints, remarks and the guideline stay with
        the other concept. Returns the conflicts: DataFrame(clip_id, annotator, here, other), `attrs["merged"]` of it is
        the number of labels taken over. Raises ArgumentError if the other concept has no labels, or is this one.
        """
        other = arguments.text(other, "The concept to merge", error=LabelError)
        merged = self._labels.merge(other)
        conflicts = pd.DataFrame(
            [(label.clip_id, label.annotator, label.here, label.of) for label in merged if label.conflict],
            columns=["clip_id", "annotator", "here", "other"],
        )
        conflicts.attrs["merged"] = sum(label.taken for label in merged)
        return conflicts

    def split(self, *names: str) -> list[Self]:
        """Begin new concepts whose first feed is "from <this concept>": its yes clips as hints, none of them labelled.

        This concept stays as it is. Returns the new sessions. Raises ArgumentError for a name that a concept has, as
        `rename` does.
        """
        for name in names:
            LabelStore.check_names(self._labels.annotator, name)
        if not names or len(set(names)) < len(names):
            raise ArgumentError("Split a concept into one new concept or more, with a name each: session.split(a, b).")
        self._labels.change(lambda store: store.concept_log.split(self._labels.annotator, self.concept, names))
        return [self.for_concept(name) for name in names]

    def hints(self, other: str, *, offered: bool = True) -> AssignedFeed:
        """Offer another concept's yes clips as hints for this one: a feed "from <other>" that stays until taken away.

        Nothing is labelled by it. `offered=False` takes it away. Returns the feed as it is now; clips that are
        labelled here leave it, and those that become a yes there come in.
        """
        other = arguments.text(other, "The other concept", error=LabelError)
        offered = arguments.flag(offered, "offered")
        known = self._labels.store.concept_log.present_name(other)
        if known == self.present_name or known not in set(self._labels.concepts([])["concept"]):
            raise ArgumentError(
                f"There is no other concept {described(other)} to take hints from: see session.concepts."
            )
        self._labels.change(
            lambda store: store.concept_log.offer_hints(self._labels.annotator, self.concept, known, offered)
        )
        feed = next((name for name, source in self._hint_sources.items() if source == known), f"from {known}")
        return self._hint_feed(shortened(feed, LONGEST_SOURCE), known)

    def archive_concept(self, concept: str | None = None) -> None:
        """Take a concept, by default this one, out of `concepts` and the annotator's menu; nothing else changes."""
        self._set_archived(concept, archived=True)

    def restore_concept(self, concept: str | None = None) -> None:
        """Bring a concept that was archived back into `concepts` and the annotator's menu."""
        self._set_archived(concept, archived=False)

    @property
    def archived_concepts(self) -> list[str]:
        """The concepts that are archived, by name."""
        return sorted(self._labels.archived())

    def _set_archived(self, concept: str | None, *, archived: bool) -> None:
        name = self.concept if concept is None else concept
        LabelStore.check_names(self._labels.annotator, name)
        name = self._labels.store.concept_log.present_name(name)
        if name not in set(self._labels.concepts([])["concept"]):
            raise ArgumentError(f"There is no concept {described(name)}: see session.concepts.")
        self._labels.change(lambda store: store.concept_log.archive(self._labels.annotator, name, archived))

    @property
    def _hint_sources(self) -> dict[str, str]:
        """The concepts that hints are taken from, by the names of their feeds."""
        sources: dict[str, str] = {}
        self._known_hints = self._labels.read(lambda store: store.concept_log.hints(self.concept), self._known_hints)
        for other in self._known_hints:
            name = shortened(f"from {other}", LONGEST_SOURCE)
            if name in sources:  # another long name that begins alike
                name = f"{name[: LONGEST_SOURCE - 4]} {len(sources) + 1}"
            sources[name] = other
        return sources

    def _hint_feed(self, name: str, other: str) -> AssignedFeed:
        labels = table(self._labels.store.labels(other))
        return AssignedFeed(name, tuple(labels.index[labels["value"] == "yes"]), f"yes for {shortened(other, 40)}")

    # --- remarks on clips ----------------------------------------------------------------------------

    def remark(self, clip_id: str, note: str = "", tags: Iterable[str] = ()) -> None:
        """Keep a quick note on a clip, and tags, such as why it is a no; they take the place of your former ones.

        A note has up to 1,000 characters, and a clip up to 10 tags of 40; both empty take the remark back. Labels are
        not changed, nor is this undone by `undo`. Raises UnknownClipError, and LabelError for what cannot be stored.
        """
        self._view.check_known([arguments.text(clip_id, "The clip", error=LabelError)])
        self._remarks.add(clip_id, note, tags)

    @property
    def remarks_by_clip(self) -> dict[str, list[Remark]]:
        """The same as `remarks` as records, by clip."""
        return self._remarks.by_clip()

    def remarks_for(self, clips: ClipIds, *, blind: bool = False) -> dict[str, list[Remark]]:
        """The remarks on some clips, by clip. `blind` leaves out others' ones where only others have labelled a clip.

        They may tell the answer of those whom this annotator is to read independently of.
        """
        clips = arguments.clip_ids(clips, "clips")
        remarks = self._remarks.by_clip()
        hidden = self._labels.others_alone(clips) if blind else set()
        mine = self._labels.annotator
        shown = {
            clip: [one for one in remarks.get(clip, []) if clip not in hidden or one.annotator == mine]
            for clip in clips
        }
        return {clip: some for clip, some in shown.items() if some}

    @property
    def remark_tags(self) -> list[str]:
        """All annotators' tags on clips of this concept, by name."""
        return sorted({tag for some in self._remarks.by_clip().values() for one in some for tag in one.tags})

    @property
    def remarks(self) -> pd.DataFrame:
        """All annotators' remarks on clips: DataFrame(clip_id, annotator, note, tags, time), oldest first."""
        return self._remarks.table()

    @property
    def tags(self) -> list[str]:
        """This annotator's tags, the most used first, whatever concept they were given for."""
        return self._remarks.tags()
