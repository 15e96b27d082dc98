"""Ray builds and scores as this process alone does, also if its workers die."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.conftest import labelled
from tests.unit.corpus.killing import contents
from tests.unit.video.video_files import write_video
from va_widgets.base import ray_pool
from va_widgets.base.progress import Progress
from va_widgets.base.ray_engine import RayEngine, _start, running
from va_widgets.base.ray_pool import RayPool
from va_widgets.catalogue import local_score, ray_score
from va_widgets.catalogue.scoring import Weights
from va_widgets.corpus.building import make_shards
from va_widgets.corpus.building.jobs import ShardJob
from va_widgets.corpus.building.ray_build import _batches, _Maker
from va_widgets.corpus.building.request import ClipSettings
from va_widgets.corpus.manifest import Source
from va_widgets.corpus.sources import SourceFile
from va_widgets.encoders.protocol import OpenClipEncoder


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray on this machine, or the cluster that RAY_ADDRESS names: shared, because it takes many seconds to start."""
    pytest.importorskip("ray")
    engine = RayEngine()
    try:
        starting = running(engine)
        module = starting.__enter__()
    except va.EngineError as error:
        if "timed out" not in str(error):
            raise
        pytest.skip(str(error))  # Ray's own limit of 30 seconds is too short on a busy machine
    # Its workers need not find the tests.
    module.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield module
    module.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    starting.__exit__(None, None, None)


def once(flag: Path) -> bool:
    """Whether this is the first call with this flag, in any process."""
    try:
        flag.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def squares(flag: Path, mortal: int) -> Callable[[int], int]:
    """Squares numbers, but dies of one of them the first time."""

    def square(number: int) -> int:
        if number == mortal and once(flag):
            die()
        return number * number

    return square


def failing(error: Exception | None) -> Callable[[int], None]:
    """Raises an error, or dies if there is none."""

    def fail(_: int) -> None:
        if error is None:
            die()
        else:
            raise error

    return fail


@pytest.fixture(scope="class")
def pool(ray: Any) -> Iterator[RayPool]:
    with RayPool(ray, RayEngine(workers=2)) as actors:
        yield actors


