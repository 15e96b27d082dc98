"""The protocol of encoders of frames and texts, and how an argument `encoder` becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import EncoderError
from va_widgets.encoders.image_tower import Precision
from va_widgets.encoders.model_sources import TINY
from va_widgets.encoders.open_clip import OpenClipEncoder

__all__ = ["TINY", "ClipEncoder", "Encoder", "OpenClipEncoder", "Precision", "as_encoder"]


@runtime_checkable
class Encoder(Protocol):
    """A vision-language model, as far as a corpus uses it."""

    @property
    def fingerprint(self) -> str:
        """An identifier of the vectors: encoders with different vectors have different fingerprints."""

    @property
    def dim(self) -> int:
        """The length of the vectors."""

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the L2-normalised vectors of RGB frames (h, w, 3), float32 (n, dim)."""

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the L2-normalised vectors of texts, float32 (n, dim)."""


@runtime_checkable
class ClipEncoder(Protocol):
    """A model of whole clips, such as a video network. It may say how its frames should be.

    `frames_per_clip` is how many frames it gets of a clip, evenly spaced, 16 if it has no such attribute; `image_size`
    the pixels of their shorter side, 224 without it.
    """

    def encode_clips(self, frames: Sequence[NDArray[np.uint8]], fps: float) -> NDArray[np.floating[Any]]:
        """Return the vector of one clip, (d,), of its frames, RGB (h, w, 3).

        `fps` is how many of these frames a second of it has, 0 for a picture, which is one frame.
        """


def as_encoder(encoder: str | Encoder) -> Encoder:
    """Return an encoder as it is given, or the OpenCLIP model of that name."""
    if isinstance(encoder, str):
        return OpenClipEncoder(encoder)
    if isinstance(encoder, Encoder):
        return encoder
    raise EncoderError(
        "An encoder is the name of an OpenCLIP model or an object with encode_frames, encode_text, dim and"
        f" fingerprint, not {type(encoder).__name__}."
    )
