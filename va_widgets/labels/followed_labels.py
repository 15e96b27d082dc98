"""The labels of one concept as the label file has them, whoever writes to it, and whatever takes its place."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import Any, TypeVar

from va_widgets.base import arguments
from va_widgets.base.errors import LabelError, NotSavedError
from va_widgets.base.forks import ForkLock
from va_widgets.base.listeners import Listeners
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.labels.agreement import Agreement
from va_widgets.labels.concept_log import GUIDELINE, LONGEST_GUIDELINE
from va_widgets.labels.decisions import PRIMARY, changes_in
from va_widgets.labels.label_store import LabelStore, StoredValue
from va_widgets.labels.majority import ADJUDICATION
from va_widgets.labels.news import News
from va_widgets.labels.refit_history import RefitHistory
from va_widgets.labels.shared import StoreUser

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class FollowedLabels:
    """The labels of a concept in memory, which follow the file; `ConceptLabels`, which extends it, is what is done
    with them, and describes parameters and attributes.
    """

    def __init__(self, user: StoreUser, concept: str, annotator: str, listeners: Listeners) -> None:
        self.concept = concept
        self.annotator = annotator
        self.lock = ForkLock(waits=True, first=True)
        self._user = user
        self._listeners = listeners
        self._on_recount: weakref.WeakMethod[Callable[[], None]] | None = None
        self._unsaved = ""  # why the newest change could not be saved
        self._news = News(annotator)  # what the listeners do not know yet
        self._saves = 0  # changes of this process that are being saved, whose listeners are called afterwards
        self._known: tuple[str, int] = ("", 0)  # the guideline and the newest remark that the listeners know of
        self._seen: object = None  # the state of the file when `watched` last looked at it
        self._read()

    # --- what is kept beside labels ----------------------------------------------------------------

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

    @property
    def guideline(self) -> str:
        """The annotators' definition of the concept."""
        return str(self.state(*GUIDELINE, ""))

    @guideline.setter
    def guideline(self, text: str) -> None:
        text = arguments.text(text, "The guideline", error=LabelError)
        if len(text) > LONGEST_GUIDELINE:
            raise LabelError(
                f"A guideline may have {LONGEST_GUIDELINE:,} characters, not {len(text):,}: keep longer texts in a file"
                " of their own, and name it."
            )
        self.change(lambda store: store.concept_log.set_guideline(self.annotator, self.concept, text))

    def change(self, write: Callable[[LabelStore], _T]) -> _T:
        """Write something of the concept other than labels, and call the listeners with "status"; returns its result.

        Raises NotSavedError if it cannot be saved now.
        """
        with self._reporting():
            with self._saving():
                result = write(self.store)
            self._known = self._now()
            self._listeners.notify("status", {})
            return result

    def read(self, read: Callable[[LabelStore], _T], former: _T) -> _T:
        """Return what is read from the store; `former`, which was read before, where the file is gone."""
        try:
            return read(self.store)
        except LabelError:
            if self.closed or not self._user.gone:
                raise
            return former

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

    @property
    def snapshots(self) -> bool:
        """Whether copies are made of the file while it is in use."""
        return self._user.snapshots

    @property
    def content(self) -> object:
        """An object that is another one as soon as another file, or a copy of it, has taken the place of the labels."""
        with self.lock:
            self._take_new()
            return self._user

    # --- changes by other processes ---------------------------------------------------------------

    @property
    def listened_to(self) -> bool:
        """Whether anybody wants to know of changes."""
        return bool(self._listeners) and not self.closed

    def watched(self) -> None:
        """Call the listeners if another process has changed the labels since the last time. Cheap if none has."""
        seen = self._user.state_of_file()
        if seen == self._seen:
            return
        with self.lock:
            if self._saves:  # what is being saved just now is reported by its own thread
                return
            self._take_new()
            if (now := self._now()) != self._known:
                self._known = now
                self._news.add_rest()
            news = self._news.take()
        self._seen = seen
        if news.own or news.others:
            self._listeners.notify("labels", {"labels": news.own, "others": news.others})
        elif news.rest:
            self._listeners.notify("status", {})

    def another_user(self) -> StoreUser:
        """Return one more user of the same store, for another concept. Raises LabelError once the labels are closed."""
        return self._user.another()

    def when_recounted(self, call: Callable[[], None]) -> None:
        """Call a bound method, with `lock` held, whenever other labels count than before without new events.

        That is when another file, such as a copy that was put back, has taken the place of the labels' own and was
        read, or when there are other primary annotators.

        It is referenced weakly: an object that nobody else references is freed at once, with its use of the store.
        """
        self._on_recount = weakref.WeakMethod(call)

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

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Run a block that saves something and calls the listeners: `watched` does not call them meanwhile."""
        with self.lock:
            self._saves += 1
        try:
            yield
        finally:
            with self.lock:
                self._saves -= 1

    def _read(self) -> None:
        """Read what is in the file from the beginning."""
        current = self.store.current(self.concept)
        rule = self.store.counting_rule(self.concept, current.sources.get(ADJUDICATION, ()))
        self._agreement: Agreement = Agreement(current, rule)
        self._known = self._now()
        self.history = RefitHistory(self.store, self.concept)

    def _now(self) -> tuple[str, int]:
        """Return the guideline, and the number of the newest remark."""
        return self.guideline, self.store.newest_remark(self.concept)

    def _follow_file(self) -> None:
        """Open the file that has replaced the labels' own, such as a backup put back. Only with `lock` held.

        Raises LabelError if it cannot be opened, and then goes on with the one that was open.
        """
        if not self._user.replaced:
            return
        former, self._user = self._user, StoreUser(self._user.path, snapshots=self._user.snapshots)
        former.close()
        _log.warning("The labels' file %s was replaced by another one, whose labels count now", self._user.path)
        before = self._agreement.own(self.annotator)
        self._read()
        self._news.add_replacement(before, self._agreement.own(self.annotator))
        self._count_anew()

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
            events = store.events(self.concept, after=self._agreement.event)
            self._agreement.take(events)
            if self._listeners:
                self._news.add(events)
            self._follow_rule(store, {event.clip_id for event in events})
        except LabelError:
            if not self._user.gone:
                raise

    def _follow_rule(self, store: LabelStore, changed: Set[str]) -> None:
        """Let the labels count by the rule of now, where some clips have new labels. Only with `lock` held."""
        agreement = self._agreement
        kept = store.get_state(PRIMARY[0], self.concept, PRIMARY[1])
        is_other = agreement.rule.changes != len(changes_in(kept))
        decided = agreement.came_from(ADJUDICATION)
        if is_other or not decided.isdisjoint(changed):
            agreement.follow(store.counting_rule(self.concept, decided))
        if is_other:
            if self._listeners:
                self._news.add_rest()
            self._count_anew()

    def _count_anew(self) -> None:
        if self._on_recount is not None and (call := self._on_recount()) is not None:
            call()

    def _stored(self, labels: dict[str, StoredValue], *, notify: bool = True) -> dict[str, StoredValue]:
        """Read the events that were just stored, and call the listeners; returns `labels`."""
        with self.lock:
            self._take_new()
            news = self._news.take()
        if notify or news.others:
            self._listeners.notify("labels", {"labels": {**news.own, **labels}, "others": news.others})
        return labels
