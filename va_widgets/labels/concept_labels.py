"""The labels of one concept, kept up to date with the label file that other processes write to, too."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.errors import LabelError, NotSavedError
from va_widgets.base.forks import ForkLock
from va_widgets.base.listeners import Listeners
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.labels.agreement import Agreement
from va_widgets.labels.label_store import GUIDELINE, LONGEST_SOURCE, LabelStore, StoredValue
from va_widgets.labels.refit_history import HISTORY_PATIENCE, RefitHistory
from va_widgets.labels.shared import StoreUser

_KEPT_QUERIES = 20
_log = logging.getLogger(__name__)


class LabelStatus(NamedTuple):
    """Numbers of a concept's labels, and what can be undone, at one moment.

    `counts` is how many clips count as yes, no and unsure; `pending` how many label events are newer than the newest
    classifier; the next two whether there is an action to undo, and one to redo; `sources` how many of the labelled
    clips were labelled from each source, such as a feed.
    """

    counts: dict[str, int]
    pending: int
    can_undo: bool
    can_redo: bool
    sources: dict[str, int]


class LabelSnapshot(NamedTuple):
    """The labels that count at one moment.

    `event` is the number of the newest label event; `clips` those that count as yes or no, by clip id, `y` whether each
    is yes, bool (n,); `from_source` whether each was ever labelled from the source in question, bool (n,); `counts` as
    in `LabelStatus`.
    """

    event: int
    clips: list[str]
    y: NDArray[np.bool_]
    from_source: NDArray[np.bool_]
    counts: dict[str, int]


class ConceptLabels:
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
        Called with "labels" when labels were stored, and with "status" when the guideline was.

    Attributes
    ----------
    lock : ForkLock
        Held shortly around what changes in memory. It may be taken while any other lock of a session is held, and its
        holder takes no other lock than those of the label store and of a function given to `when_replaced`.
    history : RefitHistory

    Raises
    ------
    LabelError
        If the labels cannot be read.
    """

    def __init__(self, user: StoreUser, concept: str, annotator: str, listeners: Listeners) -> None:
        self.concept = concept
        self.annotator = annotator
        self.lock = ForkLock(waits=True, first=True)
        self._user = user
        self._listeners = listeners
        self._on_replaced: weakref.WeakMethod[Callable[[], None]] | None = None
        self._unsaved = ""  # why the newest change could not be saved
        kept = self.state(annotator, "queries", [])
        self._queries = [query for query in kept if isinstance(query, str)] if isinstance(kept, list) else []
        self._read()

    # --- what counts -----------------------------------------------------------------------------

    @property
    def event(self) -> int:
        """The number of the newest label event known so far. Reads nothing."""
        return self._agreement.event

    def snapshot(self, source: str) -> LabelSnapshot:
        """Return the labels that count now, and which of them came from `source`, such as a feed."""
        with self.lock:
            self._take_new()
            agreement = self._agreement
            clips, y = agreement.training_set()
            sourced = agreement.came_from(source)
            from_source = np.array([clip in sourced for clip in clips], dtype=bool)
            return LabelSnapshot(agreement.event, clips, y, from_source, agreement.counts)

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
        without = {self.concept, *opened, *self.store.opened_concepts()}.difference(labelled["concept"])
        rows = [*labelled.itertuples(index=False, name=None), *((concept, 0, 0, 0, 0) for concept in without)]
        table = pd.DataFrame(rows, columns=labelled.columns).sort_values("concept", ignore_index=True)
        return table.assign(guideline=[guidelines.get(concept, "") for concept in table["concept"]])

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
        with self._saving():
            stored = self.store.append(
                self.annotator, self.concept, labels, source=source, model_version=version, message_id=message_id
            )
        return self._stored(stored)

    def undo(self, message_id: str | None) -> dict[str, StoredValue]:
        """Revert this annotator's newest action. Returns the clips' values now, {} if there is nothing to undo."""
        message_id = _message_id(message_id)
        with self._saving():
            changed = self.store.undo(self.annotator, self.concept, message_id=message_id)
        return self._stored(changed, notify=bool(changed))

    def redo(self, message_id: str | None) -> dict[str, StoredValue]:
        """Do again what `undo` reverted last. Returns the clips' values now, {} if there is nothing to redo."""
        message_id = _message_id(message_id)
        with self._saving():
            changed = self.store.redo(self.annotator, self.concept, message_id=message_id)
        return self._stored(changed, notify=bool(changed))

    @property
    def guideline(self) -> str:
        """The annotators' definition of the concept."""
        return str(self.state(*GUIDELINE, ""))

    @guideline.setter
    def guideline(self, text: str) -> None:
        text = arguments.text(text, "The guideline", error=LabelError)
        with self._saving():
            annotator, key = GUIDELINE
            self.store.set_state(annotator, self.concept, key, text)
        self._listeners.notify("status", {})

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

    def state(self, annotator: str, key: str, default: Any) -> Any:
        """Return the document stored under a key for this concept, `default` if there is none."""
        kept = self.store.get_state(annotator, self.concept, key)
        whole = without_lone_surrogates(kept)
        if whole is not kept and not self.store.read_only:  # an older version could store lone surrogates
            try:
                self.store.set_state(annotator, self.concept, key, whole)
            except LabelError as error:
                _log.warning("The stored %s of %r could not be repaired: %s", key, self.concept, error)
        return default if whole is None else whole

    # --- the file --------------------------------------------------------------------------------

    @property
    def store(self) -> LabelStore:
        """The store of the file in use. Raises LabelError once the labels are closed."""
        return self._user.store

    @property
    def unsaved(self) -> str:
        """Why nothing can be saved now, or the newest change could not be, in one sentence; empty if all is well."""
        return self._user.gone or self._unsaved

    @property
    def closed(self) -> bool:
        """Whether the labels were closed."""
        return self._user.closed

    def another_user(self) -> StoreUser:
        """Return one more user of the same store, for another concept. Raises LabelError once the labels are closed."""
        return self._user.another()

    def when_replaced(self, call: Callable[[], None]) -> None:
        """Call a bound method, with `lock` held, whenever another file, such as a copy that was put back, has taken the
        place of the labels' own and was read.

        It is referenced weakly: an object that nobody else references is freed at once, with its use of the store.
        """
        self._on_replaced = weakref.WeakMethod(call)

    def check_file(self) -> None:
        """Raise NotSavedError if the labels' file is gone: nothing is made of labels that will be lost."""
        if gone := self._user.gone:
            raise NotSavedError(gone)

    def close(self) -> None:
        """Close the labels. Their file is closed with its last user in this process."""
        self._user.close()

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """Run a block that saves something. Raises NotSavedError if that fails, or the file is gone afterwards.

        What the store refuses whatever happens, because it is read-only, stays a LabelError. `lock` is not held
        meanwhile, so that methods which only read do not wait for another process that is writing.
        """
        try:
            self.check_file()
            with self.lock:
                self._follow_file()
            yield
            self.check_file()
        except LabelError as error:
            if not self.closed and self.store.read_only:
                raise
            self._unsaved = str(error)
            raise NotSavedError(str(error)) from error
        self._unsaved = ""

    def _read(self) -> None:
        """Read what is in the file from the beginning."""
        self._agreement = Agreement(self.store.current(self.concept))
        self.history = RefitHistory(self.store, self.concept)

    def _follow_file(self) -> None:
        """Open the file that has replaced the labels' own, such as a backup put back. Only with `lock` held.

        Raises LabelError if it cannot be opened, and then goes on with the one that was open.
        """
        if not self._user.replaced:
            return
        former, self._user = self._user, StoreUser(self._user.path)
        former.close()
        _log.warning("The labels' file %s was replaced by another one, whose labels count now", self._user.path)
        self._read()
        if self._on_replaced is not None and (call := self._on_replaced()) is not None:
            call()

    def _take_new(self) -> None:
        """Read the events that were stored since, also by other processes. Only with `lock` held.

        Where the file is gone, the labels read so far count, and `unsaved` says so.
        """
        try:
            self._follow_file()
        except LabelError as error:
            self._unsaved = str(error)
        store = self.store
        try:
            self._agreement.take(store.events(self.concept, after=self._agreement.event))
        except LabelError:
            if not self._user.gone:
                raise

    def _stored(self, labels: dict[str, StoredValue], *, notify: bool = True) -> dict[str, StoredValue]:
        """Read the events that were just stored, and call the listeners; returns `labels`."""
        with self.lock:
            self._take_new()
        if notify:
            self._listeners.notify("labels", {"labels": labels})
        return labels


def _message_id(value: str | None) -> str | None:
    """Return a message id, which can be stored. Raises LabelError for any other value."""
    return None if value is None else arguments.text(value, "message_id", error=LabelError)
