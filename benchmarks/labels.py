"""Labels: how long is it until one is on the disk, alone and beside seven other processes, and what do a million cost?

Run with `python -m benchmarks.labels`; `--parts append writers million` chooses.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from va_widgets.labels.agreement import Agreement
from va_widgets.labels.label_store import LabelStore, StoredValue

APPENDS, WRITERS, EACH, EVENTS = 2000, 8, 250, 1_000_000


def milliseconds(seconds: list[float]) -> dict[str, float]:
    p50, p95, p99, most = np.percentile(seconds, [50, 95, 99, 100]) * 1e3
    return {"p50": p50, "p95": p95, "p99": p99, "most": most}


def appended(path: Path, annotator: str, number: int) -> list[float]:
    """How long each of some labels took until it was on the disk, in seconds."""
    times = []
    with LabelStore(path) as store:
        for label in range(number):
            started = time.perf_counter()
            clip = f"video-{label:08x}-00001"
            store.append(annotator, "night", {clip: "yes"}, source="search", message_id=f"message {label}")
            times.append(time.perf_counter() - started)
    return times


def writer(path: Path, name: str, results: multiprocessing.Queue[list[float]], start: Barrier) -> None:
    start.wait()
    results.put(appended(path, name, EACH))


def writers(path: Path) -> list[float]:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[float]] = context.Queue()
    start = context.Barrier(WRITERS)
    LabelStore(path).close()
    processes = [context.Process(target=writer, args=(path, f"writer {n}", results, start)) for n in range(WRITERS)]
    for process in processes:
        process.start()
    times = [seconds for _ in processes for seconds in results.get()]
    for process in processes:
        process.join()
    return times


def resident() -> float:
    """The memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def median(work: Callable[[], object], times: int = 30) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken) * 1e3)


def million(path: Path, clips: int) -> dict[str, float]:
    """What a concept with a million events costs, and another concept beside it."""
    with LabelStore(path) as store:
        values: tuple[StoredValue, ...] = ("yes", "no", "unsure")
        batch = min(clips, 10_000)
        for begin in range(0, EVENTS, batch):
            labels = {f"video-{(begin + i) % clips:08x}-00001": values[(begin // clips + i) % 3] for i in range(batch)}
            store.append("me", "night", labels, source="search")
    with LabelStore(path) as store:
        before, started = resident(), time.perf_counter()
        many = Agreement(store.current("night"))
        opening, memory = time.perf_counter() - started, resident() - before
        few = Agreement(store.current("day"))

        def status(concept: str, agreement: Agreement) -> None:
            agreement.take(store.events(concept, agreement.event))
            store.steps("me", concept)
            _ = agreement.counts, agreement.sources

        return {
            "opening s": opening,
            "memory MB": memory,
            "status ms": median(lambda: status("night", many)),
            "of another concept ms": median(lambda: status("day", few)),
        }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How quick the label store is.")
    parser.add_argument("--parts", nargs="+", default=["append", "writers", "million"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    table: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        if "append" in options.parts:
            table["append, ms"] = milliseconds(appended(Path(folder) / "alone.sqlite", "me", APPENDS))
        if "writers" in options.parts:
            table[f"append, {WRITERS} processes, ms"] = milliseconds(writers(Path(folder) / "many.sqlite"))
        if "million" in options.parts:
            for clips in (2_000, EVENTS):
                name = f"{EVENTS:,} events of {clips:,} clips"
                table[name] = million(Path(folder) / f"{clips}.sqlite", clips)
    for name, numbers in table.items():
        print(f"{name:40}" + "  ".join(f"{what} {number:.2f}" for what, number in numbers.items()))
    if options.json:
        options.json.write_text(json.dumps(table), encoding="utf-8")


if __name__ == "__main__":
    main()
