"""A corpus whose files are damaged or edited on purpose, and a process that opens and uses what comes of it.

Run as a program, it damages and uses a corpus so many times and prints what came of it; it imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import va_widgets as va
from va_widgets.corpus.files import shards
from va_widgets.corpus.files.digests import Written, sealed
from va_widgets.corpus.manifest import MANIFEST_FILE, SCHEMA_VERSION, Manifest, Root, Source
from va_widgets.corpus.verification import verify
from va_widgets.video.motion.features import FEATURES, MOTION_VERSION

CLIPS, DIM = 12, 8
_LONGEST = 120  # seconds that a case may take before its process is ended
_MEGABYTES = 1500  # of address space that a case may add to what the process has
_ODD_NUMBERS: list[Any] = [-1, 0, 7, 2**31, -(2**63), 2**63 - 1, -1e308, 1e308, 1.5, float("nan"), float("inf"), None]
_ODD_TEXTS = [
    "",
    "..",
    "../private",
    "/etc",
    "a/b",
    "a\\b",
    "a\0b",
    "x" * 5000,
    "clips-1.parquet",
    "\u202e",
    "labels.sqlite",
]
_ODD_VALUES: list[Any] = [*_ODD_NUMBERS, *_ODD_TEXTS, True, [], {}, [[]], {"a": 1}]


@dataclass(frozen=True)
class Outcome:
    """What became of a case: the error that was raised, "" if none was; whether it was one of ours; what it took."""

    corpus: str
    change: str
    error: str
    ours: bool
    same: bool  # whether clips and embeddings are those that it had
    verified: str  # the statuses that `verify` told, other than "ok"
    seconds: float


def write_corpora(folder: Path) -> list[Path]:
    """A corpus of two videos and one of embeddings, each with digests and, as older versions wrote it, without."""
    filmed, given = folder / "filmed", folder / "given"
    write_filmed(filmed)
    write_given(given)
    corpora = [filmed, given]
    for corpus in (filmed, given):
        older = Path(shutil.copytree(corpus, folder / f"{corpus.name}-older"))
        forget_digests(older)
        corpora.append(older)
    return corpora


def write_filmed(path: Path) -> None:
    """A corpus with filmstrips and sources, as a build leaves it; its videos are gone."""
    from va_widgets.corpus.building.merge import merge
    from va_widgets.video.filmstrip import filmstrip

    rng = np.random.default_rng(0)
    sources = []
    for number in range(2):
        key, n = f"{number:016x}", CLIPS // 2
        strips = [filmstrip([np.full((18, 32, 3), 40 * i + clip, np.uint8) for i in range(3)]) for clip in range(n)]
        ends = np.cumsum([len(strip.data) for strip in strips])
        clips = pd.DataFrame(
            {
                "start": np.arange(n) * 2.0, "end": np.arange(n) * 2.0 + 1.5, "frame_in": np.arange(n) * 50,
                "frame_out": np.arange(n) * 50 + 37, "fps": 25.0, "width": 320, "height": 180, "_key": key,
                "_strip_at": [0, *ends[:-1]], "_strip_bytes": [len(strip.data) for strip in strips],
                "_strip_frames": 3, "_strip_width": strips[0].width, "_strip_height": strips[0].height,
            },
            index=pd.Index([f"{key}-{clip}" for clip in range(n)], name="clip_id"),
        )  # fmt: skip
        card = shards.ShardCard("encoder", 3, "done", "", n, motion_version=MOTION_VERSION)
        vectors = rng.standard_normal((n, DIM)).astype(np.float16)
        motion = rng.standard_normal((n, len(FEATURES))).astype(np.float16)
        strip_bytes = b"".join(strip.data for strip in strips)
        table = pa.Table.from_pandas(clips.reset_index(), preserve_index=False).select(shards.TABLE.names)
        shards.write_shard(path, key, shards.Shard(table, vectors, strip_bytes, card, motion))
        sources.append(Source(f"{number}.mp4", 0, 1000, 1, key, "done", "", n, 0.5, key))
    made = Manifest(SCHEMA_VERSION, "encoder", None, 0, 0, 3, "", "", None, [Root("/nowhere/films", "../films")])
    mine = pd.DataFrame(
        {"mine": [f"{i}" for i in range(CLIPS)]}, pd.Index([f"{i // 6:016x}-{i % 6}" for i in range(CLIPS)])
    )
    merge(path, None, sources, mine.rename_axis("clip_id"), made, progress=False)


def write_given(path: Path) -> None:
    """A corpus of embeddings and phrases."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"clip_id": [f"c{i}" for i in range(CLIPS)], "video": "a.mp4", "start": np.arange(CLIPS) * 1.0}
    )
    table["end"] = table["start"] + 1
    phrases = {"a dog": rng.standard_normal(DIM), "a cat": rng.standard_normal(DIM)}
    vectors, views = rng.standard_normal((CLIPS, DIM)), {"mine": rng.standard_normal((CLIPS, 3))}
    va.Corpus.from_embeddings(path, vectors, table, text_embeddings=phrases, views=views)


