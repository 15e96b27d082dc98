"""Works: what a build makes of a source, and what identifies a clip."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from va_widgets.corpus.manifest import Source
from va_widgets.corpus.sources import Found
from va_widgets.video.decoder_process import Clip, Done, Failed


@dataclass(frozen=True)
class Segment:
    """A clip that is asked for, in seconds. `clip_id` is empty where the corpus shall choose it."""

    start: float
    end: float
    clip_id: str = ""


@dataclass(eq=False)
class ShardJob:
    """A shard in the making: one video, or up to 256 pictures."""

    folder: str
    files: list[tuple[Found, Source]]
    segments: list[Segment] | None
    rows: list[dict[str, object]] = field(default_factory=list)
    vectors: list[NDArray[np.float16]] = field(default_factory=list)
    strips: list[bytes] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    bytes: int = 0  # of all strips
    position: int = 0
    seconds: float = 0.0
    spent: float = 0.0  # seconds of decoding and embedding that it took, without waiting
    end: Done | Failed | None = None

    @property
    def pictures(self) -> bool:
        """Whether these are pictures."""
        return self.files[0][0].picture

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(found.size for found, _ in self.files)

    def enter(self, clip: Clip, vector: NDArray[np.float16]) -> None:
        """Take a clip that has been embedded into the shard."""
        key = self.files[clip.place if self.pictures else 0][1].key
        named = clip_id(key, clip.start, clip.end)
        if self.segments is not None:  # by the times asked for, whatever the video has of them
            segment = self.segments[clip.place]
            named = segment.clip_id or clip_id(key, segment.start, segment.end)
        self.rows.append(
            {
                "clip_id": named,
                "start": clip.start,
                "end": clip.end,
                "frame_in": clip.frame_in,
                "frame_out": clip.frame_out,
                "fps": clip.fps,
                "width": clip.width,
                "height": clip.height,
                "_key": key,
                "_strip_at": self.bytes,
                "_strip_bytes": len(clip.strip),
                "_strip_frames": clip.strip_frames,
                "_strip_width": clip.strip_width,
                "_strip_height": clip.strip_height,
            }
        )
        self.vectors.append(vector)
        self.strips.append(clip.strip)
        self.bytes += len(clip.strip)


def one_by_one(work: ShardJob) -> list[ShardJob]:
    """Some pictures, each as a work of its own."""
    folders = [f"{work.folder}-{i}" for i in range(len(work.files))]
    return [ShardJob(folder, [in_folder(one, folder)], None) for folder, one in zip(folders, work.files, strict=True)]


def in_folder(one: tuple[Found, Source], folder: str) -> tuple[Found, Source]:
    """A file whose clips go into a shard that is not called after it."""
    return one[0], msgspec.structs.replace(one[1], shard=folder)


def clip_id(key: str, start: float, end: float) -> str:
    """What a clip is called: its source's key and its times in milliseconds."""
    return f"{key}-{round(start * 1000):08d}-{round(end * 1000):08d}"
