"""Tells a fault of this installation, which every file would meet, from a fault of one file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from va_widgets.base.errors import CorpusError
from va_widgets.video.decoder_process import DecoderProcess, Failed, PicturesRequest, Refused, Request, Watch

_VIDEO = Path(__file__).with_name("probe.mp4")
_PICTURE = Path(__file__).with_name("probe.png")
_SIDE = 32  # pixels


def check_decoding(pictures: bool) -> None:
    """Read a small video, or a picture, that comes with the package, in a process like those of a build.

    Raises CorpusError if that fails: then no file can be read here, and none is to blame.
    """
    place = str(_PICTURE if pictures else _VIDEO)
    request = PicturesRequest([place], _SIDE) if pictures else Request(place, _VIDEO.stat().st_size, _SIDE, 1)
    with ExitStack() as opened:
        reader = DecoderProcess()
        opened.callback(reader.close)
        watch = Watch([reader])
        opened.callback(watch.close)
        watch.start()
        for message in reader.read(request):
            if isinstance(message, (Failed, Refused)):
                raise CorpusError(
                    f"This installation cannot read {'pictures' if pictures else 'videos'}: even the one that comes"
                    f" with va-widgets fails, as {message.reason}. Install va-widgets again in a new environment."
                )
