"""WebVTT: a file of chapters for each video, whose cues name what a clip shows, a concept a line.

See https://www.w3.org/TR/webvtt1/.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd

from va_widgets.base.errors import ExchangeError
from va_widgets.base.paths import inside, is_folder
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import MOST_PROBLEMS, Foreign
from va_widgets.exchange.formats.names import METADATA, files_of, held_not, left_out, placed, unquoted

_VIDEO = "NOTE video: "
_ARROW = "-->"
_TIMES = re.compile(r"((?:\d+:)?\d+:\d+[.,]\d+)[ \t]+-->[ \t]+((?:\d+:)?\d+:\d+[.,]\d+)(?:[ \t].*)?")
_TAGS = re.compile(r"<[^>]*>")


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return a file for each video with clips that count as yes; a cue's identifier is the id of its clip."""
    rows = content.rows
    yes = rows[rows["value"] == "yes"]
    kept = placed(yes).sort_values(["start", "end"], kind="stable")
    written = {}
    names = files_of(sorted(kept["video"].unique()))
    for video, clips in kept.groupby("video", sort=True, observed=True):
        blocks = ["WEBVTT", f"{_VIDEO}{_escaped(str(video))}"]
        for clip, cues in clips.groupby("clip_id", sort=False):
            first = cues.iloc[0]
            lines = [_escaped(concept) for concept in sorted(cues["concept"])]
            times = f"{_clock(first['start'])} {_ARROW} {_clock(first['end'])}"
            identifier = _escaped(str(clip)).replace("\n", " ").replace("\r", " ")
            blocks.append("\n".join([identifier, times, *lines]))
        written[f"{names[str(video)]}.vtt"] = ("\n\n".join(blocks) + "\n").encode()
    notes = left_out(
        {
            'labels "no"': int(rows["value"].eq("no").sum()),
            'labels "unsure"': int(rows["value"].eq("unsure").sum()),
            "ties": int(rows["value"].eq("tie").sum()),
            "clips without times": len(yes) - len(kept),
        },
        "WebVTT",
    )
    return written, [*notes, *held_not(yes, "WebVTT", METADATA)]


def read(path: Path) -> Foreign:
    """Return the cues of a file, or of all files in a folder. Without a note of ours a file is called as its video."""
    files = sorted(path.glob("*.vtt")) if is_folder(path) else [path]
    if not files:
        raise ExchangeError(f"{path} holds no .vtt files.")
    rows: list[dict[str, object]] = []
    numbers: list[int] = []
    parts: list[str] = []
    bad: list[tuple[int, str, str]] = []
    bad_count = 0
    for file in files:
        source = inside(path, file.name, error=ExchangeError) if is_folder(path) else file
        try:
            text = source.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ExchangeError(f"{file} is not UTF-8: save it with that encoding.") from error
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if not lines[0].startswith("WEBVTT"):
            raise ExchangeError(f"{file} does not begin with WEBVTT: is it in another format?")
        video, ours = unquoted(file.stem), False  # identifiers of other programs are mere numbers
        for number, block in _blocks(lines):
            if block[0].startswith(_VIDEO):
                video, ours = html.unescape(block[0].removeprefix(_VIDEO)), True
            at = next((place for place, line in enumerate(block[:2]) if _ARROW in line), None)
            if at is None and block[0].startswith(("WEBVTT", "NOTE", "STYLE", "REGION")):
                continue
            times = None if at is None else _TIMES.fullmatch(block[at].strip())
            if at is None or times is None:
                bad_count += 1
                if len(bad) < MOST_PROBLEMS:
                    bad.append((number, file.name, "it is no cue with times such as 00:01.000 --> 00:04.000"))
                continue
            for offset, line in enumerate(block[at + 1 :], at + 1):
                concept = html.unescape(_TAGS.sub("", line))
                concept = concept if ours else concept.strip()
                if concept.strip():
                    identifier = html.unescape(block[0]) if at and ours else None
                    row = {"concept": concept, "video": video, "clip_id": identifier}
                    rows.append({**row, "start": times[1], "end": times[2]})
                    numbers.append(number + offset)
                    parts.append(file.name)
    if not rows and not bad_count:
        raise ExchangeError(f"{path} holds no cues with texts.")
    table = pd.DataFrame(rows, dtype=object, columns=["concept", "video", "clip_id", "start", "end"])
    places = parts if len(files) > 1 else None
    line_numbers = np.array(numbers, dtype=np.int64)
    return Foreign(table, path.name, "line", line_numbers, places, bad=bad, bad_count=bad_count)


def _blocks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Return the blocks between empty lines, each with the number of its first line."""
    blocks: list[tuple[int, list[str]]] = []
    open_ = False
    for number, line in enumerate(lines, 1):
        if line.strip():
            if open_:
                blocks[-1][1].append(line)
            else:
                blocks.append((number, [line]))
        open_ = bool(line.strip())
    return blocks


def _clock(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{milliseconds:03d}"


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
