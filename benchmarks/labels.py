"""Labels: how long is it until one is on the disk, alone and beside seven other writers, and what do a million cost?

`writers`: eight annotators in four processes label 20,000 clips; `lost` labels, and those out of an annotator's order,
are counted. `million`: a file of a million events is opened, labelled in, and labelled in while it is copied; `CPU` is
time of the processor, for machines that do something else meanwhile. `watching`: what it costs to look for labels of
other processes, and after what time one is noticed. Run with `python -m benchmarks.labels`; `--parts append writers
million watching` chooses.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from va_widgets.base.listeners import Listeners
from va_widgets.labels import copies, watching
from va_widgets.labels.agreement import Agreement
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.labels.label_store import LabelStore, StoredValue
from va_widgets.labels.shared import StoreUser

APPENDS, PROCESSES, THREADS, EACH, EVENTS = 2000, 4, 2, 2500, 1_000_000
LABELS, NOTICED, IDLE_SECONDS = 300, 20, 10.0


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


def writer(path: Path, process: int, results: multiprocessing.Queue[list[float]], start: Barrier) -> None:
    times: list[float] = []
    threads = [
        threading.Thread(target=lambda name=f"writer {process}-{n}": times.extend(appended(path, name, EACH)))
        for n in range(THREADS)
    ]
    start.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(times)


def writers(path: Path) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[float]] = context.Queue()
    start = context.Barrier(PROCESSES + 1)
    LabelStore(path).close()
    processes = [context.Process(target=writer, args=(path, n, results, start)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    start.wait()
    started = time.perf_counter()
    times = [seconds for _ in processes for seconds in results.get()]
    taken = time.perf_counter() - started
    for process in processes:
        process.join()
    with LabelStore(path) as store:
        history = store.history("night")
    expected = [f"video-{label:08x}-00001" for label in range(EACH)]
    moved = sum(
        clip != clip_expected
        for _, own in history.groupby("annotator")
        for clip, clip_expected in zip(own["clip_id"], expected, strict=False)
    )
    lost = PROCESSES * THREADS * EACH - len(history)
    return {**milliseconds(times), "labels a second": len(times) / taken, "lost": lost, "out of order": moved}


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
        before, started, started_cpu = resident(), time.perf_counter(), time.process_time()
        many = Agreement(store.current("night"))
        opening, memory = time.perf_counter() - started, resident() - before
        opening_cpu = time.process_time() - started_cpu
        few = Agreement(store.current("day"))

        def status(concept: str, agreement: Agreement) -> None:
            agreement.take(store.events(concept, agreement.event))
            store.steps("me", concept)
            _ = agreement.counts, agreement.sources

        result = {
            "opening s": opening,
            "opening CPU s": opening_cpu,
            "memory MB": memory,
            "status ms": median(lambda: status("night", many)),
            "of another concept ms": median(lambda: status("day", few)),
        }
        before = resident()
        for number in range(LABELS):
            store.append("me", "night", {f"warm-{number}": "yes"}, source="search")
        alone = [labelled(store, f"alone-{number}") for number in range(LABELS)]
        store.keep_snapshots()
        started = time.perf_counter()
        during: list[float] = []
        while not copies.copies_of(path) and time.perf_counter() - started < 600:
            during.append(labelled(store, f"during-{len(during)}"))
            time.sleep(0.02)
        copying = time.perf_counter() - started
        result |= {"label ms p95": milliseconds(alone)["p95"], "while copied ms p95": milliseconds(during)["p95"]}
        return result | {"copying s": copying, "its memory MB": resident() - before}


def labelled(store: LabelStore, clip: str) -> float:
    started = time.perf_counter()
    store.append("me", "night", {clip: "yes"}, source="search", message_id=clip)
    return time.perf_counter() - started


def answer(path: Path, asked: multiprocessing.Queue[str], labelled_at: multiprocessing.Queue[float]) -> None:
    with LabelStore(path) as store:
        for clip in iter(asked.get, ""):
            store.append("another", "night", {clip: "yes"}, source="search")
            labelled_at.put(time.time())


def watched(path: Path) -> dict[str, float]:
    """What it costs to look for labels of other processes, and after how long one is noticed."""
    context = multiprocessing.get_context("spawn")
    asked: multiprocessing.Queue[str] = context.Queue()
    labelled_at: multiprocessing.Queue[float] = context.Queue()
    other = context.Process(target=answer, args=(path, asked, labelled_at))
    other.start()
    listeners, noticed = Listeners(), threading.Semaphore(0)
    labels = ConceptLabels(StoreUser(path), "night", "me", listeners)
    listeners.add(lambda _name, _data: noticed.release())
    watching.watch(labels)
    waits = []
    for number in range(NOTICED):
        asked.put(f"clip {number}")
        noticed.acquire()
        waits.append(time.time() - labelled_at.get())
    asked.put("")
    other.join()
    before = time.process_time()
    time.sleep(IDLE_SECONDS)
    idle = (time.process_time() - before) / IDLE_SECONDS
    labels.close()
    return {**milliseconds(waits), "CPU while nothing happens, %": 100 * idle}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How quick the label store is.")
    parser.add_argument("--parts", nargs="+", default=["append", "writers", "million", "watching"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    table: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        if "append" in options.parts:
            table["append, ms"] = milliseconds(appended(Path(folder) / "alone.sqlite", "me", APPENDS))
        if "writers" in options.parts:
            table[f"append, {THREADS * PROCESSES} writers, ms"] = writers(Path(folder) / "many.sqlite")
        if "million" in options.parts:
            for clips in (2_000, EVENTS):
                name = f"{EVENTS:,} events of {clips:,} clips"
                (Path(folder) / f"{clips}").mkdir()
                table[name] = million(Path(folder) / f"{clips}" / "labels.sqlite", clips)
        if "watching" in options.parts:
            table["noticed in another process, ms"] = watched(Path(folder) / "watched.sqlite")
    for name, numbers in table.items():
        print(f"{name:40}" + "  ".join(f"{what} {number:.2f}" for what, number in numbers.items()))
    if options.json:
        options.json.write_text(json.dumps(table), encoding="utf-8")


if __name__ == "__main__":
    main()
