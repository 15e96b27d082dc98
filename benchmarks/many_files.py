"""Measure what a build costs for many small files, many pictures and a long film, and how long a preview takes.

Every part runs in a process of its own, whose peak memory is its own, on files that are made here. Beside the seconds
that pass there are those of processors, of the build's own process and of its decoders: on a busy machine only these
can be compared. The encoder is va-tiny; its share is in a column of its own. Of the memory of the build's own process
one column is what only it has ("own"), the other holds the files of libraries, too, which other processes share and the
system drops where memory is short. The marks hold for two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

import va_widgets as va
from benchmarks.media_files import made, make_film, make_large_pictures, make_pictures, make_videos
from va_widgets.corpus.building.merge import merge
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import SCHEMA_VERSION, Manifest, Root, Source
from va_widgets.encoders.protocol import OpenClipEncoder
from va_widgets.video.motion.features import FEATURES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}; by default all")
    parser.add_argument("--files", type=int, default=3000, help="videos of one second")
    parser.add_argument("--shards", type=int, nargs="+", default=[3000, 10_000, 30_000], help="that are joined")
    parser.add_argument("--pictures", type=int, default=3000, help="small pictures; five large ones are in a row below")
    parser.add_argument("--minutes", type=int, default=120, help="length of the film")
    parser.add_argument("--previews", type=int, default=100)
    parser.add_argument("--keep", type=Path, help="keep the files that are made in this folder for the next call")
    parser.add_argument("--measure", help=argparse.SUPPRESS)  # a part, in a process of its own
    options = parser.parse_args()
    if options.measure:
        with tempfile.TemporaryDirectory(dir=options.keep) as scratch:
            print(json.dumps(PARTS[options.measure](options.keep, Path(scratch), options)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        home = options.keep or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        rows: list[dict[str, object]] = []
        for part in options.parts:
            make(part, home, options)
            command = [sys.executable, "-m", "benchmarks.many_files", "--measure", part, *sys.argv[1:], "--keep", home]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            rows += json.loads(done.stdout.splitlines()[-1])
            print(f"{part}: done", flush=True)
    print(pd.DataFrame(rows).to_string(index=False, na_rep="", float_format="{:.2f}".format))


def make(part: str, home: Path, options: argparse.Namespace) -> None:
    """Make the files of a part, in another process than the one that is measured."""
    if part == "files":
        made(home / f"files-{options.files}", partial(make_videos, number=options.files))
    elif part == "pictures":
        made(home / f"pictures-{options.pictures}", partial(make_pictures, number=options.pictures))
        made(home / "large", make_large_pictures)
    elif part == "film":
        made(home / f"film-{options.minutes}", partial(make_film, minutes=options.minutes))


# --- what is measured ------------------------------------------------------------------------------


class Usage:
    """Seconds and memory of a piece of work: `row` has them once it is done."""

    def __init__(self) -> None:
        self.row: dict[str, object] = {}
        self.peak = 0.0  # of a child process
        self.own = 0.0
        self.over = threading.Event()

    def watch(self) -> None:
        """Note peaks of memory of which the operating system does not tell later."""
        while not self.over.wait(0.05):
            self.own = max(self.own, memory_of("self", "RssAnon"))
            for child in " ".join(map(text_of, Path("/proc/self/task").glob("*/children"))).split():
                # Until a new process has loaded its program it shares, and reports, the memory of this one.
                if "decoder_main" in text_of(Path("/proc", child, "cmdline")):
                    self.peak = max(self.peak, memory_of(child, "VmHWM"))


@contextmanager
def used(what: str, mark: str, encoder: TimedEncoder | None = None) -> Iterator[Usage]:
    """Measure a piece of work."""
    usage = Usage()
    thread = threading.Thread(target=usage.watch, daemon=True)
    thread.start()
    started, own, children = time.perf_counter(), time.process_time(), children_time()
    yield usage
    seconds = time.perf_counter() - started
    own, children = time.process_time() - own, children_time() - children
    usage.over.set()
    thread.join()
    usage.row = {
        "work": what,
        "seconds": seconds,
        "CPU main": own,
        "CPU decoders": children,
        "CPU encoder": encoder.spent if encoder else None,
        "MB main": memory_of("self", "VmHWM"),
        "own": usage.own or None,
        "MB decoder": usage.peak or None,
        "mark": mark,
    }


def children_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory_of(process: str, kind: str) -> float:
    """Return the memory of a process in MB, of a kind as Linux names it; 0 where it is not known."""
    lines = [line for line in text_of(Path("/proc", process, "status")).splitlines() if line.startswith(kind)]
    return int(lines[0].split()[1]) / 1e3 if lines else 0.0


def text_of(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


class TimedEncoder(OpenClipEncoder):
    """va-tiny; `spent` are the processor seconds of its calls."""

    spent = 0.0

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the frames' vectors, and add to `spent`."""
        started = time.process_time()
        vectors = super().encode_frames(frames)
        self.spent += time.process_time() - started
        return vectors


