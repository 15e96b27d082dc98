"""Which format suits a corpus: a memory-mapped matrix with a Parquet table, Lance, or one Parquet file.

Every layout holds the same clips: a table, embeddings, and filmstrips of about 20 KB for some of them. Opening is
measured in a fresh process, after the files have been dropped from the page cache ("cold") and again ("warm").
`--tables` asks instead how the clip table alone is best kept: seconds to read, seconds to the first look-up of a clip,
and private memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.matrix import half_products

CLIPS_A_VIDEO = 50
STRIP_BYTES = 20_000
BLOCK = 1 << 16
HEADER = 128  # bytes before the values in an .npy file
SCALARS = ("clip_id", "video", "start", "end", "frame_in", "frame_out", "fps", "width", "height", "cluster")


# --- what is kept ----------------------------------------------------------------------------------


def clip_table(clips: int, first: int = 0) -> pd.DataFrame:
    """`clips` rows of a corpus's table from row `first` on."""
    row = np.arange(first, first + clips)
    video = row // CLIPS_A_VIDEO
    start = (row % CLIPS_A_VIDEO) * 4.12 + (row * 7919 % 997) / 250  # shots are of all lengths
    key = [f"{(number * 0x9E3779B97F4A7C15) % (1 << 64):016x}" for number in range(video[0], video[-1] + 1)]
    return pd.DataFrame(
        {
            "clip_id": [
                f"{key[v - video[0]]}-{s:08d}-{s + 4120:08d}"
                for v, s in zip(video, np.round(start * 1000).astype(int), strict=True)
            ],
            "video": [f"series/season-{v % 9}/episode-{v:06d}.mp4" for v in video],
            "start": start,
            "end": start + 4.12,
            "frame_in": np.round(start * 25).astype(np.int64),
            "frame_out": np.round((start + 4.12) * 25).astype(np.int64),
            "fps": 25.0,
            "width": 1920,
            "height": 1080,
            "cluster": row % 10,
        }
    )


def vectors(clips: int, dim: int, seed: int) -> NDArray[np.float16]:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((clips, dim), dtype=np.float32)
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float16)


