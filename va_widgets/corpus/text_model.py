"""The encoder that a corpus embeds texts with: the one that was given, or the corpus's own once it is needed."""

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

# Texts without meaning. A text that the model puts where it puts these says nothing to it.
_NONSENSE = ("qzxv", "wkrjpt vbq", "xjq zzkw prtl", "gfdhj", "mnbvcx lkjhg", "zxq")
_SAME = 0.997  # the cosine from which it does; chosen by benchmarks/flat_search.py

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

    def __init__(self, given: Encoder | None) -> None:
        self.given = given
        self.status = TextSearch("unloaded")
        self._loading = ForkLock()
        self._nonsense: NDArray[np.float32] | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Encoder | None]]:
        return type(self), (self.given,)  # locks cannot be copied

    def encoder(self, manifest: Manifest, path: Path) -> Encoder:
        """The encoder. Raises EncoderError or EncoderMismatchError if the corpus's own cannot be had."""
        with self._loading:
            if self.given is None:
                if manifest.tag is None:
                    raise EncoderError(
                        f"The corpus in {path} does not say which encoder it needs: open it with encoder=…."
                    )
                model = OpenClipEncoder(manifest.tag)
                check_encoder(path, manifest, model)
                self.given = model
            return self.given

    def embed(self, text: str, manifest: Manifest, path: Path) -> NDArray[np.float32]:
        """A text's vector, L2-normalised, float32 (dim,). Raises SearchUnavailableError if it cannot be made."""
        try:
            vector = np.asarray(self.encoder(manifest, path).encode_text([text])[0], dtype=np.float32)
        except VaError as error:
            raise self._unavailable(str(error)) from error
        except Exception as error:  # encoders are other people's, and so is what a broken installation of torch raises
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
        """The part of a text that the loaded model reads; None if it reads all of it, cannot tell or is not loaded."""
        cut: Callable[[str], str | None] | None = getattr(self.given, "cut_text", None)
        return cut(text) if cut is not None and self.status.state == "ready" else None

    def resembles_nonsense(self, vector: NDArray[np.float32]) -> bool:
        """Whether the loaded model puts a text with this vector (dim,) where it puts strings without meaning."""
        if self.given is None or self.status.state != "ready":
            return False
        if self._nonsense is None:
            mean = np.asarray(self.given.encode_text(_NONSENSE), dtype=np.float32).mean(axis=0)
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