def built(videos: Path, scratch: Path, what: str, mark: str) -> tuple[va.Corpus, Usage]:
    """Return a corpus of a folder, and what its build took."""
    encoder = TimedEncoder()
    encoder.encode_frames([np.zeros((90, 160, 3), np.uint8)])  # loads it
    encoder.spent = 0.0
    with used(what, mark, encoder) as usage:
        corpus = va.Corpus.build(scratch / videos.name, videos, encoder, progress=False)
    assert (corpus.report["status"] == "done").all(), corpus.report
    return corpus, usage


def files(home: Path, scratch: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    """Build a corpus of small files."""
    _, usage = built(home / f"files-{options.files}", scratch, f"{options.files} files of 1 s", "3,000: 90 s, 800 MB")
    return [usage.row]


def pictures(home: Path, scratch: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    """Build corpora of small and of large pictures."""
    _, small = built(home / f"pictures-{options.pictures}", scratch, f"{options.pictures} pictures", "")
    _, large = built(home / "large", scratch, "5 pictures of 177 megapixels", "decoder 1,000 MB")
    return [small.row, large.row]


def film(home: Path, scratch: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    """Build a corpus of a long film, and cut previews of it."""
    corpus, usage = built(home / f"film-{options.minutes}", scratch, "", "40 x realtime")
    speed = 60 * options.minutes / float(str(usage.row["seconds"]))
    usage.row["work"] = f"{options.minutes} min of 360p: {speed:.0f} x realtime, {len(corpus)} clips"
    clips = np.random.default_rng(0).permutation(corpus.clips.index)[: options.previews]
    times = []
    with used("", "p95: 1 s") as previews:
        for clip in clips:
            started = time.perf_counter(), time.process_time()
            corpus.preview(str(clip))
            times.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    (middle, late), (_, late_cpu) = (np.percentile(column, [50, 95]) for column in zip(*times, strict=True))
    work = f"{len(times)} previews: median {middle:.2f} s, p95 {late:.2f} s, of CPU {late_cpu:.2f} s"
    previews.row["work"] = work
    return [usage.row, previews.row]


def join(home: Path, scratch: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    """Join shards of one clip each, as of very many small files."""
    rows = []
    for number in options.shards:
        folder = scratch / str(number)
        folder.mkdir()
        sources = write_shards(folder, number)
        template = Manifest(SCHEMA_VERSION, "none", None, 0, 0, 8, "", "", None, roots=[Root.of(home, folder)])
        with used("", "linear") as usage:
            merge(folder, None, sources, None, template, progress=False)
        usage.row["work"] = f"{number} shards joined: {float(str(usage.row['seconds'])) / number * 1e3:.1f} ms each"
        rows.append(usage.row)
    return rows


def write_shards(folder: Path, number: int) -> list[Source]:
    """Write shards of one clip each, and return their sources."""
    card = shards.ShardCard("none", 8, "done", "", 1)
    values = dict.fromkeys(shards.TABLE.names, 1)

    def write(place: int) -> Source:
        key, rng = f"{place:016x}", np.random.default_rng(place)
        clip = pa.Table.from_pylist([{**values, "clip_id": f"{key}-0", "_key": key}], schema=shards.TABLE)
        vector, motion = (rng.normal(size=(1, dim)).astype(np.float16) for dim in (512, len(FEATURES)))
        shards.write_shard(folder, key, shards.Shard(clip, vector, b"1", card, motion))
        return Source(f"{place}.mp4", 0, 1, 1, key, "done", "", 1, 0.0, key)

    with ThreadPoolExecutor(8) as writers:
        return list(writers.map(write, range(number)))


PARTS = {"files": files, "pictures": pictures, "film": film, "join": join}


if __name__ == "__main__":
    main()
