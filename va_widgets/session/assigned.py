"""What a session may begin with: a published model to go on from, and lists of clips that its annotator shall label."""

from __future__ import annotations

from dataclasses import dataclass

from va_widgets.learning.inherited import InheritedLabels
from va_widgets.models.model import Model


@dataclass(frozen=True)
class AssignedFeed:
    """A feed of given clips, in their order, without those that are labelled for the concept.

    Attributes
    ----------
    name : str
        Its name among `Session.feeds`, before the others, and the source of labels that are given in it.
    clips : tuple of str
        Clip ids; those that are not in the corpus are left out.
    reason : str
        Why its clips are shown, in the few words that a card has room for.
    blind : bool
        Whether its clips stay until this annotator has labelled them, whoever else has, and are shown without scores:
        a classifier that has learnt the others' labels would tell them.
    """

    name: str
    clips: tuple[str, ...]
    reason: str = ""
    blind: bool = False


@dataclass(frozen=True)
class SessionStart:
    """What a session of one concept begins with.

    Attributes
    ----------
    feeds : tuple of AssignedFeed
    model : Model, optional
        The version that the next one follows.
    inherited : InheritedLabels, optional
        The labels that this model was fitted to.
    """

    feeds: tuple[AssignedFeed, ...] = ()
    model: Model | None = None
    inherited: InheritedLabels | None = None

    def feed(self, name: str) -> AssignedFeed | None:
        """Return the feed of a name, None if there is none."""
        return next((feed for feed in self.feeds if feed.name == name), None)


NOTHING = SessionStart()
