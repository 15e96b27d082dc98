"""Kill builds with SIGKILL at random instants, and check the folder and the result of the next build.

Half of the kills are after a random share of the build's duration, half right before one of its file operations
(opening, renaming or removing a file). After each kill the folder must have no manifest, the former corpus, or the
complete new one. Then another build must give the same corpus, to the bit, as a build without a kill.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.unit.corpus.killing import Builders, Case, finished, killed, write_cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name, Builders(options.kills + 2) as builders:
        folder = Path(name)
        with builders.next() as builder:
            cases = write_cases(folder, builder)
        print(pd.DataFrame([(c.name, c.seconds, c.steps) for c in cases], columns=["build", "s", "steps"]).to_string())
        previous: tuple[Case, Path] | None = None
        for number in range(options.kills):
            case = cases[number % 2]
            corpus = folder / "corpora" / str(number)
            with builders.next() as builder:
                if previous is not None:
                    finished(*previous, builder)
                outcome = killed(case, corpus, builder, float(rng.random()), by_step=number % 4 >= 2)
            previous = (case, corpus)
            rows.append(asdict(outcome))
        if previous is not None:
            with builders.next() as builder:
                finished(*previous, builder)
    table = pd.DataFrame(rows)
    table["left"] = pd.Categorical(table["left"], ["nothing", "former", "whole"])
    counts = table.groupby(["case", "how"])["left"].value_counts().unstack()
    readers = table.groupby(["case", "how"]).agg(readers=("readers", "sum"), slowest_end=("seconds", "max"))
    print(counts.join(readers.round(3)).to_string())
    print(f"{len(rows)} kills, and every next build made the corpus that one without a kill makes, to the bit.")


if __name__ == "__main__":
    main()
