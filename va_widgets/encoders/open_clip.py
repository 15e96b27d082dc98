"""OpenCLIP's models as encoders of frames and texts."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import EncoderError
from va_widgets.base.forks import ForkLock, imports
from va_widgets.encoders.image_tower import ImageTower, Precision
from va_widgets.encoders.model_sources import TINY, model_source

_BATCH_ON_CPU, _BATCH_ELSEWHERE = 16, 128
_MORE_TOKENS = 8  # than a text may have, to see whether it would have more


class OpenClipEncoder:
    """A model of OpenCLIP; its weights are loaded when they are first needed.

    Parameters
    ----------
    model : str
        "va-tiny", which comes with the package; "architecture/pretrained" such as "ViT-B-32/laion2b_s34b_b79k" or
        "hf-hub:owner/name", which OpenCLIP downloads; or "local-dir:FOLDER" with an `open_clip_config.json`, weights in
        safetensors and the files of the tokenizer if the model has one of its own.
    device : str, optional
        "cpu", "cuda", …; the GPU if there is one.
    batch_size : int, optional
        Frames a forward pass: 16 on a CPU, where more gain nothing, and 128 elsewhere. Every pass has this many, the
        last is filled up, so give frames by multiples of it. On a CPU every core has a pass of its own.
    precision : "auto", "fp32", "bf16" or "fp16"
        What pictures are computed in; texts always in float32. "auto" takes bfloat16 on a CPU that multiplies it in
        hardware and float16 on CUDA, if on four test pictures the vectors stay within a cosine of 0.999 of float32's.

    Raises EncoderError if there is no such model or precision, if it needs a package that is missing, and when loading
    it fails.

    Notes
    -----
    On one machine a frame has the same vector, to the bit, whatever frames it comes with: kernels are chosen by the
    shape of a batch and the number of threads, so all batches have one shape, and on a CPU each has one thread.
    """

    def __init__(
        self,
        model: str = TINY,
        *,
        device: str | None = None,
        batch_size: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        if precision not in get_args(Precision):
            raise EncoderError(f"The precision is one of {', '.join(get_args(Precision))}, not {precision!r}.")
        if batch_size is not None and batch_size < 1:
            raise EncoderError(f"batch_size must be at least 1, not {batch_size}.")
        self._source = model_source(model)
        self._given = (device, batch_size, precision)
        self._device = device
        self._batch_size = batch_size
        self._precision: Precision = precision
        self._lock = ForkLock()
        self._loaded: tuple[Any, Any] | None = None
        self._process = 0  # the id of the process that loaded it: a child of a fork cannot use a model on a GPU
        self._loaded_tokenizer: Any = None
        self._tower: ImageTower | None = None

    def __repr__(self) -> str:
        return f"OpenClipEncoder({self.tag!r})"

    def __reduce__(self) -> tuple[Callable[..., OpenClipEncoder], tuple[object, ...]]:
        """Another process gets the same model, which it loads itself, on the device that was asked for, if any."""
        return _encoder, (self.tag, *self._given)

    @property
    def tag(self) -> str:
        """The model's name, with the absolute path of a folder: it names the same model from any working directory."""
        return self._source.tag

    @property
    def fingerprint(self) -> str:
        """An identifier of the vectors: two models with different vectors have different fingerprints.

        It is a digest of the weights for folders, whose weights are read once, and for models of the hub, which are
        downloaded. Raises EncoderError if that fails.
        """
        return self._source.fingerprint

    @property
    def dim(self) -> int:
        """The length of the vectors; reads the model's configuration, not its weights."""
        return int(self._configuration["embed_dim"])

    @property
    def image_size(self) -> int:
        """The height, in pixels, of the model's input: larger frames are scaled down.

        Frames whose shorter side has this length lose nothing that the model could see, those in portrait format for a
        model of wide pictures excepted. Reads the model's configuration, not its weights.
        """
        size = self._configuration["vision_cfg"].get("image_size", 224)
        return int(size if isinstance(size, int) else size[0])

    @property
    def batch_size(self) -> int:
        """The number of frames of a forward pass."""
        if self._batch_size is None:
            self._batch_size = _BATCH_ON_CPU if self._chosen_device().startswith("cpu") else _BATCH_ELSEWHERE
        return self._batch_size

    @property
    def frames_per_call(self) -> int:
        """How many frames, or a multiple, to pass at once so that all of torch's threads, or the GPU, are used."""
        import torch

        return self.batch_size * (torch.get_num_threads() if self._chosen_device().startswith("cpu") else 1)

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the L2-normalised vectors, float32 (n, dim), of RGB frames (h, w, 3), each of any size.

        Fastest with frames whose shorter side is `image_size`, by multiples of `frames_per_call`.

        Raises EncoderError if a frame is no such array.
        """
        for frame in frames:
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
                raise EncoderError(f"A frame is an RGB array (h, w, 3) of uint8, not {frame.shape} of {frame.dtype}.")
        if not frames:
            return np.empty((0, self.dim), dtype=np.float32)
        return self._image_tower().encode(frames, self.batch_size)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the L2-normalised vectors of texts, float32 (n, dim); of a long text that of `cut_text`."""
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        model, _ = self._load()
        tokens = self._tokenizer()(list(texts))
        import torch

        with torch.inference_mode():
            vectors = model.encode_text(tokens.to(self._device), normalize=True)
        encoded: NDArray[np.float32] = vectors.float().cpu().numpy()
        return encoded

    def cut_text(self, text: str) -> str | None:
        """Return the part that the model reads of a text longer than its context; None if it reads all of it.

        Whole words, unless not even the first one fits. Loads the tokenizer, not the weights.
        """
        if self._reads_all(text):
            return None
        first = len(text) - len(text.lstrip())
        ends = [place for place in range(first, len(text)) if text[place].isspace()]
        read = self._longest_read(text, ends) or self._longest_read(text, list(range(1, len(text))))
        return read.rstrip()

    def _longest_read(self, text: str, ends: Sequence[int]) -> str:
        """Return the longest beginning of a text that stops at one of `ends` and is read to its end; "" for none."""
        number = bisect_left(ends, True, key=lambda end: not self._reads_all(text[:end]))
        return text[: ends[number - 1]] if number else ""

    def _reads_all(self, text: str) -> bool:
        """Whether a text has no more tokens than the model reads: a longer context would show no others."""
        tokenizer = self._tokenizer()
        context = int(tokenizer.context_length)
        short = tokenizer([text], context_length=context)[0].tolist()
        empty, long = tokenizer(["", text], context_length=context + _MORE_TOKENS).tolist()
        padding, _ = Counter(empty).most_common(1)[0]  # not every tokenizer has an attribute for it
        return [token for token in short if token != padding] == [token for token in long if token != padding]

    @property
    def _configuration(self) -> Mapping[str, Any]:
        return self._source.configuration

    def _chosen_device(self) -> str:
        """Return the device; it is chosen on the first call."""
        if self._device is None:
            with imports:
                import torch

            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        return self._device

    def _image_tower(self) -> ImageTower:
        model, preprocess = self._load()
        with self._lock:
            # Not loaded with the weights: searching by text does not need the test of the precision.
            if self._tower is None:
                self._tower = ImageTower(model, preprocess, self._chosen_device(), self._precision)
        return self._tower

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded, self._process = self._create_model(), os.getpid()
            elif self._process != os.getpid() and not self._chosen_device().startswith("cpu"):
                raise EncoderError(
                    f"{self.tag} was loaded on {self._chosen_device()} before this process was forked, and cannot be"
                    ' used here: start processes by multiprocessing\'s "spawn", or give device="cpu".'
                )
        return self._loaded

    def _create_model(self) -> tuple[Any, Any]:
        with self._failures_explained():
            model, preprocess = self._source.load(self._chosen_device())
        model.eval()
        return model, preprocess

    def _tokenizer(self) -> Any:
        with self._lock:
            if self._loaded_tokenizer is None:
                with self._failures_explained():
                    self._loaded_tokenizer = self._source.tokenizer()
        return self._loaded_tokenizer

    @contextmanager
    def _failures_explained(self) -> Iterator[None]:
        try:
            yield
        except EncoderError:
            raise
        except Exception as error:  # a hub, a proxy or a damaged file may raise anything
            raise EncoderError(self._source.failure(error)) from error


def _encoder(tag: str, device: str | None, batch_size: int | None, precision: Precision) -> OpenClipEncoder:
    return OpenClipEncoder(tag, device=device, batch_size=batch_size, precision=precision)
