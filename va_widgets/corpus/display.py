"""What a person sees of a corpus in a notebook: a summary, thumbnails, a player, a map.

Everything here is made of plain data. HTML takes its colours from the page it is on, light or dark, and is bounded in
size, since notebooks keep it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.corpus.filmstrip import Filmstrip
from va_widgets.corpus.progress import clock_time, printable
from va_widgets.errors import CorpusError

if TYPE_CHECKING:
    import PIL.Image

_SAMPLES = 8
_ROW_HEIGHT = 72  # pixels of the summary's thumbnails on the page
_FRAME_WIDTH, _FRAME_HEIGHT = 160, 90  # what one of them fits into: more pixels than on the page, for sharp screens
_FRAME_QUALITY = 75
_ROW_BYTES = 100_000  # of the thumbnails of a summary, as they stand in the HTML
_COLUMNS, _LONGEST_NAME, _LONGEST_PATH = 6, 40, 200  # names of columns in a summary, and characters of names and paths

_AXES, _NEIGHBOURS, _FEW = 50, 5, 10  # of the map: principal axes, rows that place another, rows too few for a t-SNE
_CHUNK = 16_384  # rows that are placed at a time


@dataclass(frozen=True)
class Summary:
    """What there is to say about a corpus.

    `statuses` counts the sources by what became of them: "done", "partial", "skipped". `phrases` is the number of
    texts that can be searched where not every text can.
    """

    path: str
    clips: int
    videos: int
    seconds: float
    dim: int
    encoder: str
    statuses: Mapping[str, int] = field(default_factory=dict)
    searchable: bool = False
    phrases: int = 0
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Sample:
    """One of a summary's thumbnails: a small JPEG such as `first_frame` gives, and where it is from."""

    data: bytes
    video: str
    start: float


def summary_text(summary: Summary) -> str:
    """A corpus in a few lines."""
    rows = "".join(f"\n  {name:<12}  {told}" for name, told in _rows(summary))
    return f"Corpus in {_cut(summary.path, _LONGEST_PATH)}{rows}"


def summary_html(summary: Summary, samples: Sequence[Sample] = ()) -> str:
    """The same as a small table over one row of up to 8 thumbnails; at most 120 kB."""
    rows = "".join(
        '<tr style="background:none">'
        '<th scope="row" style="text-align:left;vertical-align:top;font-weight:normal;opacity:.75;'
        f'white-space:nowrap;padding:1px 16px 1px 0;border:0">{escape(name)}</th>'
        f'<td style="text-align:left;max-width:none;padding:1px 0;border:0">{escape(told)}</td></tr>'
        for name, told in _rows(summary)
    )
    return (
        '<div style="color:inherit">'
        f'<div style="font-weight:600;margin-bottom:4px">Corpus in {escape(_cut(summary.path, _LONGEST_PATH))}</div>'
        f'<table style="border-collapse:collapse;border:0;margin:0;color:inherit"><tbody>{rows}</tbody></table>'
        f"{_row_of_pictures(samples)}</div>"
    )


def _row_of_pictures(samples: Sequence[Sample]) -> str:
    pictures: list[str] = []
    left = _ROW_BYTES
    for sample in samples[:_SAMPLES]:
        where = escape(f"{_cut(sample.video, _LONGEST_PATH)}, {clock_time(sample.start)}")
        picture = (
            f'<img src="{_data_uri("image/jpeg", sample.data)}" alt="{where}" title="{where}"'
            f' style="height:{_ROW_HEIGHT}px;width:auto;max-width:none;margin:0;border-radius:2px">'
        )
        left -= len(picture)
        if left < 0:
            break
        pictures.append(picture)
    if not pictures:
        return ""
    # What does not fit into a narrow cell wraps into a second row, which is not seen.
    row = f"display:flex;flex-wrap:wrap;gap:4px;height:{_ROW_HEIGHT}px;overflow:hidden;margin-top:8px"
    return f'<div style="{row}">{"".join(pictures)}</div>'


def _rows(summary: Summary) -> list[tuple[str, str]]:
    rows = [
        ("clips", f"{summary.clips:,} of {_counted(summary.videos, 'video')}, {_length(summary.seconds)} in all"),
        ("embeddings", f"{summary.dim} dimensions by {_cut(summary.encoder, _LONGEST_PATH)}"),
    ]
    if summary.statuses:
        told = ", ".join(f"{number:,} {status}" for status, number in summary.statuses.items() if number)
        unhappy = any(number for status, number in summary.statuses.items() if status != "done")
        rows.append(("sources", f"{told}: see corpus.report" if unhappy else told))
    search = "any text" if summary.searchable else "none: open the corpus with encoder=… for it"
    if summary.phrases and not summary.searchable:
        search = f"{_counted(summary.phrases, 'phrase')} that came with the embeddings"
    rows.append(("text search", search))
    if summary.columns:
        names = [_cut(str(name), _LONGEST_NAME) for name in summary.columns[:_COLUMNS]]
        more = len(summary.columns) - len(names)
        rows.append(("your columns", ", ".join(names) + (f" and {more:,} more" if more else "")))
    return rows


