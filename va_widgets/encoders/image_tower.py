"""The image tower of an OpenCLIP model, prepared for fast inference."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.forks import ForkLock
from va_widgets.base.threads import one_torch_thread

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_PROBES = 4  # test images for a lower precision
_FAITHFUL = 0.999  # the least cosine between an image's vectors in float32 and in the lower precision
_cores = ForkLock()  # held while a thread computes on all cores: two at a time would slow each other down


class ImageTower:
    """Encodes frames with a model's image tower.

    Replaces `model.visual` by a copy in the precision that is used; the text tower stays as it is.
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
        # Pictures that are scaled in another way go through the model's own preprocessing, picture by picture.
        self._batched = self._squash or (config["resize_mode"] == "shortest" and self._size[0] == self._size[1])
        # Convolutions are faster with a pixel's channels side by side, and that is how frames come.
        model.visual.to(memory_format=torch.channels_last)
        self._dtype = torch.float32
        dtype = resolved_precision(precision, self._device)
        if dtype != torch.float32:
            lowered = copy.deepcopy(model.visual).to(dtype)
            with _cores, one_torch_thread():
                if precision != "auto" or self._faithful(lowered, dtype):
                    model.visual, self._dtype = lowered, dtype

    def encode(self, frames: Sequence[NDArray[np.uint8]], batch_size: int) -> NDArray[np.float32]:
        """Return the L2-normalised vectors of RGB frames, float32 (n, dim); `batch_size` are embedded at a time."""
        import torch

        def encode_batch(batch: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
            with torch.inference_mode():
                return self._vectors(self._pixels(batch, batch_size))[: len(batch)]

        batches = [frames[start : start + batch_size] for start in range(0, len(frames), batch_size)]
        if self._device.type == "cpu":
            # Threads that share a batch wait for each other at every operation; with processes that decode on the same
            # cores they wait most of the time. Threads that have a batch each never do.
            with _cores, one_torch_thread() as threads:
                workers = min(threads, len(batches))
                with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                    parts = list(pool.map(encode_batch, batches))
        else:
            parts = [encode_batch(batch) for batch in batches]
        # One copy at the end: a GPU works on while the next frames are made ready.
        encoded: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return encoded

    def _vectors(self, pixels: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import normalize

        # Normalised in float32: bfloat16 has three digits, too few for a length.
        return normalize(self._model.encode_image(pixels.to(self._dtype), normalize=False).float(), dim=-1)

    def _pixels(self, frames: Sequence[NDArray[np.uint8]], batch_size: int) -> torch.Tensor:
        """Return the model's input (batch_size, 3, h, w) in float32 on the device; rows without a frame are black."""
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
        """Return a frame (h, w, 3) scaled and cropped to the model's input, as torchvision does it with PIL."""
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
        """Return whether a copy of lower precision gives nearly the same vectors for test images, coloured noise."""
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


def resolved_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the torch type of a precision; for "auto" the lower one if the device is faster with it."""
    import torch

    if precision != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    if device.type == "cuda":
        return torch.float16  # on every GPU, and nearer to float32 than bfloat16
    # Older versions of torch lack this function; processors without these instructions emulate them slowly.
    capabilities: Callable[[], Any] | None = getattr(torch.cpu, "get_capabilities", None)
    has = capabilities() if capabilities is not None and device.type == "cpu" else {}
    return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32