def strip(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return rng.bytes(int(rng.integers(STRIP_BYTES // 2, STRIP_BYTES * 3 // 2)))


# --- layouts -----------------------------------------------------------------------------------------


class _Files:
    """embeddings.npy, clips-*.parquet, strips.bin, and a manifest that says how many clips are whole.

    An append writes behind the end of the matrix and the strips and adds a table; the manifest, replaced as a whole,
    then makes it count. What lies behind the manifest's end was cut off by a kill, and is written over.
    """

    name = "npy + Parquet + packed strips"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "files"

    def write(self, clips: int, dim: int, strips: int) -> None:
        self.folder.mkdir()
        np.lib.format.open_memmap(self.folder / "embeddings.npy", mode="w+", dtype=np.float16, shape=(0, dim))
        self._commit({"clips": 0, "dim": dim, "tables": []})
        for start in range(0, clips, BLOCK):
            some = min(BLOCK, clips - start)
            self._extend(vectors(some, dim, start), [strip(i) for i in range(start, min(strips, start + some))])
        manifest = self._manifest()
        clip_table(clips).to_parquet(self.folder / "clips-0.parquet", index=False)
        self._commit({**manifest, "tables": ["clips-0.parquet"]})

    def _extend(self, matrix: NDArray[np.float16], strips: list[bytes]) -> None:
        manifest = self._manifest()
        with (self.folder / "embeddings.npy").open("r+b") as opened:
            opened.seek(HEADER + manifest["clips"] * manifest["dim"] * 2)
            opened.write(matrix.tobytes())
            opened.flush()
            os.fsync(opened.fileno())
        places = self._places()
        end = int(places[-1].sum()) if len(places) else 0
        lengths = np.array([len(data) for data in strips] + [0] * (len(matrix) - len(strips)), dtype=np.int64)
        with (self.folder / "strips.bin").open("r+b" if end else "wb") as opened:
            opened.seek(end)
            opened.write(b"".join(strips))
            opened.flush()
            os.fsync(opened.fileno())
        new = np.stack([end + np.cumsum(lengths) - lengths, lengths], axis=1)
        with (self.folder / "strips.idx").open("r+b" if len(places) else "wb") as opened:
            opened.seek(16 * len(places))
            opened.write(new.tobytes())
            opened.flush()
            os.fsync(opened.fileno())
        self._commit({**manifest, "clips": manifest["clips"] + len(matrix)})

    def append(self, clips: int) -> None:
        manifest = self._manifest()
        first = manifest["clips"]
        name = f"clips-{first}.parquet"
        clip_table(clips, first).to_parquet(self.folder / name, index=False)
        self._commit({**manifest, "tables": [*manifest["tables"], name]})
        self._extend(vectors(clips, manifest["dim"], first), [strip(first + i) for i in range(clips)])

    def table(self) -> pd.DataFrame:
        manifest = self._manifest()
        parts = [pd.read_parquet(self.folder / name) for name in manifest["tables"]]
        return pd.concat(parts, ignore_index=True).head(manifest["clips"])

    def matrix(self) -> NDArray[np.float16]:
        manifest = self._manifest()
        shape = (manifest["clips"], manifest["dim"])
        return np.memmap(self.folder / "embeddings.npy", dtype=np.float16, mode="r", offset=HEADER, shape=shape)

    def scores(self, query: NDArray[np.float16]) -> NDArray[np.float16]:
        return half_products(self.matrix(), query)

    def strips(self, rows: list[int]) -> list[bytes]:
        places = self._places()
        with (self.folder / "strips.bin").open("rb") as opened:
            found = []
            for row in rows:
                opened.seek(int(places[row, 0]))
                found.append(opened.read(int(places[row, 1])))
            return found

    def clips(self) -> int:
        return int(self._manifest()["clips"])

    def _places(self) -> NDArray[np.int64]:
        """Where a clip's filmstrip starts, and its length, 0 for none: (clips, 2)."""
        clips = self._manifest()["clips"]
        if not clips:
            return np.empty((0, 2), dtype=np.int64)
        return np.memmap(self.folder / "strips.idx", dtype=np.int64, mode="r", shape=(clips, 2))

    def _manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "manifest.json").read_text()))

    def _commit(self, manifest: dict[str, Any]) -> None:
        unfinished = self.folder / ".manifest"
        with unfinished.open("w") as opened:
            opened.write(json.dumps(manifest))
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(unfinished, self.folder / "manifest.json")


class _Rewritten(_Files):
    """The same files, but an append writes table and matrix anew and replaces them, as the corpus does now."""

    name = "npy + Parquet, rewritten by an append"

    def append(self, clips: int) -> None:
        manifest = self._manifest()
        table = pd.concat([self.table(), clip_table(clips, manifest["clips"])])
        table.to_parquet(self.folder / ".table", index=False)
        matrix = np.concatenate([self.matrix(), vectors(clips, manifest["dim"], manifest["clips"])])
        with (self.folder / ".matrix").open("wb") as opened:
            np.save(opened, matrix)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(self.folder / ".table", self.folder / "clips-0.parquet")
        os.replace(self.folder / ".matrix", self.folder / "embeddings.npy")
        self._commit({**manifest, "clips": len(matrix), "tables": ["clips-0.parquet"]})


def records(clips: int, dim: int, first: int, with_strips: int) -> pa.Table:
    """Everything about some clips as one Arrow table; the first `with_strips` clips of the corpus have a filmstrip."""
    table = pa.Table.from_pandas(clip_table(clips, first), preserve_index=False)
    values = pa.array(vectors(clips, dim, first).ravel())
    pictures = [strip(first + i) if first + i < with_strips else None for i in range(clips)]
    return table.append_column("embedding", pa.FixedSizeListArray.from_arrays(values, dim)).append_column(
        "strip", pa.array(pictures, pa.large_binary())
    )


class _Lance:
    """One Lance dataset with a column of embeddings and one of filmstrips."""

    name = "Lance"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "corpus.lance"

    def _open(self) -> Any:
        import lance

        return lance.dataset(str(self.folder))

    def write(self, clips: int, dim: int, strips: int) -> None:
        import lance

        def blocks() -> Any:
            for start in range(0, clips, BLOCK):
                yield from records(min(BLOCK, clips - start), dim, start, strips).to_batches()

        schema = records(1, dim, 0, 1).schema
        lance.write_dataset(pa.RecordBatchReader.from_batches(schema, blocks()), str(self.folder))

    def append(self, clips: int) -> None:
        import lance

        first = self.clips()
        dim = self._open().schema.field("embedding").type.list_size
        lance.write_dataset(records(clips, dim, first, first + clips), str(self.folder), mode="append")

    def table(self) -> pd.DataFrame:
        frame: pd.DataFrame = self._open().to_table(columns=list(SCALARS)).to_pandas()
        return frame

    def matrix(self) -> NDArray[np.float16]:
        opened = self._open()
        dim = opened.schema.field("embedding").type.list_size
        out = np.empty((opened.count_rows(), dim), dtype=np.float16)
        at = 0
        for batch in opened.to_batches(columns=["embedding"]):
            part = batch.column(0).values.to_numpy().reshape(-1, dim)
            out[at : at + len(part)] = part
            at += len(part)
        return out

    def scores(self, query: NDArray[np.float16]) -> NDArray[np.float16]:
        batches = self._open().to_batches(columns=["embedding"])
        return np.concatenate(
            [half_products(one.column(0).values.to_numpy().reshape(-1, len(query)), query) for one in batches]
        )

    def strips(self, rows: list[int]) -> list[bytes]:
        found: list[bytes] = self._open().take(rows, columns=["strip"]).column("strip").to_pylist()
        return found

    def clips(self) -> int:
        return int(self._open().count_rows())


class _OneParquet:
    """Everything in one Parquet file, in groups of 16,384 rows. There is no append but to write it anew."""

    name = "one Parquet file"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "parquet"

    def write(self, clips: int, dim: int, strips: int) -> None:
        self.folder.mkdir()
        with self._writer("corpus.parquet", records(1, dim, 0, 1).schema) as writer:
            for start in range(0, clips, BLOCK):
                writer.write_table(records(min(BLOCK, clips - start), dim, start, strips), row_group_size=1 << 14)

    def _writer(self, name: str, schema: pa.Schema) -> pq.ParquetWriter:
        # Embeddings and pictures do not get smaller, only slower.
        plain = {"embedding.list.element": "none", "strip": "none"}
        packed = dict.fromkeys(SCALARS, "zstd")
        return pq.ParquetWriter(
            self.folder / name, schema, use_dictionary=["clip_id", "video"], compression=packed | plain
        )

    def append(self, clips: int) -> None:
        former = pq.ParquetFile(self.folder / "corpus.parquet")
        first = former.metadata.num_rows
        dim = former.schema_arrow.field("embedding").type.list_size
        with self._writer(".corpus", former.schema_arrow) as writer:
            for group in range(former.num_row_groups):
                writer.write_table(former.read_row_group(group))
            writer.write_table(records(clips, dim, first, first + clips))
        os.replace(self.folder / ".corpus", self.folder / "corpus.parquet")

    def table(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "corpus.parquet", columns=list(SCALARS))

    def matrix(self) -> NDArray[np.float16]:
        opened = pq.ParquetFile(self.folder / "corpus.parquet")
        dim = opened.schema_arrow.field("embedding").type.list_size
        out = np.empty((opened.metadata.num_rows, dim), dtype=np.float16)
        at = 0
        for batch in opened.iter_batches(1 << 14, columns=["embedding"]):
            part = batch.column(0).values.to_numpy().reshape(-1, dim)
            out[at : at + len(part)] = part
            at += len(part)
        return out

    def scores(self, query: NDArray[np.float16]) -> NDArray[np.float16]:
        batches = pq.ParquetFile(self.folder / "corpus.parquet").iter_batches(1 << 14, columns=["embedding"])
        return np.concatenate(
            [half_products(one.column(0).values.to_numpy().reshape(-1, len(query)), query) for one in batches]
        )

    def strips(self, rows: list[int]) -> list[bytes]:
        opened = pq.ParquetFile(self.folder / "corpus.parquet")
        ends = np.cumsum([opened.metadata.row_group(i).num_rows for i in range(opened.num_row_groups)])
        found = []
        for row in rows:
            group = int(np.searchsorted(ends, row, side="right"))
            column = opened.read_row_group(group, columns=["strip"]).column("strip")
            found.append(column[row - (int(ends[group - 1]) if group else 0)].as_py())
        return found

    def clips(self) -> int:
        return int(pq.ParquetFile(self.folder / "corpus.parquet").metadata.num_rows)


Layout = _Files | _Lance | _OneParquet
LAYOUTS: dict[str, type[_Files] | type[_Lance] | type[_OneParquet]] = {
    "files": _Files, "rewritten": _Rewritten, "lance": _Lance, "parquet": _OneParquet,
}  # fmt: skip


# --- measuring ---------------------------------------------------------------------------------------


def forget(folder: Path) -> None:
    """Ask the system to drop a folder's files from the page cache."""
    os.sync()
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def megabytes() -> tuple[float, float]:
    """Private memory, and what is resident of mapped files."""
    taken = psutil.Process().memory_full_info()
    return taken.uss / 1e6, (taken.rss - taken.uss) / 1e6


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def in_process(layout: Layout, rows: list[int]) -> dict[str, float]:
    """Open, score and look at pictures: what a fresh process does."""
    if isinstance(layout, _Lance):
        import lance  # noqa: F401  # not part of the times
    before = megabytes()[0]
    query = vectors(1, layout_dim(layout), 7)[0]
    figures: dict[str, float] = {}
    figures["strips_first_s"], _ = seconds(lambda: layout.strips(rows))
    figures["strips_again_s"], _ = seconds(lambda: layout.strips(rows))
    figures["table_s"], table = seconds(layout.table)
    figures["matrix_s"], matrix = seconds(layout.matrix)
    figures["pass_first_s"], first = seconds(lambda: half_products(matrix, query))
    figures["pass_again_s"] = statistics.median(seconds(lambda: half_products(matrix, query))[0] for _ in range(5))
    after, mapped = megabytes()
    figures |= {"private_mb": after - before, "imports_mb": before, "mapped_mb": mapped, "resident_mb": after + mapped}
    figures["pass_from_disk_format_s"], again = seconds(lambda: layout.scores(query))
    if len(table) != len(matrix) or not np.array_equal(first, again):
        raise RuntimeError(f"{layout.name}: the parts of the corpus do not fit together.")
    return figures


def layout_dim(layout: Layout) -> int:
    if isinstance(layout, _Files):
        return int(layout._manifest()["dim"])
    if isinstance(layout, _Lance):
        return int(layout._open().schema.field("embedding").type.list_size)
    return int(pq.ParquetFile(layout.folder / "corpus.parquet").schema_arrow.field("embedding").type.list_size)


def child(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)


def asked(key: str, folder: Path, rows: list[int]) -> dict[str, float]:
    process = child("--child", key, "--folder", str(folder), "--rows", *map(str, rows))
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"The process that opens {key} failed.")
    return dict(json.loads(output))