class Thumbnail:
    """The frames of a clip side by side; shown whole in a notebook.

    `data` is the JPEG, `width` and `height` its pixels, `image` and `frames` the same as PIL images.
    """

    def __init__(self, strip: Filmstrip, title: str = "") -> None:
        self.strip = strip
        self.title = printable(title)

    @property
    def data(self) -> bytes:
        """The image file."""
        return self.strip.data

    @property
    def width(self) -> int:
        """Pixels of all frames together."""
        return self.strip.width * self.strip.frames

    @property
    def height(self) -> int:
        """Pixels."""
        return self.strip.height

    @cached_property
    def image(self) -> PIL.Image.Image:
        """All frames as one picture. Raises CorpusError if it cannot be decoded."""
        try:
            image = _opened(self.strip)
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise CorpusError(f"{self._named} is damaged ({error}): copy the corpus again.") from error
        return image

    @property
    def frames(self) -> list[PIL.Image.Image]:
        """The frames one by one. Raises CorpusError if they cannot be decoded."""
        wide, high = self.strip.width, self.strip.height
        return [self.image.crop((wide * i, 0, wide * (i + 1), high)) for i in range(self.strip.frames)]

    @property
    def middle(self) -> Thumbnail:
        """The middle frame alone. Raises CorpusError if it cannot be decoded."""
        encoded = io.BytesIO()
        self.frames[self.strip.frames // 2].save(encoded, "JPEG", quality=90)
        strip = Filmstrip(1, self.strip.width, self.strip.height, "image/jpeg", encoded.getvalue())
        return Thumbnail(strip, self.title)

    def __repr__(self) -> str:
        return f"Thumbnail({self.title!r}: {_counted(self.strip.frames, 'frame')}, {self.width}x{self.height})"

    def _repr_html_(self) -> str:
        told = escape(self.title or "a clip")
        picture = (
            f'<img src="{_data_uri(self.strip.mime, self.data)}" alt="{told}" title="{told}" width="{self.width}"'
            f' height="{self.height}" style="display:block;max-width:100%;height:auto;margin:0">'
        )
        return _figure(picture, self.title)

    @property
    def _named(self) -> str:
        return f"The filmstrip of {self.title!r}" if self.title else "The filmstrip"


class Player:
    """A clip that plays in a notebook, muted and over and over.

    Parameters
    ----------
    data : bytes or None
        An MP4 file; None if there is none to play, as when the video is gone.
    title : str
        Which clip it is.
    thumbnail : Thumbnail or None
        What is shown instead.
    reason : str
        The sentence that says why it cannot be played.
    """

    def __init__(
        self, data: bytes | None, title: str = "", thumbnail: Thumbnail | None = None, reason: str = ""
    ) -> None:
        self.data = data
        self.title = printable(title)
        self.thumbnail = thumbnail
        self.reason = "" if data else printable(reason or "The video of this clip is gone: put it back to play it.")

    def __repr__(self) -> str:
        told = f"{len(self.data) / 1000:,.0f} kB" if self.data else self.reason
        return f"Player({self.title!r}: {told})"

    def _repr_html_(self) -> str:
        if self.data:
            told = escape(self.title or "a clip")
            video = (
                f'<video src="{_data_uri("video/mp4", self.data)}" title="{told}" aria-label="{told}" controls muted'
                ' loop playsinline preload="auto" style="display:block;max-width:100%;max-height:360px">'
                "This browser plays no H.264 video.</video>"
            )
            return _figure(video, self.title)
        shown = self.thumbnail._repr_html_() if self.thumbnail else ""
        return f'{shown}<p role="note" style="margin:4px 0">{escape(self.reason)}</p>'


def first_frame(strip: Filmstrip) -> bytes:
    """The first picture of a filmstrip as a JPEG of at most 160 x 90 pixels.

    Raises CorpusError if the filmstrip cannot be decoded.
    """
    import cv2  # loaded with the first picture

    damaged = f"A filmstrip of {strip.frames} frames is damaged: copy the corpus again."
    try:
        _opened(strip).close()
        row = cv2.imdecode(np.frombuffer(strip.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (OSError, SyntaxError, ValueError, cv2.error) as error:
        raise CorpusError(damaged) from error
    if row is None or row.shape[:2] != (strip.height, strip.width * strip.frames):
        raise CorpusError(damaged)
    frame = row[:, : strip.width]
    scale = min(1.0, _FRAME_WIDTH / strip.width, _FRAME_HEIGHT / strip.height)
    size = (max(1, round(strip.width * scale)), max(1, round(strip.height * scale)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    fine, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _FRAME_QUALITY])
    if not fine:
        raise CorpusError(f"A frame of {size[0]}x{size[1]} pixels could not be encoded.")
    return encoded.tobytes()


def _opened(strip: Filmstrip) -> PIL.Image.Image:
    """The image of a filmstrip, not decoded yet. Raises OSError, SyntaxError or ValueError if it is no such image.

    Its size is compared before it is decoded: a damaged one may claim any number of pixels.
    """
    import PIL.Image

    try:
        image = PIL.Image.open(io.BytesIO(strip.data), formats=("JPEG", "WEBP"))
    except PIL.Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
    wide, high = strip.width * strip.frames, strip.height
    if image.size != (wide, high):
        raise ValueError(f"it has {image.width}x{image.height} pixels, not {wide}x{high}")
    return image


def map_2d(embeddings: NDArray[np.floating[Any]], seed: int = 0, sample: int = 3_000) -> NDArray[np.float32]:
    """A place in the plane for every clip, such that clips that are alike lie together: float32 (n, 2) from -1 to 1.

    A t-SNE of `sample` distinct rows; every other row goes between the rows of the sample that it is most like. Equal
    rows have one place. The matrix (n, dim) may be memory-mapped and half precision. The same rows and seed give the
    same map. Raises CorpusError if the embeddings are no matrix.
    """
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    if embeddings.ndim != 2:
        raise CorpusError(f"A map needs one vector a clip, a matrix (n, dim), not {embeddings.shape}.")
    nowhere = np.zeros((len(embeddings), 2), dtype=np.float32)
    if not embeddings.size:
        return nowhere
    distinct, place_of = _distinct_rows(embeddings)
    n = len(distinct)
    if n < 2:
        return nowhere
    chosen = np.arange(n)
    if n > sample:
        chosen = np.sort(np.random.default_rng(seed).choice(n, max(2, sample), replace=False))
    rows = np.asarray(embeddings[distinct[chosen]], dtype=np.float32)
    # One thread adds up in one order, so that every machine draws the same map.
    with threadpool_limits(1), np.errstate(invalid="ignore"):  # PCA divides by a variance that may round to 0
        axes = PCA(min(_AXES, *rows.shape), svd_solver="covariance_eigh").fit(rows)
        rows = axes.transform(rows)
        places = _places(rows, seed)
    places -= (places.max(axis=0) + places.min(axis=0)) / 2
    places /= max(float(np.abs(places).max()), 1e-12)
    if n == len(chosen):
        return places[place_of]
    whole = np.empty((n, 2), dtype=np.float32)
    nearest = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(rows)), algorithm="brute").fit(rows)
    for start in range(0, n, _CHUNK):
        part = axes.transform(np.asarray(embeddings[distinct[start : start + _CHUNK]], dtype=np.float32))
        distances, neighbours = nearest.kneighbors(part)
        weights = 1 / np.maximum(distances, 1e-6) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        whole[start : start + _CHUNK] = np.einsum("nk,nkd->nd", weights, places[neighbours])
    whole[chosen] = places
    return whole[place_of]


def _distinct_rows(matrix: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first of each group of equal rows (m,), in order, and for every row the number of its group (n,).

    Rows are compared by 64-bit hashes of their bits: among ten million the chance of a mistake is 3 in a million.
    """
    bits = np.dtype(f"u{matrix.dtype.itemsize}")
    hashes = np.empty(len(matrix), dtype=np.uint64)
    for start in range(0, len(matrix), _CHUNK):
        rows = np.ascontiguousarray(matrix[start : start + _CHUNK] + 0)  # -0.0 becomes 0.0, which equals it
        table = pd.DataFrame(rows.view(bits))
        hashes[start : start + len(rows)] = pd.util.hash_pandas_object(table, index=False)
    groups, values = pd.factorize(hashes)
    first = np.full(len(values), len(matrix), dtype=np.int64)
    np.minimum.at(first, groups, np.arange(len(matrix)))
    return first, groups.astype(np.int64)


def _places(rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """The t-SNE of rows on their principal axes; of a few rows, or rows that are all the same, the axes themselves."""
    from sklearn.manifold import TSNE

    flat = np.zeros((len(rows), 2), dtype=np.float32)
    flat[:, : rows.shape[1]] = rows[:, :2]
    spread = float(flat[:, 0].std())
    if len(rows) < _FEW or spread < 1e-6:
        return flat
    perplexity = min(30.0, (len(rows) - 1) / 3)
    tsne = TSNE(2, init=flat / spread * 1e-4, perplexity=perplexity, max_iter=500, random_state=seed)
    return np.asarray(tsne.fit_transform(rows), dtype=np.float32)


def clip_title(video: str, start: float, end: float) -> str:
    """How a clip is called: its video and its time."""
    return printable(f"{video}, {clock_time(start)}–{clock_time(end)}")


def _figure(shown: str, caption: str) -> str:
    told = f'<figcaption style="opacity:.75;margin-top:2px">{escape(caption)}</figcaption>' if caption else ""
    return f'<figure style="margin:0;color:inherit">{shown}{told}</figure>'


def _data_uri(mime: str, data: bytes) -> str:
    return f"data:{escape(mime)};base64,{base64.b64encode(data).decode('ascii')}"


def _cut(text: str, longest: int) -> str:
    """A text in one line that is not longer; its end tells more than its middle."""
    line = printable(text)
    half = (longest - 1) // 2
    return line if len(line) <= longest else f"{line[:half]}…{line[-half:]}"


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _length(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{seconds / 3600:,.1f} hours"
