"""How large is a published model, and how long does it take to publish, load and export it?

A model of the concept "night" of a demo corpus is published from 40 labels, with and without pictures, and loaded
again; times are medians. Run it as `python -m benchmarks.published_models CORPUS`, a folder of `va.demo.corpus`; the
corpus is copied first.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import va_widgets as va


def main() -> None:
    """Print the sizes of the files and the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "corpus"
        shutil.copytree(given.corpus, home, ignore=shutil.ignore_patterns("labels.sqlite*", "models", "videos"))
        measure(va.Corpus.open(home), Path(folder), given.repeats)


def measure(corpus: va.Corpus, folder: Path, repeats: int) -> None:
    session = va.Session(corpus, "night", annotator="benchmark")
    truth = va.demo.truth_of(corpus, "night")
    for value in (True, False):
        session.label(truth.index[truth == value][:20], value)
    model = session.publish("night")
    print(f"{'file':<24}{'bytes':>10}")
    files = sorted(model.folder.iterdir())
    for file in files:
        print(f"{file.name:<24}{file.stat().st_size:>10,}")
    print(f"{'all':<24}{sum(file.stat().st_size for file in files):>10,}\n")

    exports = [("to_onnx", lambda: model.to_onnx(folder / "model.onnx")), ("to_mlflow", lambda: export(model, folder))]
    steps: list[tuple[str, Callable[[], object]]] = [
        ("publish", lambda: session.publish("night")),
        ("publish, pictures=False", lambda: session.publish("night", pictures=False)),
        ("load_model", lambda: va.load_model(model.folder)),
        ("corpus.models", lambda: corpus.models),
        *exports,
    ]
    print(f"{'step':<24}{'ms':>10}")
    for name, step in steps:
        step()  # what is imported at the first call is not counted
        print(f"{name:<24}{1e3 * median(timed(step) for _ in range(repeats)):>10.2f}")


def export(model: va.Model, folder: Path) -> None:
    shutil.rmtree(model.to_mlflow(folder / "mlflow"))


def timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
