"""Clips of a reel as a timeline: of OpenTimelineIO, and by its adapters an EDL (CMX 3600) or FCPXML."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from va_widgets.base.errors import MissingPackageError

_STANDARD = (24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60000 / 1001, 60.0)  # rates that have a timecode
_AS_FCPX = {24000 / 1001: 23.98, 30000 / 1001: 29.97, 60000 / 1001: 59.94}  # as the adapter calls them
_WITHOUT_DROPS = {30000 / 1001: 30.0, 60000 / 1001: 60.0}  # at which the adapter for EDL writes no drop-frame time code
_LARGEST_MULTIPLE = 6


@dataclass(frozen=True)
class Piece:
    """A clip of the reel: frames `first` up to but without `end` of a video of `length` frames, `rate` a second.

    `zero` is the number of the video's first frame by its own time code, 0 if it has none, and `drops` whether that is
    drop-frame time code: None without one.
    """

    clip_id: str
    name: str
    video: str
    url: str
    rate: float
    first: int
    end: int
    length: int
    values: dict[str, Any]
    zero: int = 0
    drops: bool | None = None


def otio_json(pieces: Sequence[Piece], title: str) -> str:
    """Return a timeline as OpenTimelineIO's JSON. Raises MissingPackageError, as all of these functions."""
    return str(_otio_module().adapters.write_to_string(_timeline(pieces, title), "otio_json"))


def edl(pieces: Sequence[Piece], title: str) -> str:
    """Return an EDL, at the rate of most of the clips, whose sources' times are those of their own time code."""
    otio = _otio_module("cmx_3600")
    pieces = [_without_drops(piece) if piece.drops is False else piece for piece in pieces]
    rates = [_standard(piece.rate) for piece in pieces]
    rate = max(rates, key=rates.count)
    timeline = _timeline(pieces, plain(title), lambda _: (rate, True))
    return str(otio.adapters.write_to_string(timeline, "cmx_3600", rate=rate))


def _without_drops(piece: Piece) -> Piece:
    """Return a clip at the rate, of whole frames a second, at which the numbers of its frames are its time code."""
    return replace(piece, rate=_WITHOUT_DROPS.get(_standard(piece.rate), piece.rate))


def fcpxml(pieces: Sequence[Piece], title: str) -> str:
    """Return a timeline for Final Cut Pro X."""
    otio = _otio_module("fcpx_xml")

    def rate_of(rate: float) -> tuple[float, bool]:
        standard = _standard(rate)
        return _AS_FCPX.get(standard, standard), False

    return str(otio.adapters.write_to_string(_timeline(pieces, plain(title), rate_of), "fcpx_xml"))


def _timeline(
    pieces: Sequence[Piece], title: str, rate_of: Callable[[float], tuple[float, bool]] = lambda rate: (rate, False)
) -> Any:
    """Return the clips one after the other in one video track.

    `rate_of` returns the rate at which a clip of some rate is written, and whether its times become whole frames then;
    otherwise they stay the same time.
    """
    otio = _otio_module()
    timeline = otio.schema.Timeline(title)
    track = otio.schema.Track("hits", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    reels: dict[str, str] = {}
    for piece in pieces:
        rate, whole = rate_of(piece.rate)

        def moment(frame: int, piece: Piece = piece, rate: float = rate, whole: bool = whole) -> Any:
            # An EDL has time code, of which the seconds stay the same at another rate.
            zero = piece.zero * (round(rate) / max(1, round(piece.rate)) if whole else rate / piece.rate)
            value = zero + frame * rate / piece.rate
            return otio.opentime.RationalTime(round(value) if whole or rate == piece.rate else value, rate)

        def span(first: int, end: int, moment: Callable[..., Any] = moment, rate: float = rate) -> Any:
            shortest = otio.opentime.RationalTime(1, rate)  # also where a frame is less than one of the other rate
            return otio.opentime.TimeRange(moment(first), max(moment(end) - moment(first), shortest))

        reference = otio.schema.ExternalReference(piece.url, span(0, piece.length))
        facts = {name: _fact(value) for name, value in piece.values.items()}
        if piece.video not in reels:
            reels[piece.video] = _reel(piece.video, set(reels.values()))
        facts = {"va_widgets": {"clip_id": piece.clip_id, **facts}, "cmx_3600": {"reel": reels[piece.video]}}
        track.append(otio.schema.Clip(piece.name, reference, span(piece.first, piece.end), facts))
    return timeline


def _reel(video: str, taken: Collection[str]) -> str:
    """Return a name of a video with at most eight letters and digits, as an EDL has them, that is not `taken`."""
    letters = "".join(sign for sign in Path(file_name(video)).stem if sign.isascii() and sign.isalnum())[:8]
    number = len(taken) + 1
    return letters if letters and letters not in taken else f"{letters[:3]}{number:0{8 - len(letters[:3])}d}"


def _standard(rate: float) -> float:
    """Return the rate with a timecode that is this one, a small multiple of it, or else the nearest one."""
    for factor in range(1, _LARGEST_MULTIPLE + 1):
        for standard in _STANDARD:
            if math.isclose(rate * factor, standard, rel_tol=1e-4):
                return standard
    return min(_STANDARD, key=lambda standard: abs(standard - rate))


def _fact(value: Any) -> Any:
    """Return a value as JSON has it."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def file_name(video: str) -> str:
    """Return the last part of the path or URL of a video, by the rules of any system."""
    return re.split(r"[/\\]", video)[-1] or "video"


def plain(name: str) -> str:
    """Return a name without control characters, which would begin a new line of an EDL, and without quotes, which the
    adapters put into paths of XML.
    """
    return "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in name).replace("'", "’")


def _otio_module(adapter: str = "otio_json") -> Any:
    """Return OpenTimelineIO. Raises MissingPackageError if it, or one of its adapters, is not installed."""
    try:
        otio = import_module("opentimelineio")
        if adapter in otio.adapters.available_adapter_names():
            return otio
    except ImportError:
        pass
    raise MissingPackageError(
        'A timeline needs OpenTimelineIO and its adapters, which are not all installed: pip install "va-widgets[reel]".'
    )
