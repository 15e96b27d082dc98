"""What a build is asked for: how clips are cut, of which parts of which sources, with which columns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_within
from va_widgets.base.errors import CorpusError
from va_widgets.base.ray_engine import RayEngine
from va_widgets.corpus.manifest import FROM_EMBEDDINGS, SEGMENTS, SHOTS, Manifest

_SHORTEST_WINDOW = 0.04  # seconds


@dataclass(frozen=True)
class Segment:
    """The times of a requested clip, in seconds. If `clip_id` is empty, the build makes one."""

    start: float
    end: float
    clip_id: str = ""


@dataclass(frozen=True)
class ClipSettings:
    """How clips are made: what they are, `cut`, for windows their seconds, and the number of `frames` of each."""

    frames: int
    cut: str = SHOTS
    window: float | None = None

    @classmethod
    def of(cls, frames: int, window: float | None) -> ClipSettings:
        """Return the settings for shots, or for windows of so many seconds.

        Raises CorpusError if `frames` is no whole number of at least 1, or `window` is shorter than 0.04 seconds.
        """
        frames = arguments.count(frames, "frames_per_shot", least=1, error=CorpusError)
        if window is None:
            return cls(frames)
        if not is_within(window, _SHORTEST_WINDOW, sys.float_info.max):
            raise CorpusError(f"A window must be at least {_SHORTEST_WINDOW} seconds long, not {described(window)}.")
        return cls(frames, f"windows of {window:g} s", float(window))

    @classmethod
    def of_segments(cls, frames: int) -> ClipSettings:
        """Return the settings for clips whose times a table names. Raises CorpusError for what is no `frames`."""
        return cls(cls.of(frames, None).frames, SEGMENTS)

    @classmethod
    def of_corpus(cls, manifest: Manifest) -> ClipSettings:
        """Return the settings that the clips of a corpus were made with.

        Raises CorpusError if they were made neither of shots nor of windows.
        """
        if manifest.cut in (SEGMENTS, FROM_EMBEDDINGS):
            how = "from_manifest" if manifest.cut == SEGMENTS else "from_embeddings"
            raise CorpusError(f"This corpus was made by {how}, which knows no shots: add videos by another call of it.")
        words = manifest.cut.split()
        return cls(manifest.frames_per_shot, manifest.cut, float(words[2]) if words[0] == "windows" else None)


@dataclass
class BuildRequest:
    """What to build, apart from the sources."""

    settings: ClipSettings
    segments: dict[str, list[Segment]] = field(default_factory=dict)  # by a source's place
    columns: Callable[[dict[str, str]], pd.DataFrame] | None = None  # the user's, for content keys by place
    refused: list[tuple[str, str]] = field(default_factory=list)  # names and reasons of what cannot be used at all
    retire: bool = True  # sources that are gone from the folder leave the corpus
    allow: frozenset[str] = frozenset()  # schemes of URLs that the user allows beside the usual ones
    engine: RayEngine | None = None  # how Ray makes the shards; None for this process
