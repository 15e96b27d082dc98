"""A clip in a notebook: its frames side by side, or a player.

The HTML takes its colours from the page it is on, light or dark.
"""

from __future__ import annotations

import base64
import io
import math
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from va_widgets.base.errors import CorpusError
from va_widgets.base.progress import clock_time, printable
from va_widgets.base.texts import counted
from va_widgets.video.filmstrip import Filmstrip, opened_strip

if TYPE_CHECKING:
    import PIL.Image


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
        """Return all frames as one image. Raises CorpusError if it cannot be decoded."""
        try:
            image = opened_strip(self.strip)
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise CorpusError(f"{self._named} is damaged ({error}): copy the corpus again.") from error
        return image

    @property
    def frames(self) -> list[PIL.Image.Image]:
        """Return the frames one by one. Raises CorpusError if they cannot be decoded."""
        wide, high = self.strip.width, self.strip.height
        return [self.image.crop((wide * i, 0, wide * (i + 1), high)) for i in range(self.strip.frames)]

    @property
    def middle(self) -> Thumbnail:
        """Return the middle frame alone. Raises CorpusError if it cannot be decoded."""
        encoded = io.BytesIO()
        self.frames[self.strip.frames // 2].save(encoded, "JPEG", quality=90)
        strip = Filmstrip(1, self.strip.width, self.strip.height, "image/jpeg", encoded.getvalue())
        return Thumbnail(strip, self.title)

    def __repr__(self) -> str:
        return f"Thumbnail({self.title!r}: {counted(self.strip.frames, 'frame')}, {self.width}x{self.height})"

    def _repr_html_(self) -> str:
        label = escape(self.title or "a clip")
        picture = (
            f'<img src="{data_uri(self.strip.mime, self.data)}" alt="{label}" title="{label}" width="{self.width}"'
            f' height="{self.height}" style="display:block;max-width:100%;height:auto;margin:0">'
        )
        return _figure(picture, self.title)

    @property
    def _named(self) -> str:
        return f"The filmstrip of {self.title!r}" if self.title else "The filmstrip"


class Player:
    """A clip that plays in a notebook, muted and in a loop.

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
        label = f"{len(self.data) / 1000:,.0f} kB" if self.data else self.reason
        return f"Player({self.title!r}: {label})"

    def _repr_html_(self) -> str:
        if self.data:
            label = escape(self.title or "a clip")
            video = (
                f'<video src="{data_uri("video/mp4", self.data)}" title="{label}" aria-label="{label}" controls muted'
                ' loop playsinline preload="auto" style="display:block;max-width:100%;max-height:360px">'
                "This browser plays no H.264 video.</video>"
            )
            return _figure(video, self.title)
        shown = self.thumbnail._repr_html_() if self.thumbnail else ""
        return f'{shown}<p role="note" style="margin:4px 0">{escape(self.reason)}</p>'


def clip_title(video: str, start: float, end: float) -> str:
    """Return a clip's title: its video and its time."""
    return printable(", ".join(filter(None, (video, time_range(start, end)))))


def time_range(start: float, end: float) -> str:
    """Return the time of a clip as text, empty for a clip without times, whose `start` and `end` are NaN."""
    return "" if math.isnan(start) or math.isnan(end) else f"{clock_time(start)}–{clock_time(end)}"


def _figure(shown: str, caption: str) -> str:
    label = f'<figcaption style="opacity:.75;margin-top:2px">{escape(caption)}</figcaption>' if caption else ""
    return f'<figure style="margin:0;color:inherit">{shown}{label}</figure>'


def data_uri(mime: str, data: bytes) -> str:
    """Return some bytes as a URL that holds them."""
    return f"data:{escape(mime)};base64,{base64.b64encode(data).decode('ascii')}"
