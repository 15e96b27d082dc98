"""Let readers read damaged video files, and report crashes, time-outs, high memory and invalid clips.

Valid files of many containers and codecs, and real ones from --videos, get flipped bits, and ranges that are removed,
zeroed, repeated or swapped. The same case number and seed give the same file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.unit.video.fuzzing import Result, damaged, tried, write_originals
from va_widgets.video.decoder_process import DecoderProcess, Watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--videos", type=Path, help="also damage the files of this folder, up to --most bytes each")
    parser.add_argument("--most", type=int, default=800_000)
    parser.add_argument("--keep", type=Path, help="keep files that cause a crash or an invalid clip in this folder")
    options = parser.parse_args()
    results: list[tuple[int, Result]] = []
    broken: list[tuple[int, str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        originals = write_originals(Path(name) / "originals")
        if options.videos:
            real = sorted(file for file in options.videos.rglob("*.*") if file.is_file())
            originals += [file for file in real if file.stat().st_size <= options.most]
        numbers = iter(range(options.first, options.first + options.cases))
        readers = [DecoderProcess() for _ in range(options.readers)]
        watch = Watch(readers)
        watch.start()
        lock = threading.Lock()

        def work(reader: DecoderProcess, folder: Path) -> None:
            for number in locked(numbers, lock):
                rng = np.random.default_rng((options.seed, number))
                original = originals[int(rng.integers(len(originals)))]
                change, data = damaged(original.read_bytes(), rng)
                file = folder / f"{number}-{original.name}"
                file.write_bytes(data)
                try:
                    results.append((number, tried(reader, file, rng, change)))
                    keep = results[-1][1].outcome == "crash"
                except AssertionError as error:
                    broken.append((number, file.name, str(error) or repr(error.__traceback__)))
                    keep = True
                if keep and options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / file.name).write_bytes(data)
                file.unlink()

        threads = [threading.Thread(target=work, args=(reader, Path(name))) for reader in readers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        watch.close()
        for reader in readers:
            reader.close()
    show(results, broken)


def locked(numbers: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    """Yield numbers from an iterator that several threads share; each number goes to one thread."""
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        yield number


def show(results: list[tuple[int, Result]], broken: list[tuple[int, str, str]]) -> None:
    """Print tables of outcomes, of the slowest and largest cases, of crashes and of invalid clips."""
    table = pd.DataFrame([{"case": number, **asdict(result)} for number, result in results])
    table["kind"] = table["name"].str.replace(r"^\d+-", "", regex=True).str.rpartition(".")[2]
    outcomes = table.groupby("change")["outcome"].value_counts().unstack(fill_value=0)
    print(outcomes.assign(cases=outcomes.sum(axis=1)).to_string())
    maxima = table.groupby("kind").agg(
        cases=("case", "size"), seconds=("seconds", "max"), megabytes=("megabytes", "max")
    )
    print(maxima.round(2).to_string())
    print(table.nlargest(5, "seconds")[["case", "name", "change", "outcome", "seconds", "megabytes"]].to_string())
    print(table.nlargest(3, "megabytes")[["case", "name", "change", "outcome", "seconds", "megabytes"]].to_string())
    crashed = table[table["outcome"] == "crash"]
    if len(crashed):
        print(crashed[["case", "name", "change", "reason"]].to_string())
    reasons = table[table["outcome"] != "done"]["reason"].str.replace(r"[0-9.]+", "#", regex=True).value_counts()
    print(reasons.head(25).to_string())
    if broken:
        print(pd.DataFrame(broken, columns=["case", "file", "what is wrong"]).to_string())
    print(f"{len(results) + len(broken)} cases, {len(crashed)} crashes of a reader, {len(broken)} not well formed")


if __name__ == "__main__":
    main()
