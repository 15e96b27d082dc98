"""The modules of `video` can be used in a script that knows no corpus."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.video.video_files import write_video

PROGRAM = """
import sys
from pathlib import Path
from va_widgets.video.decode import Video
from va_widgets.video import shots

path = Path(sys.argv[1])
video = Video(path, path.stat().st_size, small_side=36, picture_side=64)
for shot in shots.shots(video.frames(), shots.Transitions(video.seen_fps), samples=2):
    print(shot.frame_in, shot.frame_out, len(shot.pictures))
video.close()
others = ("va_widgets.corpus", "va_widgets.session", "va_widgets.encoders", "torch", "sklearn")
print(*(name for name in others if name in sys.modules))
"""


def test_a_script_finds_the_shots_of_a_video_without_a_corpus(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [(0, 30), (1, 45)], size=(96, 64))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "a.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0 30 2", "30 75 2", ""]
