"""Exchange: what do 100,000 labels cost to export and to import, by id, by time and as a log, and a million bad rows?

Run with `python -m benchmarks.exchange`; `--bad` adds the bad rows. Seconds are of the processor, so that others on the
machine count little; memory is the highest of the process so far.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import va_widgets as va
from va_widgets.labels.label_store import LABELS_FILE

CLIPS, BAD, A_VIDEO = 100_000, 1_000_000, 100


def corpus(path: Path) -> va.Corpus:
    place = np.arange(CLIPS)
    start = (place % A_VIDEO) * 2.0
    table = pd.DataFrame(
        {"video": [f"v{number // A_VIDEO}.mp4" for number in place], "start": start, "end": start + 2, "fps": 25.0},
        index=pd.Index([f"clip{number:07}" for number in place], name="clip_id"),
    )
    return va.Corpus.from_embeddings(path, np.random.default_rng(0).normal(size=(CLIPS, 4)), table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bad", action="store_true", help="measure a million bad rows, too")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []

    def measured(what: str, call: Callable[[], object]) -> None:
        started = time.process_time()
        call()
        seconds = time.process_time() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        rows.append({"what": what, "seconds": round(seconds, 1), "memory_mb": memory})
        print(f"{what:<44} {seconds:6.1f} s {memory:6} MB", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        clips = corpus(home / "corpus")
        table = pd.DataFrame({"clip_id": clips.clips.index, "value": np.where(np.arange(CLIPS) % 2, "yes", "no")})
        table.assign(concept="night", annotator="kelli").to_csv(home / "ids.csv", index=False)
        places = clips.clips[["video", "start", "end"]].assign(label="run")
        places.to_csv(home / "times.csv", index=False)
        measured("import of 100,000 rows by id", lambda: va.labels.import_(clips, home / "ids.csv"))
        measured("the same again, which stores nothing", lambda: va.labels.import_(clips, home / "ids.csv"))
        measured("by time", lambda: va.labels.import_(clips, home / "times.csv", annotator="sam"))
        for name in ("log.csv", "log.parquet", "log.jsonl"):
            log, copy = home / name, home / name[4:]
            measured(f"export of 200,000 events, {name}", partial(va.labels.export, clips, log, log=True))
            shutil.copytree(home / "corpus", copy, ignore=shutil.ignore_patterns(f"{LABELS_FILE}*", "backups"))
            measured(f"import of {name}", partial(va.labels.import_, copy, log))
        if options.bad:
            table = pd.concat([table.assign(value="maybe", time="yesterday")] * (BAD // CLIPS), ignore_index=True)
            table.to_csv(home / "bad.csv", index=False)
            table.to_json(home / "bad.jsonl", orient="records", lines=True)
            del table
            for name in ("bad.csv", "bad.jsonl"):
                measured(f"a million bad rows, {name}", partial(refused, clips, home / name))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def refused(clips: va.Corpus, file: Path) -> None:
    try:
        va.labels.import_(clips, file, concept="night", annotator="kelli")
    except va.ExchangeError as error:
        print(f"{error.count:,} bad rows, reported in {len(str(error)):,} characters")


if __name__ == "__main__":
    main()
