"""Encoders: frames and texts become vectors of one space. We ship OpenCLIP's models."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from va_widgets.errors import EncoderError
from va_widgets.forks import ForkLock, imports

if TYPE_CHECKING:
    import torch

TINY = "va-tiny"
"""The model that the package carries: it knows the demo's rendered videos, and works without a network."""

_LOCAL = "local-dir:"
_TINY_FOLDER = Path(__file__).resolve().parents[1] / "demo" / "tiny"
_CONFIG_FILE, _MERGES_FILE = "open_clip_config.json", "merges.txt.gz"
_BATCH_ON_CPU, _BATCH_ELSEWHERE = 16, 128
_PROBES = 4  # pictures that a lower precision is tried on
_FAITHFUL = 0.999  # the least cosine between a picture's vectors in float32 and in the lower precision
_cores = ForkLock()  # held by who computes on all of them

Precision = Literal["auto", "fp32", "bf16", "fp16"]


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
    batch_size : int, optional
        Frames a forward pass: 16 on a CPU, where more gain nothing, and 128 elsewhere. Every pass has this many, the
        last is filled up, so give frames by multiples of it. On a CPU every core has a pass of its own.
    precision : "auto", "fp32", "bf16" or "fp16"
        What pictures are computed in; texts always in float32. "auto" takes bfloat16 on a CPU that multiplies it in
        hardware and float16 on CUDA, if on four test pictures the vectors stay within a cosine of 0.999 of float32's.

    Raises EncoderError if there is no such model or precision, and when loading it fails.

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
        self.tag = model
        self._device = device
        self._batch_size = batch_size
        self._precision: Precision = precision
        self._lock = ForkLock()
        self._loaded: tuple[Any, Any, Any] | None = None
        self._process = 0  # that has loaded it
        self._tower: _ImageTower | None = None
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
        """The length of the vectors; reads the model's configuration, not its weights."""
        return int(self._configuration()["embed_dim"])

    @property
    def image_size(self) -> int:
        """The shorter side, in pixels, of the pictures that the model looks at: larger frames are scaled down.

        Reads the model's configuration, not its weights.
        """
        size = self._configuration()["vision_cfg"].get("image_size", 224)
        return int(size if isinstance(size, int) else min(size))

    @property
    def batch_size(self) -> int:
        """Frames a forward pass."""
        if self._batch_size is None:
            self._batch_size = _BATCH_ON_CPU if self._placed().startswith("cpu") else _BATCH_ELSEWHERE
        return self._batch_size

    @property
    def frames_per_call(self) -> int:
        """Frames that keep all of torch's threads, or the GPU, busy: give so many, or a multiple, at once."""
        import torch

        return self.batch_size * (torch.get_num_threads() if self._placed().startswith("cpu") else 1)

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """RGB frames (h, w, 3), each of any size, to L2-normalised float32 (n, dim).

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
        """Texts to L2-normalised float32 (n, dim)."""
        model, _, tokenizer = self._load()
        import torch

        with torch.inference_mode():
            vectors = model.encode_text(tokenizer(list(texts)).to(self._device), normalize=True)
        encoded: NDArray[np.float32] = vectors.float().cpu().numpy()
        return encoded

    def _configuration(self) -> dict[str, Any]:
        if self._folder is None:
            import open_clip

            known: dict[str, Any] = open_clip.get_model_config(self._architecture)
            return known
        try:
            found = json.loads((self._folder / _CONFIG_FILE).read_text(encoding="utf-8"))
            configuration: dict[str, Any] = found.get("model_cfg", found)
            _ = configuration["embed_dim"], configuration["vision_cfg"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EncoderError(
                f"{self._folder / _CONFIG_FILE} does not describe an OpenCLIP model: copy the folder again."
            ) from error
        return configuration

    def _placed(self) -> str:
        """The device; chosen when it is first asked for."""
        if self._device is None:
            import torch

            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        return self._device

    def _image_tower(self) -> _ImageTower:
        model, preprocess, _ = self._load()
        with self._lock:
            # Not with the weights: who only searches by text is spared the test of the precision.
            if self._tower is None:
                self._tower = _ImageTower(model, preprocess, self._placed(), self._precision)
        return self._tower

    def _load(self) -> tuple[Any, Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded, self._process = self._fresh(), os.getpid()
            elif self._process != os.getpid() and not self._placed().startswith("cpu"):
                raise EncoderError(
                    f"{self.tag} was loaded on {self._placed()} before this process was forked, and cannot be used"
                    ' here: start processes by multiprocessing\'s "spawn", or give device="cpu".'
                )
        return self._loaded

    def _fresh(self) -> tuple[Any, Any, Any]:
        with imports:
            import open_clip

        name = f"{_LOCAL}{self._folder}" if self._folder else self._architecture
        pretrained = None if self._folder else self._pretrained
        merges = self._folder / _MERGES_FILE if self._folder else None
        try:
            model, _, preprocess = open_clip.create_model_and_transforms(
                name, pretrained=pretrained, device=self._placed()
            )
            if merges is not None and merges.exists():
                tokenizer = open_clip.get_tokenizer(name, bpe_path=str(merges))
            else:
                tokenizer = open_clip.get_tokenizer(name)
        except Exception as error:  # what a hub, a proxy or a damaged file raises is not ours to list
            raise EncoderError(_cannot_load(self.tag, self._folder, error)) from error
        model.eval()
        return model, preprocess, tokenizer


class _ImageTower:
    """The part of a model that looks at pictures, made ready to do so fast.

    Replaces `model.visual` by a copy in the precision that is used; the part for texts stays as it is.
    """

    def __init__(self, model: Any, preprocess: Any, device: str, precision: Precision) -> None:
        import open_clip
        import torch

        self._model = model
        self._device = torch.device(device)
        self._preprocess = preprocess
        self._normalize = preprocess.transforms[-1]
        config = open_clip.get_model_preprocess_cfg(model)
        size = config["size"]
        self._size: tuple[int, int] = (size, size) if isinstance(size, int) else tuple(size)
        self._mode = "bilinear" if config["interpolation"] == "bilinear" else "bicubic"
        self._squash = config["resize_mode"] == "squash"
        # What is scaled in another way goes through the model's own preprocessing, picture by picture.
        self._batched = self._squash or (config["resize_mode"] == "shortest" and self._size[0] == self._size[1])
        # Convolutions are faster with a pixel's channels side by side, and that is how frames come.
        model.visual.to(memory_format=torch.channels_last)
        self._dtype = torch.float32
        wanted = _wanted(precision, self._device)
        if wanted != torch.float32:
            lowered = copy.deepcopy(model.visual).to(wanted)
            with _one_thread_each():
                if precision != "auto" or self._faithful(lowered, wanted):
                    model.visual, self._dtype = lowered, wanted

    def encode(self, frames: Sequence[NDArray[np.uint8]], batch_size: int) -> NDArray[np.float32]:
        """RGB frames to L2-normalised float32 (n, dim), `batch_size` at a time."""
        import torch

        def part(some: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
            with torch.inference_mode():
                return self._vectors(self._pixels(some, batch_size))[: len(some)]

        batches = [frames[start : start + batch_size] for start in range(0, len(frames), batch_size)]
        if self._device.type == "cpu":
            # Threads that share a batch wait for each other at every operation; with processes that decode on the same
            # cores they wait most of the time. Threads that have a batch each never do.
            with _one_thread_each() as threads:
                workers = min(threads, len(batches))
                with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                    parts = list(pool.map(part, batches))
        else:
            parts = [part(some) for some in batches]
        # One copy at the end: a GPU works on while the next frames are made ready.
        encoded: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return encoded

    def _vectors(self, pixels: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import normalize

        # Normalised in float32: bfloat16 has three digits, too few for a length.
        return normalize(self._model.encode_image(pixels.to(self._dtype), normalize=False).float(), dim=-1)

    def _pixels(self, frames: Sequence[NDArray[np.uint8]], batch_size: int) -> torch.Tensor:
        """The model's input (batch_size, 3, h, w) in float32 on the device; rows without a frame are black."""
        import torch
        from PIL import Image

        if not self._batched:
            filled = torch.zeros((batch_size, 3, *self._size))
            for row, frame in enumerate(frames):
                filled[row] = self._preprocess(Image.fromarray(frame))
            return filled.to(self._device, memory_format=torch.channels_last)
        # Bytes travel to a GPU, a quarter of the floats, and from pinned memory without waiting.
        stacked = torch.zeros((batch_size, *self._size, 3), dtype=torch.uint8, pin_memory=self._device.type == "cuda")
        rows = stacked.numpy()
        for row, frame in enumerate(frames):
            rows[row] = self._fitted(frame)
        return self._normalized(stacked.to(self._device, non_blocking=True).permute(0, 3, 1, 2))

    def _normalized(self, pictures: torch.Tensor) -> torch.Tensor:
        normalized: torch.Tensor = self._normalize(pictures.float().div_(255))
        return normalized

    def _fitted(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame (h, w, 3) at the size of the model's input, scaled and cropped as torchvision does it with PIL."""
        import torch
        from torch.nn.functional import interpolate

        height, width = self._size
        shorter = min(frame.shape[:2])
        scaled = self._size if self._squash else tuple(int(height * side / shorter) for side in frame.shape[:2])
        if scaled != frame.shape[:2]:
            # Frames from shared memory are read-only, which torch does not know; channels stay last.
            picture = torch.from_numpy(np.require(frame, requirements=["C", "W"])).permute(2, 0, 1)[None]
            larger = interpolate(picture, scaled, mode=self._mode, antialias=True)
            frame = larger[0].permute(1, 2, 0).numpy()
        top, left = round((scaled[0] - height) / 2), round((scaled[1] - width) / 2)
        return frame[top : top + height, left : left + width]

    def _faithful(self, lowered: Any, dtype: torch.dtype) -> bool:
        """Whether a copy of lower precision sees the same in test pictures, coloured clouds of one seed."""
        import torch
        from torch.nn.functional import cosine_similarity, interpolate

        height, width = self._size
        clouds = np.random.default_rng(0).random((_PROBES, 3, max(2, height // 16), max(2, width // 16)))
        coarse = torch.from_numpy((255 * clouds).astype(np.uint8))
        pictures = self._normalized(interpolate(coarse, self._size, mode="bilinear").to(self._device))
        whole = self._model.visual
        with torch.inference_mode():
            reference = self._model.encode_image(pictures, normalize=False)
            try:
                self._model.visual = lowered
                vectors = self._model.encode_image(pictures.to(dtype), normalize=False)
            except RuntimeError:  # some models mix precisions, and have no kernels for the lower one
                return False
            finally:
                self._model.visual = whole
            return bool((cosine_similarity(vectors.float(), reference) >= _FAITHFUL).all())


@contextmanager
def _one_thread_each() -> Iterator[int]:
    """Within it torch's operations do not split over threads; gives the number of threads there are to be used.

    New threads must say so themselves as well: torch keeps one number a thread and one a process.
    """
    import torch

    with _cores:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield threads
        finally:
            torch.set_num_threads(threads)


def _wanted(precision: Precision, device: torch.device) -> torch.dtype:
    """The precision asked for; by "auto" the lower one if the device is faster with it."""
    import torch

    if precision != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    if device.type == "cuda":
        return torch.float16  # on every GPU, and nearer to float32 than bfloat16
    # Older versions of torch cannot be asked; processors without these instructions emulate them slowly.
    asked: Callable[[], Any] | None = getattr(torch.cpu, "get_capabilities", None)
    has = asked() if asked is not None and device.type == "cpu" else {}
    return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32


def as_encoder(encoder: str | Encoder) -> Encoder:
    """An encoder as it is given, or the OpenCLIP model of that name."""
    if isinstance(encoder, str):
        return OpenClipEncoder(encoder)
    if isinstance(encoder, Encoder):
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
