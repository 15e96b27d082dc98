"""Compare formats of a corpus: a memory-mapped matrix with a Parquet table, Lance, and one Parquet file.

Each layout has the same clips: a table, embeddings, and filmstrips of about 20 KB for some of them. Opening is measured
in a fresh process, after the files were dropped from the page cache ("cold") and again ("warm"). `--tables` compares
formats of the clip table alone: seconds to read it, seconds to the first look-up of a clip, and private memory.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.store_layouts import LAYOUTS, Files, Lance, Layout, clip_table, strip, vectors
from va_widgets.base.matrix import half_products


def drop_from_page_cache(folder: Path) -> None:
    """Ask the operating system to drop a folder's files from the page cache."""
    os.sync()
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_of(folder: Path) -> int:
    """Return the total size of a folder's files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def megabytes() -> tuple[float, float]:
    """Return the private memory, and the resident memory of mapped files, in MB."""
    memory = psutil.Process().memory_full_info()
    return memory.uss / 1e6, (memory.rss - memory.uss) / 1e6


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call takes, and its result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def in_process(layout: Layout, rows: list[int]) -> dict[str, float]:
    """Open a corpus, read filmstrips and score all clips in this process; returns times and memory."""
    if isinstance(layout, Lance):
        import lance  # noqa: F401  # its import is not measured
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
    """Return the length of a layout's embeddings."""
    if isinstance(layout, Files):
        return int(layout._manifest()["dim"])
    if isinstance(layout, Lance):
        return int(layout._open().schema.field("embedding").type.list_size)
    return int(pq.ParquetFile(layout.folder / "corpus.parquet").schema_arrow.field("embedding").type.list_size)


def child(*arguments: str) -> subprocess.Popen[str]:
    """Start this script in a fresh process."""
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)


def in_fresh_process(key: str, folder: Path, rows: list[int]) -> dict[str, float]:
    """Return the figures of `in_process` from a fresh process."""
    process = child("--child", key, "--folder", str(folder), "--rows", *map(str, rows))
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"The process that opens {key} failed.")
    return dict(json.loads(output))


def killed(key: str, folder: Path, kills: int) -> str:
    """Kill a process that appends, `kills` times, and describe the state of the corpus after the kills."""
    layout = LAYOUTS[key](folder)
    rng = np.random.default_rng(0)
    mixtures, failures = 0, 0
    before, size = layout.clips(), bytes_of(layout.folder)
    for _ in range(kills):
        process = child("--child", key, "--folder", str(folder), "--append")
        assert process.stdout is not None
        process.stdout.readline()  # wait until it has started
        with suppress(subprocess.TimeoutExpired):
            process.wait(float(rng.uniform(0, 3)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        try:
            clips = layout.clips()
            whole = len(layout.table()) == clips and bool(np.isfinite(layout.matrix()[-1000:]).all())
            whole = whole and layout.strips([clips - 1])[0] == strip(clips - 1)
            mixtures += (clips - before) % 1000 != 0 or not whole
        except Exception as error:  # counts any error of a layout's library
            failures += 1
            print(f"{layout.name}: after a kill: {type(error).__name__}: {error}")
    grown = bytes_of(layout.folder) - size
    added = layout.clips() - before
    return (
        f"{kills} kills: {mixtures} left a mixture, {failures} could not be read;"
        f" {added:,} clips added, {grown / max(added, 1) / 1000:.1f} KB a clip on disk"
    )


def compare(options: argparse.Namespace, folder: Path) -> None:
    """Print the figures of each layout."""
    rows = sorted(np.random.default_rng(1).choice(options.strips, 12, replace=False).tolist())
    print(f"{options.clips:,} clips x {options.dim}, {options.strips:,} filmstrips, medians of {options.repeats}")
    tables = []
    for key in options.layouts:
        layout = LAYOUTS[key](folder)
        written, _ = seconds(partial(layout.write, options.clips, options.dim, options.strips))
        size = bytes_of(layout.folder)
        figures = []
        for _ in range(options.repeats):
            drop_from_page_cache(layout.folder)
            for state in ("cold", "warm"):
                label = {"layout": layout.name, "cache": state}
                figures.append(label | in_fresh_process(key, folder, rows))
        tables.append(pd.DataFrame(figures).groupby(["layout", "cache"], sort=False).median().round(3))
        appended = statistics.median(seconds(partial(layout.append, 1000))[0] for _ in range(options.repeats))
        sizes = f"written in {written:.0f} s, {size / 1e6:.0f} MB on disk; append 1,000: {appended:.2f} s"
        crash = killed(key, folder, options.kills) if key in ("files", "lance") else "no kills tried"
        print(f"{layout.name}: {sizes}; {crash}", flush=True)
        shutil.rmtree(layout.folder)
    print(pd.concat(tables).T.to_string())


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
    """Print the figures of each format of the clip table."""
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
    """Read the clip table and look up a clip in this process; returns times and memory."""
    clip = clip_table(1, 777)["clip_id"].iloc[0]
    pq.read_table(folder / "table.parquet", columns=["cluster"])  # loads pyarrow's libraries and warms the page cache
    base = megabytes()[0]
    read, table = seconds(lambda: pd.read_parquet(folder / "table.parquet", **TABLES[name][1]))
    read_mb = megabytes()[0] - base
    pa.default_memory_pool().release_unused()
    released_mb = megabytes()[0] - base
    first_look_up, row = seconds(lambda: table.index.get_loc(clip))
    look_up_mb = megabytes()[0] - base - released_mb
    again, _ = seconds(lambda: table.index.get_loc(clip))
    if row != 777:
        raise RuntimeError("The table has another order than it was written in.")
    # An alternative to the index: the ids as a sorted array of bytes.
    ids = table.index.to_numpy(dtype="S")
    sorting, order = seconds(lambda: np.argsort(ids, kind="stable").astype(np.int32))
    return {
        "read_s": read, "read_mb": read_mb, "pool_released_mb": released_mb, "frame_mb": deep_mb(table),
        "first_look_up_s": first_look_up, "look_up_mb": look_up_mb, "look_up_again_s": again, "sort_ids_s": sorting,
        "sorted_ids_mb": (ids.nbytes + order.nbytes) / 1e6,
    }  # fmt: skip


def deep_mb(table: pd.DataFrame) -> float:
    """Return the memory of a table with its strings, in MB."""
    return float(table.memory_usage(deep=True, index=True).sum() / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--strips", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS))
    parser.add_argument("--tables", action="store_true", help="compare formats of the clip table alone")
    parser.add_argument("--folder", type=Path, help="folder for the temporary files (default: the system's)")
    for name in ("--child", "--rows", "--append", "--table"):  # for the processes that this script starts
        kind: dict[str, Any] = {"--child": {}, "--rows": {"type": int, "nargs": "*", "default": []}}.get(
            name, {"action": "store_true"}
        )
        parser.add_argument(name, help=argparse.SUPPRESS, **kind)
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