class TestPool:
    """Each test takes over the actors of the one before, which take seconds to start."""

    def test_the_work_of_an_actor_that_dies_is_done_by_another(self, pool: RayPool, tmp_path: Path) -> None:
        results = list(pool.results(squares, (tmp_path / "flag", 5), range(12), window=4))
        assert [index for index, _ in results] == list(range(12))
        assert [square for _, square in results] == [number * number for number in range(12)]
        again = dict(pool.results(squares, (tmp_path / "flag", 5), range(6)))
        assert again == {number: number * number for number in range(6)}

    def test_what_a_task_raises_is_raised(self, pool: RayPool, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(va.CorpusError, match=r"^It is full\.$"):
            list(pool.results(failing, (va.CorpusError("It is full."),), [0]))
        with pytest.raises(va.EngineError, match=r"^A Ray worker failed \(ValueError: odd\): what is done is kept\.$"):
            list(pool.results(failing, (ValueError("odd"),), [0]))
        monkeypatch.setattr(ray_pool, "_MOST_DEATHS", 1)
        with pytest.raises(va.EngineError, match=r"^Ray workers died 1 times at the same work"):
            list(pool.results(failing, (None,), [0]))

    def test_what_cannot_be_sent_is_refused(self, ray: Any, pool: RayPool) -> None:
        with pytest.raises(va.EngineError, match="possible to pickle it"):
            next(pool.results(failing, (threading.Lock(),), [0]))
        with pytest.raises(va.EngineError, match=r"^No machine of the Ray cluster has 5000 cores"):
            RayPool(ray, RayEngine(cpus=5000))

    @pytest.mark.parametrize("views", [("appearance",), ("appearance", "motion")])
    @pytest.mark.parametrize("share", [0.0, 0.5])
    @pytest.mark.parametrize("some", [False, True])
    def test_blocks_are_scored_as_by_this_process(
        self, pool: RayPool, demo_folder: Path, views: tuple[str, ...], share: float, some: bool
    ) -> None:
        corpus, rng = va.Corpus.open(demo_folder), np.random.default_rng(0)
        coefs = {view: rng.normal(size=(corpus.view(view).shape[1], 3)).astype(np.float32) for view in views}
        weights = Weights(coefs, np.array([0, 1, -1], np.float32), np.array([share, 0, share], np.float32))
        rows = np.arange(1, len(corpus), 2) if some else None
        passed: list[int] = []
        expected = np.concatenate(list(local_score.score_blocks(corpus, weights, rows)), axis=1)
        blocks = list(ray_score._score_blocks(pool, corpus, weights, rows, None, passed.append))
        assert np.array_equal(np.concatenate(blocks, axis=1), expected)
        assert sum(passed) >= expected.shape[1]  # with smoothing also neighbours of the rows

    def test_a_corpus_that_other_machines_do_not_see_is_named(self, pool: RayPool, demo_corpus: va.Corpus) -> None:
        zeros = np.zeros((demo_corpus.embeddings.shape[1], 1), np.float32)
        weights = Weights({"appearance": zeros}, zeros[0], zeros[0])
        demo_corpus.path.rename(demo_corpus.path.with_name("elsewhere"))
        with pytest.raises(va.CorpusError, match=r"^A Ray worker cannot read .* at this path"):
            next(ray_score._score_blocks(pool, demo_corpus, weights, None, None, None))


# --- build --------------------------------------------------------------------------------------


class MortalEncoder(OpenClipEncoder):
    """Kills its process when it first embeds frames."""

    def __init__(self, flag: Path) -> None:
        super().__init__()
        self._flag = flag

    def __reduce__(self) -> tuple[Any, ...]:
        return MortalEncoder, (self._flag,)

    def encode_frames(self, frames: Any) -> Any:
        if once(self._flag):
            die()
        return super().encode_frames(frames)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for number in range(4):
        write_video(folder / f"{number}.mp4", [(2 * number, 14), (2 * number + 1, 16)], size=(96, 54))
    (folder / "text.mp4").write_text("no video at all\n" * 20)
    return folder


def test_ray_completes_a_build_though_a_worker_is_killed(
    ray: Any, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, done = tmp_path / "corpus", Progress.file_done

    def interrupt(progress: Progress, *given: Any, **more: Any) -> None:
        done(progress, *given, **more)
        if list(corpus.glob("shards/*/shard.json")):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "file_done", interrupt)
        patch.setattr(make_shards, "_WRITERS", 1)  # one shard after the other: some are left to be made
        patch.setattr(make_shards, "_UNWRITTEN", 0)
        with pytest.raises(KeyboardInterrupt):
            va.Corpus.build(corpus, videos, OpenClipEncoder(), progress=False)
    begun = {folder.name: folder.stat().st_mtime_ns for folder in (corpus / "shards").iterdir()}
    va.Corpus.build(corpus, videos, MortalEncoder(tmp_path / "flag"), progress=False, engine=RayEngine(workers=1))
    assert (tmp_path / "flag").exists()  # a worker was killed
    made = {folder.name: folder.stat().st_mtime_ns for folder in (corpus / "shards").iterdir()}
    assert begun.items() < made.items()  # what was done has been kept, and nothing unfinished is left
    assert not any(name.startswith(".") for name in made)
    va.Corpus.build(tmp_path / "local", videos, OpenClipEncoder(), progress=False)
    assert contents(corpus) == contents(tmp_path / "local")  # to the bit; the text is listed with the same reason


def test_another_model_on_a_machine_of_the_cluster_is_named(tmp_path: Path) -> None:
    with pytest.raises(va.EncoderMismatchError, match="copy the model to all of them"):
        _Maker(tmp_path, OpenClipEncoder(), "another", ClipSettings(8), frozenset(), 1)


def test_files_are_sent_in_batches_of_bounded_size() -> None:
    def job(size: int) -> ShardJob:
        source = Source("", 0, size, 0, "", "", "", 0, 0.0)
        return ShardJob("", [(SourceFile("", "", size, 0), source)], None)

    small, large = [job(1000) for _ in range(1000)], [job(1 << 30) for _ in range(3)]
    assert [len(batch) for batch in _batches(small[:4], workers=2)] == [1] * 4
    assert max(len(batch) for batch in _batches(small, workers=2)) == 32
    batches = _batches([*small, *large], workers=1)
    assert [len(batch) for batch in batches[-3:]] == [1] * 3
    assert [job for batch in batches for job in batch] == [*small, *large]


# --- score --------------------------------------------------------------------------------------


class MortalScorer(ray_score._Scorer):
    """Kills its process at the first block."""

    def __init__(self, flag: Path, *given: Any) -> None:
        super().__init__(*given)
        self._flag = flag

    def __call__(self, part: slice) -> Any:
        if once(self._flag):
            die()
        return super().__call__(part)


def test_ray_scores_all_though_a_worker_is_killed(
    ray: Any, demo_corpus: va.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = labelled(demo_corpus, 16)
    models = [session.publish("night"), session.publish("dark")]
    session.close()
    va.score(demo_corpus, models, tmp_path / "local", progress=False)
    results = RayPool.results

    def mortal(pool: RayPool, make: Any, given: Any, tasks: Any, window: Any) -> Any:
        return results(pool, MortalScorer, (tmp_path / "flag", *given), tasks, window)

    with monkeypatch.context() as patch:
        patch.setattr(ray_score, "BLOCK", 16)
        patch.setattr(RayPool, "results", mortal)
        table = va.score(demo_corpus, models, tmp_path / "ray", progress=False, engine=RayEngine(workers=2))
    assert (tmp_path / "flag").exists()  # a worker was killed
    assert table["scored"].tolist() == [2 * len(demo_corpus)]
    expected, scores = pd.read_parquet(tmp_path / "local"), pd.read_parquet(tmp_path / "ray")
    assert scores["clip_id"].equals(expected["clip_id"])
    np.testing.assert_allclose(scores[["dark", "night"]], expected[["dark", "night"]], rtol=0, atol=1e-6)
    assert va.score(demo_corpus, models, tmp_path / "ray", progress=False, engine="ray")["scored"].tolist() == [0]


# --- what is refused ----------------------------------------------------------------------------


def test_other_engines_and_addresses_are_refused(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(va.ArgumentError, match=r'^engine must be "local", "ray" or a va.RayEngine, not \'spark\'.$'):
        va.Corpus.build(tmp_path / "corpus", videos, engine="spark")
    for address in ("ray://host:10001", "host", "host:0", "host:99999", ":1", 5):
        with pytest.raises(va.ArgumentError, match=r'^The address of a Ray cluster is "host:6379" or "auto", not '):
            RayEngine(address=address)  # type: ignore[arg-type]
    for options in ({"workers": 0}, {"cpus": 0}, {"gpus": -1}):
        with pytest.raises(va.ArgumentError):
            RayEngine(**options)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(va.MissingPackageError, match=r'pip install "va-widgets\[ray\]"'):
        va.Corpus.build(tmp_path / "corpus", videos, engine="ray")
    assert not (tmp_path / "corpus").exists()


def test_a_cluster_that_does_not_answer_is_named_at_once(
    demo_corpus: va.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nothing listens there
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        message = f"^No Ray cluster answers at {address}"
        with pytest.raises(va.EngineError, match=message):
            va.score(demo_corpus, None, tmp_path / "out", engine=RayEngine(address=address))
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(va.EngineError, match=message):
            va.score(demo_corpus, None, tmp_path / "out", engine="ray")
    assert not (tmp_path / "out").exists()


def test_a_ray_that_does_not_start_is_tried_twice_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Node:
        """As much of Ray's as gives up: busy machines need more than its 30 seconds."""

        ended = started = 0

        def start(self) -> None:
            Node.started += 1
            raise Exception("The current node timed out during startup. This could happen.")  # noqa: TRY002

        def kill_all_processes(self, **_: bool) -> None:
            Node.ended += 1

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_worker_niceness"):
        monkeypatch.setenv(name, "0")
    with pytest.raises(va.EngineError, match=r"^Ray cannot be started on this machine \(The current node timed out"):
        _start(SimpleNamespace(init=lambda **_: Node().start()), RayEngine())
    assert (Node.started, Node.ended) == (2, 2)