def forget_digests(path: Path) -> None:
    """Turn a corpus into one of an older version, which kept neither sizes nor digests of its files."""
    cards = [*path.glob("shards/*/shard.json")]
    for file in [path / MANIFEST_FILE, *cards]:
        content = json.loads(file.read_text(encoding="utf-8"))
        for name in ("files", "replaced", "check"):
            content.pop(name, None)
        file.write_text(json.dumps(content), encoding="utf-8")


def record_digests(path: Path) -> None:
    """Enter what the files of a corpus hold now into its manifest, as somebody does who tampers with it."""
    file = path / MANIFEST_FILE
    content = json.loads(file.read_text(encoding="utf-8"))
    if content.get("files"):
        names = [name for name in content["files"] if (path / name).is_file()]
        files = {name: Written.of_file(path / name) for name in names}
        content["files"] = {name: {"size": one.size, "digest": one.digest} for name, one in files.items()}
        file.write_text(json.dumps(sealed(content)), encoding="utf-8")


# --- damage ----------------------------------------------------------------------------------------


def damage(path: Path, rng: np.random.Generator) -> str:
    """Do something to a file of a corpus. Returns what it was."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    if rng.random() < 0.5:
        file = files[rng.integers(len(files))]
        how = _BYTES[rng.integers(len(_BYTES))]
        file.write_bytes(how(bytearray(file.read_bytes()), rng))
        return f"{how.__name__} {file.relative_to(path).as_posix()}"
    edited = [file for file in files if file.suffix in (".json", ".parquet")]
    file = edited[rng.integers(len(edited))]
    what = _edit_json(file, rng) if file.suffix == ".json" else _edit_table(file, rng)
    if file.suffix == ".parquet" and rng.random() < 0.8:  # otherwise its digest gives it away
        record_digests(path)
    return f"{what} in {file.relative_to(path).as_posix()}"


def flipped(data: bytearray, rng: np.random.Generator) -> bytes:
    """Some bits flipped."""
    for place in rng.integers(0, len(data), int(rng.integers(1, 9))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def end_flipped(data: bytearray, rng: np.random.Generator) -> bytes:
    """A bit flipped near the end, where Parquet and ZIP files say what they hold."""
    data[-1 - int(rng.integers(min(len(data), 4000)))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def cut(data: bytearray, rng: np.random.Generator) -> bytes:
    """The end missing."""
    return bytes(data[: int(rng.integers(len(data)))])


def zeroed(data: bytearray, rng: np.random.Generator) -> bytes:
    """A part full of zeros."""
    start = int(rng.integers(len(data)))
    end = min(len(data), start + int(rng.integers(1, 200)))
    data[start:end] = bytes(end - start)
    return bytes(data)


def grown(data: bytearray, rng: np.random.Generator) -> bytes:
    """A part twice."""
    start, end = sorted(int(place) for place in rng.integers(0, len(data) + 1, 2))
    data[start:start] = data[start:end]
    return bytes(data)


_BYTES: list[Callable[[bytearray, np.random.Generator], bytes]] = [flipped, flipped, end_flipped, cut, zeroed, grown]


def _edit_json(file: Path, rng: np.random.Generator) -> str:
    """Put an odd value into a field, or leave it out."""
    content = json.loads(file.read_text(encoding="utf-8"))
    places: list[tuple[Any, Any]] = []
    found: list[Any] = [content]
    while found:
        one = found.pop()
        inner = [*one.items()] if isinstance(one, dict) else [*enumerate(one)]
        places += [(one, key) for key, _ in inner]
        found += [value for _, value in inner if isinstance(value, (dict, list))]
    holder, key = places[rng.integers(len(places))]
    how = int(rng.integers(len(_ODD_VALUES) + 2))
    if how == len(_ODD_VALUES) or (how < len(_ODD_VALUES) and _ODD_VALUES[how] == holder[key]):
        del holder[key]
        text, told = json.dumps(content), "nothing"
    elif how > len(_ODD_VALUES):
        holder[key] = "@@"
        text, told = json.dumps(content).replace('"@@"', "[" * 100_000 + "]" * 100_000), "depth"
    else:
        holder[key] = _ODD_VALUES[how]
        text, told = json.dumps(content), repr(_ODD_VALUES[how])[:30]
    file.write_text(text, encoding="utf-8")
    return f"{key} = {told}"


def _edit_table(file: Path, rng: np.random.Generator) -> str:
    """Put an odd value into a column, repeat its first value, change its type, or leave the column or a row out."""
    table = pq.read_table(file)
    number = int(rng.integers(table.num_columns))
    name, column = table.column_names[number], table.column(number)
    row = int(rng.integers(table.num_rows))
    how = str(rng.choice(["value", "value", "value", "first", "type", "bytes", "gone", "row", "name"]))
    values = column.to_pylist()
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    told = how
    if how == "value":
        odd = _ODD_TEXTS if pa.types.is_string(kind) or pa.types.is_large_string(kind) else _ODD_NUMBERS
        values[row] = odd[rng.integers(len(odd))]
        told = repr(values[row])[:30]
        try:
            made = pa.array(values, kind)
        except (pa.ArrowException, OverflowError, ValueError, TypeError):
            made = pa.array([None if i == row else value for i, value in enumerate(column.to_pylist())], kind)
        table = table.set_column(number, pa.field(name, made.type), made)
    elif how == "first":
        values[row] = values[0]
        table = table.set_column(number, name, pa.array(values, kind))
    elif how == "type":
        table = table.set_column(number, name, pa.array([str(value) if row % 2 else [1] for value in values]))
    elif how == "bytes":
        made = pa.array([b"\xff\xfe" for _ in values], pa.binary()).cast(pa.string(), safe=False)
        table = table.set_column(number, name, made)
    elif how == "gone":
        table = table.drop_columns([name])
    elif how == "row":
        table = table.slice(1)
    else:
        table = table.rename_columns(["start" if i == number else one for i, one in enumerate(table.column_names)])
    pq.write_table(table, file)
    return f"{name} = {told}"


# --- use -------------------------------------------------------------------------------------------


def use(path: Path, *, page: bool = True) -> bytes:
    """Open a corpus and look at what it shows, and at its summary's page if that is wanted.

    Returns a digest of its clips, embeddings and other views.
    """
    corpus = va.Corpus.open(path)
    table = corpus.clips
    assert len(table) == len(corpus) == len(corpus.embeddings) == CLIPS
    assert table.index.is_unique
    assert len(corpus.report) <= 2
    if page:
        assert len(corpus._repr_html_()) < 200_000
    clip = table.index[CLIPS // 2]
    assert len(corpus.similar(clip, 3)) == 3
    for phrase in corpus.phrases:
        corpus.search(phrase, 3)
    corpus.play(clip)._repr_html_()
    if corpus.frames_per_shot > 1:
        corpus.thumbnail(clip).image.load()
    digest = hashlib.sha256(np.asarray(corpus.embeddings).tobytes())
    for view in corpus.views:
        digest.update(view.encode() + np.asarray(corpus.view(view)).tobytes())
    if "motion" in corpus.views:
        digest.update(corpus.motion.to_numpy().tobytes())
    digest.update(repr(table.reset_index().to_dict("list")).encode())
    return digest.digest()


def tried(path: Path, seed: int, right: bytes) -> Outcome:
    """Damage a corpus, use it and put it right again."""
    contents = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    try:
        change = damage(path, np.random.default_rng(seed))
        started = time.perf_counter()
        error, ours, same, verified = "", True, False, ""
        try:
            same = use(path, page=seed % 6 == 0) == right
        except va.VaError as raised:
            error = f"{type(raised).__name__}: {raised}"
        except Exception as raised:
            error, ours = f"{type(raised).__name__}: {raised}", False
        if seed % 5 == 0 or not (error or path.name.endswith("-older")):  # it takes as long as all else
            try:
                verified = " ".join(sorted(set(verify(path, progress=False)["status"]) - {"ok"}))
            except Exception as raised:
                error, ours = f"{type(raised).__name__} by verify: {raised}", False
        return Outcome(path.name, change, error[:500], ours, same, verified, time.perf_counter() - started)
    finally:
        for file, content in contents.items():
            if not file.is_file() or file.read_bytes() != content:
                file.write_bytes(content)


def main(arguments: list[str]) -> None:
    """Try the corpora in a folder with the seeds from `first` to `last`; print an outcome a line."""
    folder, first, last = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    warnings.simplefilter("ignore")
    corpora = sorted(corpus for corpus in folder.iterdir() if corpus.is_dir())
    right = [use(corpus) for corpus in corpora]
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    cv2.setNumThreads(1)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    if pages:
        most = pages * resource.getpagesize() + _MEGABYTES * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for seed in range(first, last):
        print(json.dumps({"seed": seed}), flush=True)
        signal.alarm(_LONGEST)
        number = seed % len(corpora)
        print(json.dumps(asdict(tried(corpora[number], seed, right[number]))), flush=True)
    print(json.dumps({"torch": "torch" in sys.modules, "megabytes": _peak()}), flush=True)


def _peak() -> float:
    """The most memory that this process has had, in MB. What getrusage gives begins with that of the parent process."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    most = next((line for line in lines if line.startswith("VmHWM:")), None)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if most is None else int(most.split()[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
