"""A video that is decoded in this process, for one clip."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from va_widgets.base.paths import open_regular
from va_widgets.video import remote
from va_widgets.video.decode import Video

_THREADS = 2


@contextmanager
def opened_video(
    source: Path | str, allow: Collection[str], picture_side: int, *, every: bool = False, sound: bool = False
) -> Iterator[Video]:
    """Open a video, a path or URL, for the time of the block; see `Video` for what its pictures are like.

    `allow` are schemes of URLs that are followed beside the usual ones. Raises what `Video` and `remote.opened` do,
    OSError for a path to anything but a regular file.
    """
    with ExitStack() as opened:
        file: IO[bytes]
        if isinstance(source, Path):
            # The file that was checked is decoded, not its path, which could lead to a pipe by then.
            file = opened.enter_context(open_regular(source))
            size = os.fstat(file.fileno()).st_size
        else:
            file = opened.enter_context(remote.opened(source, allow))
            size = getattr(file, "size", None) or 1
        video = Video(file, size, 1, picture_side, _THREADS, every=every, sound=sound)
        opened.callback(video.close)
        yield video
