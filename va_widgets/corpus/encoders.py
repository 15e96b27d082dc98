"""Encoders: frames and texts become vectors of one space. We ship OpenCLIP's models."""

from __future__ import annotations

import difflib
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from va_widgets.errors import EncoderError

TINY = "va-tiny"
"""The model that the package carries: it knows the demo's rendered videos, and works without a network."""

_LOCAL = "local-dir:"
_TINY_FOLDER = Path(__file__).resolve().parents[1] / "demo" / "tiny"
_CONFIG_FILE, _MERGES_FILE = "open_clip_config.json", "merges.txt.gz"


@runtime_checkable
class Encoder(Protocol):
    """What a corpus needs of a vision-language model."""

    @property
    def fingerprint(self) -> str:
        """Tells vectors of this encoder from those of any other."""

    @property
    def dim(self) -> int:
        """The length of the vectors."""

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """RGB frames (h, w, 3) to L2-normalised float32 (n, dim)."""

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts to L2-normalised float32 (n, dim)."""


class OpenClipEncoder:
    """A model of OpenCLIP; its weights are loaded when they are first needed.

    Parameters
    ----------
    model : str
        "va-tiny", which comes with the package; "architecture/pretrained" such as "ViT-B-32/laion2b_s34b_b79k", which
        OpenCLIP downloads; or "local-dir:FOLDER" with an `open_clip_config.json` and weights in safetensors.
    device : str, optional
        "cpu", "cuda", …; the GPU if there is one.
    batch_size : int
        Frames a forward pass.

    Raises EncoderError if there is no such model, and when loading it fails.
    """

    def __init__(self, model: str = TINY, *, device: str | None = None, batch_size: int = 64) -> None:
        self.tag = model
        self._device = device
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any, Any] | None = None
        if model == TINY or model.startswith(_LOCAL):
            self._folder: Path | None = _TINY_FOLDER if model == TINY else Path(model.removeprefix(_LOCAL))
            self.fingerprint = _folder_fingerprint(self._folder)
        else:
            self._folder = None
            self._architecture, self._pretrained = _known(model)
            self.fingerprint = f"open_clip:{self._architecture}/{self._pretrained}"

    def __repr__(self) -> str:
        return f"OpenClipEncoder({self.tag!r})"

    @property
    def dim(self) -> int:
        """The length of the vectors."""
        model, _, _ = self._load()
        config = self._configuration()
        return int(config["embed_dim"]) if config else int(model.text_projection.shape[1])

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """RGB frames (h, w, 3), each of any size, to L2-normalised float32 (n, dim)."""
        import torch
        from PIL import Image

        model, preprocess, _ = self._load()
        parts = []
        with torch.inference_mode():
            for start in range(0, len(frames), self._batch_size):
                some = frames[start : start + self._batch_size]
                pixels = torch.stack([preprocess(Image.fromarray(frame)) for frame in some])
                parts.append(model.encode_image(pixels.to(self._device), normalize=True).float().cpu().numpy())
        return np.concatenate(parts) if parts else np.empty((0, self.dim), dtype=np.float32)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts to L2-normalised float32 (n, dim)."""
        import torch

        model, _, tokenizer = self._load()
        with torch.inference_mode():
            vectors = model.encode_text(tokenizer(list(texts)).to(self._device), normalize=True)
        encoded: NDArray[np.float32] = vectors.float().cpu().numpy()
        return encoded

    def _configuration(self) -> dict[str, Any] | None:
        import open_clip

        name = f"{_LOCAL}{self._folder}" if self._folder else self._architecture
        found: dict[str, Any] | None = open_clip.get_model_config(name)
        return found

    def _load(self) -> tuple[Any, Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._fresh()
        return self._loaded

    def _fresh(self) -> tuple[Any, Any, Any]:
        import open_clip
        import torch

        if self._device is None:
            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        name = f"{_LOCAL}{self._folder}" if self._folder else self._architecture
        pretrained = None if self._folder else self._pretrained
        merges = self._folder / _MERGES_FILE if self._folder else None
        try:
            model, _, preprocess = open_clip.create_model_and_transforms(
                name, pretrained=pretrained, device=self._device
            )
            if merges is not None and merges.exists():
                tokenizer = open_clip.get_tokenizer(name, bpe_path=str(merges))
            else:
                tokenizer = open_clip.get_tokenizer(name)
        except Exception as error:  # what a hub, a proxy or a damaged file raises is not ours to list
            raise EncoderError(_cannot_load(self.tag, self._folder, error)) from error
        model.eval()
        return model, preprocess, tokenizer


def as_encoder(encoder: str | Encoder) -> Encoder:
    """An encoder as it is given, or the OpenCLIP model of that name."""
    if isinstance(encoder, str):
        return OpenClipEncoder(encoder)
    # Asked first: before Python 3.12 the check of a protocol reads `dim`, which loads the model.
    if isinstance(encoder, (OpenClipEncoder, Encoder)):
        return encoder
    raise EncoderError(
        "An encoder is the name of an OpenCLIP model or an object with encode_frames, encode_text, dim and"
        f" fingerprint, not {type(encoder).__name__}."
    )


def _folder_fingerprint(folder: Path) -> str:
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / _CONFIG_FILE).is_file() or not weights:
        raise EncoderError(
            f"The folder {folder} holds no OpenCLIP model: it needs {_CONFIG_FILE} and weights in safetensors."
        )
    digest = hashlib.sha256()
    for file in (folder / _CONFIG_FILE, folder / _MERGES_FILE, *weights):
        if file.exists():
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    return f"open_clip:{folder.name}@{digest.hexdigest()[:16]}"


def _known(model: str) -> tuple[str, str]:
    """The architecture and the weights of a tag that OpenCLIP lists."""
    import open_clip

    tags = ["/".join(pair) for pair in open_clip.list_pretrained()]
    if model in tags:
        architecture, _, pretrained = model.partition("/")
        return architecture, pretrained
    close = difflib.get_close_matches(model, tags, n=3, cutoff=0.5)
    closest = f"; the nearest are {', '.join(close)}" if close else ""
    raise EncoderError(
        f"OpenCLIP has no model {model!r}{closest}: write architecture/pretrained, such as ViT-B-32/laion2b_s34b_b79k,"
        f" or {TINY}."
    )


def _cannot_load(tag: str, folder: Path | None, error: Exception) -> str:
    if folder is not None:
        said = str(error).strip().split("\n")[0]
        return f"The model in {folder} cannot be loaded ({said}): copy the folder again."
    # What the download said is a paragraph; it stays in the traceback, as this error's cause.
    return (
        f"The weights of {tag} could not be loaded: connect to the network once, or use {TINY!r}, which works offline."
    )
