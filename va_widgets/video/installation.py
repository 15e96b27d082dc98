"""Check whether this installation can decode at all: if not, files are not at fault."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from va_widgets.base.errors import CorpusError
from va_widgets.video.decoder_messages import Failed, PicturesRequest, Refused, Request
from va_widgets.video.decoder_process import DecoderProcess, Watch

_VIDEO = Path(__file__).with_name("probe.mp4")
_IMAGE = Path(__file__).with_name("probe.png")
_SIDE = 32  # pixels


def check_decoding(pictures: bool) -> None:
    """Decode a small video, or an image, that comes with the package, in a process like those of a build.

    Raises CorpusError if that fails: then the installation is broken, not a file of the user's.
    """
    place = str(_IMAGE if pictures else _VIDEO)
    request = PicturesRequest([place], _SIDE) if pictures else Request(place, _VIDEO.stat().st_size, _SIDE, 1)
    with ExitStack() as opened:
        process = DecoderProcess()
        opened.callback(process.close)
        watch = Watch([process])
        opened.callback(watch.close)
        watch.start()
        for message in process.read(request):
            if isinstance(message, (Failed, Refused)):
                raise CorpusError(
                    f"This installation cannot read {'pictures' if pictures else 'videos'}: even the one that comes"
                    f" with va-widgets fails, as {message.reason}. Install va-widgets again in a new environment."
                )
