"""The jobs of a build, one for each shard, and the ids of clips."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from va_widgets.corpus.building.request import Segment
from va_widgets.corpus.manifest import Source
from va_widgets.corpus.sources import SourceFile
from va_widgets.video.decoder_messages import Clip, Done, Failed


@dataclass(eq=False)
class ShardJob:
    """The shard of one video, or of up to 256 images, while it is made."""

    folder: str
    files: list[tuple[SourceFile, Source]]
    segments: list[Segment] | None
    rows: list[dict[str, object]] = field(default_factory=list)
    vectors: list[NDArray[np.float16]] = field(default_factory=list)
    motions: list[NDArray[np.float16]] = field(default_factory=list)
    strips: list[bytes] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)  # reasons, by the image's index in `files`
    flaws: dict[int, str] = field(default_factory=dict)  # of images that are used, by the same index
    bytes: int = 0  # of all strips
    position: int = 0  # bytes of the file that are decoded
    seconds: float = 0.0  # of video that are decoded
    spent: float = 0.0  # seconds of decoding and embedding, without waiting
    end: Done | Failed | None = None

    @property
    def pictures(self) -> bool:
        """Whether these are pictures."""
        return self.files[0][0].picture

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file, _ in self.files)

    def add_clip(self, clip: Clip, vector: NDArray[np.float16]) -> None:
        """Add a clip and its vector, float16 (dim,), to the shard."""
        key = self.files[clip.place if self.pictures else 0][1].key
        name = clip_id(key, clip.start, clip.end)
        if self.segments is not None:  # by the requested times, also where the video ends earlier
            segment = self.segments[clip.place]
            name = segment.clip_id or clip_id(key, segment.start, segment.end)
        self.rows.append(
            {
                "clip_id": name,
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
        self.motions.append(np.frombuffer(clip.motion, dtype="<f2"))
        self.strips.append(clip.strip)
        self.bytes += len(clip.strip)

    def release(self) -> None:
        """Drop the clips, which are most of the memory of a build, once the shard is written."""
        for content in (self.rows, self.vectors, self.motions, self.strips):
            content.clear()


def one_by_one(job: ShardJob) -> list[ShardJob]:
    """Return a job for each image of a job."""
    folders = [f"{job.folder}-{i}" for i in range(len(job.files))]
    return [ShardJob(folder, [in_folder(file, folder)], None) for folder, file in zip(folders, job.files, strict=True)]


def in_folder(file: tuple[SourceFile, Source], folder: str) -> tuple[SourceFile, Source]:
    """Return a file whose clips go into the shard `folder`, instead of one that is named by its key."""
    return file[0], msgspec.structs.replace(file[1], shard=folder)


def clip_id(key: str, start: float, end: float) -> str:
    """Return the id of a clip: its source's key and its times in milliseconds."""
    return f"{key}-{round(start * 1000):08d}-{round(end * 1000):08d}"
