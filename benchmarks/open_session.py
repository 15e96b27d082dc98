"""Measure the time from a fresh interpreter to the first cards of an annotator.

    python -m benchmarks.open_session [corpus] [--runs 5] [--json FILE]

Each run is a process of its own that imports the package, opens a corpus and a session, and answers a page's first
requests: hello, then a feed. The first run of a concept has no stored text vector, so that its feed waits for the text
model; later runs have one. Without a corpus, one of 400 clips is rendered, without video files.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import va_widgets as va

STEPS = ("import", "corpus", "session", "annotator", "hello", "cards", "all", "processor")
SCRIPT = """
import json, os, sys, threading, time
times = [time.perf_counter()]
import va_widgets as va
times.append(time.perf_counter())
corpus = va.Corpus.open(sys.argv[1])
times.append(time.perf_counter())
session = va.Session(corpus, sys.argv[2])
times.append(time.perf_counter())
annotator = va.Annotator(session)
times.append(time.perf_counter())
answers, cards_arrived = {}, threading.Event()
def send(message, buffers=None):
    answers[message.get("id")] = message
    if message.get("id") == "cards":
        cards_arrived.set()
annotator.send = send
annotator._handle_custom_msg({"v": 1, "id": "hello", "type": "hello", "page": "p", "clips": []}, [])
times.append(time.perf_counter())
feed = {"v": 1, "id": "cards", "type": "feed", "name": "top_positive", "k": 12, "exclude": []}
annotator._handle_custom_msg(feed, [])
cards_arrived.wait()
times.append(time.perf_counter())
assert len(answers["cards"]["result"]["cards"]) == 12
steps = [end - start for start, end in zip(times, times[1:])]
print(json.dumps([*steps, times[-1] - times[0], time.thread_time()]), flush=True)
os._exit(0)
"""


def run(corpus: Path, concept: str) -> list[float]:
    """Return the seconds of each step, of all steps together, and of CPU time of the main thread."""
    command = [sys.executable, "-c", SCRIPT, str(corpus), concept]
    completed = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds: list[float] = json.loads(completed.stdout)
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="From a fresh interpreter to the first cards.")
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--concept", default="city at night")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.corpus or Path(folder) / "corpus"
        if options.corpus is None:
            va.demo.corpus(path, videos=False)
        first = [run(path, f"{options.concept} {number}") for number in range(options.runs)]
        va.Session(va.Corpus.open(path), options.concept).warm_up()
        again = [run(path, options.concept) for _ in range(options.runs)]
    print(f"{'seconds, median':24}" + "".join(f"{step:>10}" for step in STEPS))
    table = {"a concept's first opening": first, "with a stored vector": again}
    for name, runs in table.items():
        print(f"{name:24}" + "".join(f"{statistics.median(times):10.3f}" for times in zip(*runs, strict=True)))
    if options.json:
        options.json.write_text(json.dumps({"steps": STEPS, **table}), encoding="utf-8")


if __name__ == "__main__":
    main()
