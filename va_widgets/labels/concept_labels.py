"""The labels of one concept, kept up to date with the label file that other processes write to, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.errors import LabelError
from va_widgets.base.listeners import Listeners
from va_widgets.labels.concept_log import MergedLabel
from va_widgets.labels.followed_labels import FollowedLabels
from va_widgets.labels.label_status import LabelSnapshot, LabelStatus, snapshot_of
from va_widgets.labels.label_store import LONGEST_SOURCE, StoredValue
from va_widgets.labels.majority import Answers, CountingRule
from va_widgets.labels.refit_history import HISTORY_PATIENCE, RefitHistory
from va_widgets.labels.shared import StoreUser

_KEPT_QUERIES = 20
_log = logging.getLogger(__name__)


class ConceptLabels(FollowedLabels):
    """The labels of one concept, to which one annotator adds.

    Methods that return labels first take those into account that other processes have stored, unless they say
    otherwise. All methods may be called from several threads, and in a child of `os.fork`.

    Parameters
    ----------
    user : StoreUser
        Closed by `close`.
    concept, annotator : str
        Names that `LabelStore.check_names` accepts.
    listeners : Listeners
        Called with "labels" when labels were stored, and with "status" when the guideline was. What other processes
        store is noticed by `watched`, which must be called now and then. The data of "labels" are `labels`, this
        annotator's stored values by clip, and `others`, the clips that others have labelled.

    Attributes
    ----------
    lock : ForkLock
        Held shortly around what changes in memory. It may be taken while any other lock of a session is held, and its
        holder takes no other lock than those of the label store and of a function given to `when_recounted`.
    history : RefitHistory

    Raises
    ------
    LabelError
        If the labels cannot be read.
    """

    def __init__(self, user: StoreUser, concept: str, annotator: str, listeners: Listeners) -> None:
        super().__init__(user, concept, annotator, listeners)
        self._documents: dict[tuple[str, str], Any] = {}  # what `kept` read last
        kept = self.state(annotator, "queries", [])
        self._queries = [query for query in kept if isinstance(query, str)] if isinstance(kept, list) else []

    # --- what counts -----------------------------------------------------------------------------

    @property
    def event(self) -> int:
        """The number of the newest label event known so far. Reads nothing."""
        return self._agreement.event

    def snapshot(self, source: str) -> LabelSnapshot:
        """Return the labels that count now, and which of them came from `source`, such as a feed."""
        with self.lock:
            self._take_new()
            return snapshot_of(self._agreement, source)

    def training_set(self) -> tuple[list[str], NDArray[np.bool_]]:
        """Return the clips that count as yes or no, by clip id, and whether each is yes, bool (n,).

        Reads no new events.
        """
        with self.lock:
            return self._agreement.training_set()

    def labelled(self) -> list[str]:
        """Return the clips that anybody has labelled."""
        with self.lock:
            self._take_new()
            return list(self._agreement.values)

    def own(self) -> dict[str, StoredValue]:
        """Return this annotator's own labels by clip."""
        with self.lock:
            self._take_new()
            return self._agreement.own(self.annotator)

    @property
    def rule(self) -> CountingRule:
        """By which rule the labels count."""
        with self.lock:
            self._take_new()
            return self._agreement.rule

    def answers(self, clips: Iterable[str]) -> dict[str, Answers]:
        """Return what annotators say of some clips."""
        with self.lock:
            self._take_new()
            return {clip: self._agreement.answers(clip) for clip in clips}

    def has_others(self) -> bool:
        """Whether anybody else than this annotator has labels."""
        with self.lock:
            self._take_new()
            return self._agreement.has_others(self.annotator)

    def unread(self, annotator: str) -> list[str]:
        """Return the clips that others have labelled and an annotator has not, but those that were decided on."""
        with self.lock:
            self._take_new()
            return self._agreement.unread(annotator)

    def others_alone(self, clips: Iterable[str]) -> set[str]:
        """Return those of some clips that others have labelled, and this annotator has not."""
        with self.lock:
            self._take_new()
            return self._agreement.others_alone(self.annotator, clips)

    def keep(self, key: tuple[str, str], document: object) -> None:
        """Keep a document for this concept under an annotator and a key. Raises NotSavedError if that fails."""
        with self._reporting():
            with self._saving():
                self.store.set_state(key[0], self.concept, key[1], document)
            self._listeners.notify("status", {})

    def kept(self, key: tuple[str, str]) -> Any:
        """Return the document that `keep` has kept, None without one; the one read last, where the file is gone."""
        annotator, name = key
        former = self._documents.get(key)
        self._documents[key] = self.read(lambda store: store.get_state(annotator, self.concept, name), former)
        return self._documents[key]

    def set_primary(self, annotators: Sequence[str]) -> None:
        """Let the labels of some annotators count over those of the others; of all alike if there are none."""
        with self._reporting():
            with self._saving():
                self.store.set_primary(self.concept, annotators)
            self._stored({})

    def annotators(self) -> pd.DataFrame:
        """Return every annotator with labels: DataFrame(annotator, yes, no, unsure), by name."""
        with self.lock:
            self._take_new()
            counts = self._agreement.annotators()
        rows = [{"annotator": annotator, **numbers} for annotator, numbers in counts.items()]
        return pd.DataFrame(rows, columns=["annotator", "yes", "no", "unsure"])

    def concepts(self, opened: Iterable[str]) -> pd.DataFrame:
        """Return every concept that is in the file, or open, as `Session.concepts` does.

        `opened` are the concepts of open sessions.
        """
        labelled = self.store.concepts()
        guidelines = self.store.guidelines()
        open_now = {self.store.concept_log.present_name(concept) for concept in (self.concept, *opened)}
        without = {*open_now, *self.store.opened_concepts(), *self.archived()}.difference(labelled["concept"])
        rows = [*labelled.itertuples(index=False, name=None), *((concept, 0, 0, 0, 0) for concept in without)]
        table = pd.DataFrame(rows, columns=labelled.columns).sort_values("concept", ignore_index=True)
        return table.assign(guideline=[guidelines.get(concept, "") for concept in table["concept"]])

    def refits(self) -> RefitHistory:
        """Return the history of refits with those that other processes have stored."""
        with self.lock:
            self._take_new()
            history = self.history
        self.read(lambda _: history.take_new(), None)
        return history

    def archived(self) -> set[str]:
        """Return the concepts of the file that are archived."""
        return self.store.concept_log.archived()

    def forget(self, concept: str) -> None:
        """Remove what the file keeps for another concept. Raises LabelError if it has labels or a guideline."""
        self.check_file()
        with self.lock:
            self._follow_file()
        self.store.forget(concept)

    def status(self, known: Callable[[], int]) -> LabelStatus:
        """Counts, pending events and steps, at one moment. `known` returns the newest event that is not pending."""
        with self.lock:
            self._take_new()
            # Where the label file is gone nothing can be undone.
            steps = (False, False) if self._user.gone else self.store.steps(self.annotator, self.concept)
            agreement = self._agreement
            return LabelStatus(agreement.counts, agreement.since(known()), *steps, agreement.sources)

    # --- changes ---------------------------------------------------------------------------------

    def append(
        self, labels: Mapping[str, StoredValue], source: str, version: int, message_id: str | None
    ) -> dict[str, StoredValue]:
        """Store labels as one action, which are on disk when this returns. Arguments as in `LabelStore.append`.

        Raises LabelError for a source or a message id that cannot be stored.
        """
        source = arguments.text(source, "source", error=LabelError)
        if len(source) > LONGEST_SOURCE:
            raise LabelError(f"The source of a label may have {LONGEST_SOURCE} characters, not {len(source)}.")
        message_id = _message_id(message_id)
        with self._reporting():
            with self._saving():
                stored = self.store.append(
                    self.annotator, self.concept, labels, source=source, model_version=version, message_id=message_id
                )
            return self._stored(stored)

    def undo(self, message_id: str | None) -> dict[str, StoredValue]:
        """Revert this annotator's newest action. Returns the clips' values now, {} if there is nothing to undo."""
        message_id = _message_id(message_id)
        with self._reporting():
            with self._saving():
                changed = self.store.undo(self.annotator, self.concept, message_id=message_id)
            return self._stored(changed, notify=bool(changed))

    def redo(self, message_id: str | None) -> dict[str, StoredValue]:
        """Do again what `undo` reverted last. Returns the clips' values now, {} if there is nothing to redo."""
        message_id = _message_id(message_id)
        with self._reporting():
            with self._saving():
                changed = self.store.redo(self.annotator, self.concept, message_id=message_id)
            return self._stored(changed, notify=bool(changed))

    def merge(self, other: str) -> list[MergedLabel]:
        """Store the present labels of another concept for this one, too, as `ConceptLog.merge` does."""
        with self._reporting():
            with self._saving():
                merged = self.store.concept_log.merge(self.annotator, self.concept, other)
            own = {label.clip_id: label.of for label in merged if label.taken and label.annotator == self.annotator}
            self._stored(own)
            return merged

    @property
    def queries(self) -> list[str]:
        """This annotator's searches for this concept, newest first."""
        return list(self._queries)

    def add_query(self, text: str) -> None:
        """Keep a search; where it cannot be stored it is kept in memory."""
        with self.lock:
            self._queries = [text, *(query for query in self._queries if query != text)][:_KEPT_QUERIES]
        try:
            if not self.store.read_only:
                key = (self.annotator, self.concept, "queries")
                self.store.set_state(*key, self._queries, patience=HISTORY_PATIENCE)
        except LabelError as error:
            _log.warning("The search was answered, but could not be stored: %s", error)


def _message_id(value: str | None) -> str | None:
    """Return a message id, which can be stored. Raises LabelError for any other value."""
    return None if value is None else arguments.text(value, "message_id", error=LabelError)
