"""Layouts of a corpus on the disk, for store.py: a matrix with Parquet tables, Lance, and one Parquet file.

Each layout is a class with the same methods: `write` a corpus, `append` clips, read the `table`, the `matrix` or some
`strips`, and compute `scores`. All write the same synthetic clips.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.base.matrix import half_products

CLIPS_A_VIDEO = 50
STRIP_BYTES = 20_000
BLOCK = 1 << 16
HEADER = 128  # bytes before the values in an .npy file
SCALARS = ("clip_id", "video", "start", "end", "frame_in", "frame_out", "fps", "width", "height", "cluster")


def clip_table(clips: int, first: int = 0) -> pd.DataFrame:
    """Return `clips` rows of a synthetic corpus's table, from row `first` on."""
    row = np.arange(first, first + clips)
    video = row // CLIPS_A_VIDEO
    start = (row % CLIPS_A_VIDEO) * 4.12 + (row * 7919 % 997) / 250  # shots of different lengths
    keys = [f"{(number * 0x9E3779B97F4A7C15) % (1 << 64):016x}" for number in range(video[0], video[-1] + 1)]
    return pd.DataFrame(
        {
            "clip_id": [
                f"{keys[v - video[0]]}-{s:08d}-{s + 4120:08d}"
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
    """Return random unit vectors, float16 (clips, dim)."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((clips, dim), dtype=np.float32)
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float16)


def strip(seed: int) -> bytes:
    """Return random bytes of about the size of a filmstrip."""
    rng = np.random.default_rng(seed)
    return rng.bytes(int(rng.integers(STRIP_BYTES // 2, STRIP_BYTES * 3 // 2)))


class Files:
    """embeddings.npy, clips-*.parquet, strips.bin, and a manifest with the number of complete clips.

    An append writes at the end of the matrix and of the strips and adds a table. Then it replaces the manifest, which
    makes the new clips part of the corpus. Data after the manifest's last clip are from an append that was killed; the
    next append overwrites them.
    """

    name = "npy + Parquet + packed strips"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "files"

    def write(self, clips: int, dim: int, strips: int) -> None:
        """Write a new corpus block by block."""
        self.folder.mkdir()
        np.lib.format.open_memmap(self.folder / "embeddings.npy", mode="w+", dtype=np.float16, shape=(0, dim))
        self._commit({"clips": 0, "dim": dim, "tables": []})
        for start in range(0, clips, BLOCK):
            number = min(BLOCK, clips - start)
            self._extend(vectors(number, dim, start), [strip(i) for i in range(start, min(strips, start + number))])
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
        spans = self._strip_spans()
        end = int(spans[-1].sum()) if len(spans) else 0
        lengths = np.array([len(data) for data in strips] + [0] * (len(matrix) - len(strips)), dtype=np.int64)
        with (self.folder / "strips.bin").open("r+b" if end else "wb") as opened:
            opened.seek(end)
            opened.write(b"".join(strips))
            opened.flush()
            os.fsync(opened.fileno())
        new_spans = np.stack([end + np.cumsum(lengths) - lengths, lengths], axis=1)
        with (self.folder / "strips.idx").open("r+b" if len(spans) else "wb") as opened:
            opened.seek(16 * len(spans))
            opened.write(new_spans.tobytes())
            opened.flush()
            os.fsync(opened.fileno())
        self._commit({**manifest, "clips": manifest["clips"] + len(matrix)})

    def append(self, clips: int) -> None:
        """Write a table of its own for the new clips, then their vectors and filmstrips."""
        manifest = self._manifest()
        first = manifest["clips"]
        name = f"clips-{first}.parquet"
        clip_table(clips, first).to_parquet(self.folder / name, index=False)
        self._commit({**manifest, "tables": [*manifest["tables"], name]})
        self._extend(vectors(clips, manifest["dim"], first), [strip(first + i) for i in range(clips)])

    def table(self) -> pd.DataFrame:
        """Read all tables, without rows that no manifest counts."""
        manifest = self._manifest()
        parts = [pd.read_parquet(self.folder / name) for name in manifest["tables"]]
        return pd.concat(parts, ignore_index=True).head(manifest["clips"])

    def matrix(self) -> NDArray[np.float16]:
        """Map the matrix into memory."""
        manifest = self._manifest()
        shape = (manifest["clips"], manifest["dim"])
        return np.memmap(self.folder / "embeddings.npy", dtype=np.float16, mode="r", offset=HEADER, shape=shape)

    def scores(self, query: NDArray[np.float16]) -> NDArray[np.float16]:
        """Score all clips from the mapped matrix."""
        return half_products(self.matrix(), query)

    def strips(self, rows: list[int]) -> list[bytes]:
        """Read the filmstrips of some rows."""
        spans = self._strip_spans()
        with (self.folder / "strips.bin").open("rb") as opened:
            strips = []
            for row in rows:
                opened.seek(int(spans[row, 0]))
                strips.append(opened.read(int(spans[row, 1])))
            return strips

    def clips(self) -> int:
        """Return the manifest's number of clips."""
        return int(self._manifest()["clips"])

    def _strip_spans(self) -> NDArray[np.int64]:
        """Return each clip's position and length in strips.bin, (clips, 2); the length is 0 without a filmstrip."""
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


class RewrittenFiles(Files):
    """The same files, but an append writes and replaces the whole table and the whole matrix."""

    name = "npy + Parquet, rewritten by an append"

    def append(self, clips: int) -> None:
        """Write the table and the matrix again, with the new clips."""
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
    """Return all data of some clips as an Arrow table; the first `with_strips` clips of the corpus have a filmstrip."""
    table = pa.Table.from_pandas(clip_table(clips, first), preserve_index=False)
    values = pa.array(vectors(clips, dim, first).ravel())
    strips = [strip(first + i) if first + i < with_strips else None for i in range(clips)]
    return table.append_column("embedding", pa.FixedSizeListArray.from_arrays(values, dim)).append_column(
        "strip", pa.array(strips, pa.large_binary())
    )


class Lance:
    """One Lance dataset with a column of embeddings and one of filmstrips."""

    name = "Lance"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "corpus.lance"

    def _open(self) -> Any:
        import lance

        return lance.dataset(str(self.folder))

    def write(self, clips: int, dim: int, strips: int) -> None:
        """Write a new data set block by block."""
        import lance

        def blocks() -> Any:
            for start in range(0, clips, BLOCK):
                yield from records(min(BLOCK, clips - start), dim, start, strips).to_batches()

        schema = records(1, dim, 0, 1).schema
        lance.write_dataset(pa.RecordBatchReader.from_batches(schema, blocks()), str(self.folder))

    def append(self, clips: int) -> None:
        """Append to the data set with Lance's own transaction."""
        import lance

        first = self.clips()
        dim = self._open().schema.field("embedding").type.list_size
        lance.write_dataset(records(clips, dim, first, first + clips), str(self.folder), mode="append")

    def table(self) -> pd.DataFrame:
        """Read the columns of the clip table."""
        frame: pd.DataFrame = self._open().to_table(columns=list(SCALARS)).to_pandas()
        return frame

    def matrix(self) -> NDArray[np.float16]:
        """Read the embeddings into memory."""
        opened = self._open()
        dim = opened.schema.field("embedding").type.list_size
        out = np.empty((opened.count_rows(), dim), dtype=np.float16)
        row = 0
        for batch in opened.to_batches(columns=["embedding"]):
            part = batch.column(0).values.to_numpy().reshape(-1, dim)
            out[row : row + len(part)] = part
            row += len(part)
        return out

    def scores(self, query: NDArray[np.float16]) -> NDArray[np.float16]:
        """Score all clips batch by batch."""
        batches = self._open().to_batches(columns=["embedding"])
        return np.concatenate(
            [half_products(batch.column(0).values.to_numpy().reshape(-1, len(query)), query) for batch in batches]
        )

    def strips(self, rows: list[int]) -> list[bytes]:
        """Read the filmstrips of some rows."""
        strips: list[bytes] = self._open().take(rows, columns=["strip"]).column("strip").to_pylist()
        return strips

    def clips(self) -> int:
        """Return the data set's number of rows."""
        return int(self._open().count_rows())


class OneParquet:
    """One Parquet file, in groups of 16,384 rows. An append writes the whole file again."""

    name = "one Parquet file"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "parquet"

    def write(self, clips: int, dim: int, strips: int) -> None:
        """Write a new file block by block."""
        self.folder.mkdir()
        with self._writer("corpus.parquet", records(1, dim, 0, 1).schema) as writer:
            for start in range(0, clips, BLOCK):
                writer.write_table(records(min(BLOCK, clips - start), dim, start, strips), row_group_size=1 << 14)

    def _writer(self, name: str, schema: pa.Schema) -> pq.ParquetWriter:
        # Compression does not make embeddings and images smaller, but slower to read.
        uncompressed = {"embedding.list.element": "none", "strip": "none"}
        compressed = dict.fromkeys(SCALARS, "zstd")
        return pq.ParquetWriter(
            self.folder / name, schema, use_dictionary=["clip_id", "video"], compression=compressed | uncompressed
        )

    def append(self, clips: int) -> None:
        """Copy the file with the new clips at its end."""
        previous = pq.ParquetFile(self.folder / "corpus.parquet")
        first = previous.metadata.num_rows
        dim = previous.schema_arrow.field("embedding").type.list_size
        with self._writer(".corpus", previous.schema_arrow) as writer:
            for group in range(previous.num_row_groups):
                writer.write_table(previous.read_row_group(group))
            writer.write_table(records(clips, dim, first, first + clips))
        os.replace(self.folder / ".corpus", self.folder / "corpus.parquet")

    def table(self) -> pd.DataFrame:
        """Read the columns of the clip table."""
        return pd.read_parquet(self.folder / "corpus.parquet", columns=list(SCALARS))

    def matrix(self) -> NDArray[np.float16]:
        """Read the embeddings into memory."""
        opened = pq.ParquetFile(self.folder / "corpus.parquet")
        dim = opened.schema_arrow.field("embedding").type.list_size
        out = np.empty((opened.metadata.num_rows, dim), dtype=np.float16)
        row = 0
        for batch in opened.iter_batches(1 << 14, columns=["embedding"]):
            part = batch.column(0).values.to_numpy().reshape(-1, dim)
            out[row : row + len(part)] = part
            row += len(part)
        return out

    def scores(self, query: NDArray[np.float16]) -> NDArray[np.float16]:
        """Score all clips batch by batch."""
        batches = pq.ParquetFile(self.folder / "corpus.parquet").iter_batches(1 << 14, columns=["embedding"])
        return np.concatenate(
            [half_products(batch.column(0).values.to_numpy().reshape(-1, len(query)), query) for batch in batches]
        )

    def strips(self, rows: list[int]) -> list[bytes]:
        """Read the row groups of some filmstrips."""
        opened = pq.ParquetFile(self.folder / "corpus.parquet")
        ends = np.cumsum([opened.metadata.row_group(i).num_rows for i in range(opened.num_row_groups)])
        strips = []
        for row in rows:
            group = int(np.searchsorted(ends, row, side="right"))
            column = opened.read_row_group(group, columns=["strip"]).column("strip")
            strips.append(column[row - (int(ends[group - 1]) if group else 0)].as_py())
        return strips

    def clips(self) -> int:
        """Return the file's number of rows."""
        return int(pq.ParquetFile(self.folder / "corpus.parquet").metadata.num_rows)


Layout = Files | Lance | OneParquet
LAYOUTS: dict[str, type[Files] | type[Lance] | type[OneParquet]] = {
    "files": Files, "rewritten": RewrittenFiles, "lance": Lance, "parquet": OneParquet,
}  # fmt: skip
