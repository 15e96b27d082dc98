"""The encoder that a corpus embeds texts with: the user's, or the one that its manifest names, loaded when needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import EncoderError, EncoderMismatchError, SearchUnavailableError, VaError
from va_widgets.base.forks import ForkLock
from va_widgets.corpus.manifest import Manifest
from va_widgets.encoders.protocol import Encoder, OpenClipEncoder

# Texts without meaning. A text whose vector is like theirs has no meaning to the model.
_NONSENSE = ("qzxv", "wkrjpt vbq", "xjq zzkw prtl", "gfdhj", "mnbvcx lkjhg", "zxq")
_SAME = 0.997  # the cosine from which a vector is like theirs; chosen by benchmarks/flat_search.py

SearchState: TypeAlias = Literal["ready", "unloaded", "unavailable"]


@dataclass(frozen=True)
class TextSearch:
    """Whether texts can be searched for now.

    `state` is "ready", "unloaded" (the model is loaded by the first search) or "unavailable" (the model could not be
    loaded when that was last tried; `reason` says in one sentence what is wrong and what to do).
    """

    state: SearchState
    reason: str = ""


class TextModel:
    """Embeds texts for a corpus, and reports whether that works.

    A model that could not be loaded is tried again by the next call. May be used from several threads.
    """

    def __init__(self, encoder: Encoder | None) -> None:
        self.encoder = encoder  # None until the one that the manifest names is loaded
        self.status = TextSearch("unloaded")
        self._loading = ForkLock()
        self._nonsense: NDArray[np.float32] | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Encoder | None]]:
        return type(self), (self.encoder,)  # locks cannot be pickled

    def load(self, manifest: Manifest, path: Path) -> Encoder:
        """Return the encoder, which is made if there is none yet.

        Raises EncoderError or EncoderMismatchError if the manifest names none that can be used.
        """
        with self._loading:
            if self.encoder is None:
                if manifest.tag is None:
                    raise EncoderError(
                        f"The corpus in {path} does not say which encoder it needs: open it with encoder=…."
                    )
                model = OpenClipEncoder(manifest.tag)
                check_encoder(path, manifest, model)
                self.encoder = model
            return self.encoder

    def embed(self, text: str, manifest: Manifest, path: Path) -> NDArray[np.float32]:
        """Return a text's vector, L2-normalised, float32 (dim,). Raises SearchUnavailableError if it cannot be made."""
        try:
            vector = np.asarray(self.load(manifest, path).encode_text([text])[0], dtype=np.float32)
        except VaError as error:
            raise self._unavailable(str(error)) from error
        except Exception as error:  # an encoder of the user's, or a broken installation of torch, may raise any
            reason = str(error).strip().partition("\n")[0]
            raise self._unavailable(
                f"The text model could not be used ({type(error).__name__}: {reason}): mend that, then search again."
            ) from error
        if vector.shape != (manifest.dim,) or not np.isfinite(vector).all():
            raise self._unavailable(
                f"The encoder's vector of {text!r} must be finite and of shape ({manifest.dim},), not {vector.shape}:"
                " open the corpus with another encoder."
            )
        self.status = TextSearch("ready")
        unit: NDArray[np.float32] = np.divide(vector, max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)
        return unit

    def cut_text(self, text: str) -> str | None:
        """Return the part of a text that the model reads; None if it reads all, has no `cut_text` or is not loaded."""
        cut: Callable[[str], str | None] | None = getattr(self.encoder, "cut_text", None)
        return cut(text) if cut is not None and self.status.state == "ready" else None

    def resembles_nonsense(self, vector: NDArray[np.float32]) -> bool:
        """Return whether a text's vector (dim,) is like those that the model gives to strings without meaning.

        False while the model is not loaded.
        """
        if self.encoder is None or self.status.state != "ready":
            return False
        if self._nonsense is None:
            mean = np.asarray(self.encoder.encode_text(_NONSENSE), dtype=np.float32).mean(axis=0)
            self._nonsense = mean / np.float32(max(float(np.linalg.norm(mean)), 1e-12))
        return float(self._nonsense @ vector) >= _SAME

    def _unavailable(self, reason: str) -> SearchUnavailableError:
        self.status = TextSearch("unavailable", reason)
        return SearchUnavailableError(reason)


def check_encoder(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    """Raise EncoderMismatchError unless the corpus in `path` was made with this encoder."""
    if encoder.fingerprint != manifest.fingerprint:
        raise EncoderMismatchError(
            f"The corpus in {path} was made with the encoder {manifest.fingerprint}, not {encoder.fingerprint}: open it"
            " with that encoder, or build it again in another folder."
        )