def killed(key: str, folder: Path, kills: int) -> str:
    """Kill a process that appends, over and over, and see what is left."""
    layout = LAYOUTS[key](folder)
    rng = np.random.default_rng(0)
    odd, failures = 0, 0
    before, size = layout.clips(), bytes_of(layout.folder)
    for _ in range(kills):
        process = child("--child", key, "--folder", str(folder), "--append")
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        with suppress(subprocess.TimeoutExpired):
            process.wait(float(rng.uniform(0, 3)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        try:
            clips = layout.clips()
            whole = len(layout.table()) == clips and bool(np.isfinite(layout.matrix()[-1000:]).all())
            whole = whole and layout.strips([clips - 1])[0] == strip(clips - 1)
            odd += (clips - before) % 1000 != 0 or not whole
        except Exception as error:  # whatever a layout's library raises is what is counted
            failures += 1
            print(f"{layout.name}: after a kill: {type(error).__name__}: {error}")
    grown = bytes_of(layout.folder) - size
    added = layout.clips() - before
    return (
        f"{kills} kills: {odd} left a mixture, {failures} could not be read;"
        f" {added:,} clips added, {grown / max(added, 1) / 1000:.1f} KB a clip on disk"
    )


def compare(options: argparse.Namespace, folder: Path) -> None:
    rows = sorted(np.random.default_rng(1).choice(options.strips, 12, replace=False).tolist())
    print(f"{options.clips:,} clips x {options.dim}, {options.strips:,} filmstrips, medians of {options.repeats}")
    tables = []
    for key in options.layouts:
        layout = LAYOUTS[key](folder)
        written, _ = seconds(partial(layout.write, options.clips, options.dim, options.strips))
        size = bytes_of(layout.folder)
        figures = []
        for _ in range(options.repeats):
            forget(layout.folder)
            for state in ("cold", "warm"):
                one = {"layout": layout.name, "cache": state}
                figures.append(one | asked(key, folder, rows))
        tables.append(pd.DataFrame(figures).groupby(["layout", "cache"], sort=False).median().round(3))
        appended = statistics.median(seconds(partial(layout.append, 1000))[0] for _ in range(options.repeats))
        kept = f"written in {written:.0f} s, {size / 1e6:.0f} MB on disk; append 1,000: {appended:.2f} s"
        crash = killed(key, folder, options.kills) if key in ("files", "lance") else "no kills tried"
        print(f"{layout.name}: {kept}; {crash}", flush=True)
        shutil.rmtree(layout.folder)
    print(pd.concat(tables).T.to_string())


# --- the table alone -----------------------------------------------------------------------------------

SMALL = {
    "video": "category", "start": "float32", "end": "float32", "frame_in": "int32", "frame_out": "int32",
    "fps": "float32", "width": "int16", "height": "int16", "cluster": "int8",
}  # fmt: skip
TIMES_KEPT = {**SMALL, "start": "float64", "end": "float64"}
TABLES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "as written now": ({}, {}),
    "video a category": ({"video": "category"}, {}),
    "video a category, small numbers": (SMALL, {}),
    "the same, start and end float64": (TIMES_KEPT, {}),
    "the same, only clip_id, video, start, end": (TIMES_KEPT, {"columns": ["video", "start", "end"]}),
    "the same, pyarrow's types": (TIMES_KEPT, {"dtype_backend": "pyarrow"}),
}


def table_figures(options: argparse.Namespace, folder: Path) -> None:
    rows = []
    for name, (types, _) in TABLES.items():
        file = folder / "table.parquet"
        clip_table(options.clips).set_index("clip_id").astype(types).to_parquet(file, compression="zstd")
        runs = []
        for _ in range(options.repeats):
            process = child("--child", name, "--folder", str(folder), "--table")
            output, _ = process.communicate()
            runs.append(json.loads(output))
        rows.append({"table": name, "file_mb": file.stat().st_size / 1e6, **pd.DataFrame(runs).median().to_dict()})
    print(f"{options.clips:,} clips, medians of {options.repeats}, each in a fresh process")
    print(pd.DataFrame(rows).round(2).to_string(index=False))


def read_table(name: str, folder: Path) -> dict[str, float]:
    clip = clip_table(1, 777)["clip_id"].iloc[0]
    pq.read_table(folder / "table.parquet", columns=["cluster"])  # loads what reading needs, and warms the cache
    base = megabytes()[0]
    read, table = seconds(lambda: pd.read_parquet(folder / "table.parquet", **TABLES[name][1]))
    read_mb = megabytes()[0] - base
    pa.default_memory_pool().release_unused()
    released_mb = megabytes()[0] - base
    found, row = seconds(lambda: table.index.get_loc(clip))
    look_up_mb = megabytes()[0] - base - released_mb
    again, _ = seconds(lambda: table.index.get_loc(clip))
    if row != 777:
        raise RuntimeError("The table has another order than it was written in.")
    # The other way to find a clip: the ids as a sorted array of bytes.
    ids = table.index.to_numpy(dtype="S")
    sorting, order = seconds(lambda: np.argsort(ids, kind="stable").astype(np.int32))
    return {
        "read_s": read, "read_mb": read_mb, "pool_released_mb": released_mb, "frame_mb": deep_mb(table),
        "first_look_up_s": found, "look_up_mb": look_up_mb, "look_up_again_s": again, "sort_ids_s": sorting,
        "sorted_ids_mb": (ids.nbytes + order.nbytes) / 1e6,
    }  # fmt: skip


def deep_mb(table: pd.DataFrame) -> float:
    return float(table.memory_usage(deep=True, index=True).sum() / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--strips", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS))
    parser.add_argument("--tables", action="store_true", help="how to keep the clip table alone")
    parser.add_argument("--folder", type=Path, help="where to put the files meanwhile (default: the system's)")
    for own in ("--child", "--rows", "--append", "--table"):  # how this script calls itself
        kind: dict[str, Any] = {"--child": {}, "--rows": {"type": int, "nargs": "*", "default": []}}.get(
            own, {"action": "store_true"}
        )
        parser.add_argument(own, help=argparse.SUPPRESS, **kind)
    options = parser.parse_args()
    if options.child and options.table:
        print(json.dumps(read_table(options.child, options.folder)))
    elif options.child and options.append:
        layout = LAYOUTS[options.child](options.folder)
        layout.clips()
        print("begun", flush=True)
        while True:
            layout.append(1000)
    elif options.child:
        print(json.dumps(in_process(LAYOUTS[options.child](options.folder), options.rows)))
    else:
        if "lance" in options.layouts and find_spec("lance") is None and not options.tables:
            parser.error("the layout lance needs pylance: pip install pylance, or leave it out of --layouts")
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            (table_figures if options.tables else compare)(options, Path(folder))


if __name__ == "__main__":
    main()
