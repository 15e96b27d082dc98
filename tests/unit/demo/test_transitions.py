"""The test videos of shot detection: what they say about themselves is what they show."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from va_widgets.demo.transitions import (
    DISTRACTIONS,
    TRANSITIONS,
    Film,
    Transition,
    film_transitions,
    pictures,
    plan_transitions,
)
from va_widgets.demo.videos import HEIGHT, WIDTH, write_video


def decoded(path: Path) -> NDArray[np.int16]:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames).astype(np.int16)


def difference(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    return float(np.abs(one - other).mean())


def film_with(kind: str) -> tuple[Film, Transition]:
    """A planned film whose first transition is of one kind."""
    for film in plan_transitions(videos=30, seed=3, shots=3):
        one = film.transitions[0]
        if one.kind == kind:
            return film, one
    raise AssertionError(kind)


def shown(film: Film, first: int, last: int) -> NDArray[np.int16]:
    """The planned frames `first` to `last`, without grain and without what happens within the shots."""
    calm = tuple(
        replace(take, first=take.first - first, last=take.last - first, distraction=None) for take in film.takes
    )
    spans = tuple(replace(one, first=one.first - first, last=one.last - first) for one in film.transitions)
    part = replace(film, takes=calm, transitions=spans, frames=last - first + 1, grain=0.0)
    return np.stack(list(pictures(part))).astype(np.int16)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Transition]]:
    folder = tmp_path_factory.mktemp("films")
    return folder, film_transitions(folder, videos=1, seed=5, shots=2)


def test_a_video_has_the_frames_and_rate_it_was_planned_with(filmed: tuple[Path, list[Transition]]) -> None:
    folder, told = filmed
    (film,) = plan_transitions(videos=1, seed=5, shots=2)
    assert [path.name for path in folder.iterdir()] == [film.video]
    assert told == list(film.transitions)
    with av.open(str(folder / film.video)) as container:
        stream = container.streams.video[0]
        assert stream.frames == film.frames
        assert float(stream.average_rate or 0) == film.fps
        assert (stream.width, stream.height, stream.codec_context.name) == (WIDTH, HEIGHT, "h264")
        assert stream.codec_context.has_b_frames


def test_a_hard_cut_is_where_the_file_says(tmp_path: Path) -> None:
    film, cut = film_with("cut")
    assert cut.first == cut.last == round(cut.start * film.fps)
    first = cut.first - 5
    write_video(tmp_path / "a.mp4", shown(film, first, cut.first + 4).astype(np.uint8), film.fps, {})
    frames = decoded(tmp_path / "a.mp4")
    changes = [difference(one, other) for one, other in pairwise(frames)]
    assert int(np.argmax(changes)) + 1 + first == cut.first
    assert max(changes) > 5 * np.median(changes)


def test_the_middle_of_a_fade_is_black_and_its_ends_are_not() -> None:
    film, fade = film_with("fade")
    frames = shown(film, fade.first - 1, fade.last + 1)
    assert frames[len(frames) // 2].max() == 0
    level = frames.mean(axis=(1, 2, 3))
    assert level[1] < level[0]
    assert level[-2] < level[-1]
    assert min(level[1], level[-2]) > 5


def test_a_dissolve_s_middle_is_half_of_each_shot() -> None:
    film, dissolve = film_with("dissolve")
    before, after = film.takes[0], film.takes[1]
    assert (after.first, before.last) == (dissolve.first, dissolve.last)
    middle = (dissolve.first + dissolve.last) // 2
    done = (middle - dissolve.first + 1) / (dissolve.last - dissolve.first + 2)
    one, other = (shown(replace(film, takes=(take,), transitions=()), middle, middle)[0] for take in (before, after))
    seen = shown(film, middle, middle)[0]
    assert difference(seen, np.round(one * (1 - done) + other * done).astype(np.int16)) < 1
    assert difference(one, other) > 5


def test_distractions_move_the_picture_within_a_shot_only() -> None:
    seen = set()
    for film in plan_transitions(videos=12, seed=3, shots=3):
        for take in film.takes:
            one = take.distraction
            if one is None:
                continue
            alone = [span for span in film.transitions if span.first - 8 <= one.last and one.first <= span.last + 8]
            assert take.first + 8 < one.first <= one.last < take.last - 8
            assert not alone
            if one.kind in seen:
                continue
            seen.add(one.kind)
            middle = (one.first + one.last) // 2
            short = replace(film, takes=(take,), transitions=(), grain=0.0, frames=1)
            moved = replace(
                take,
                first=take.first - middle,
                last=take.last - middle,
                distraction=replace(one, first=one.first - middle, last=one.last - middle),
            )
            with_it = next(pictures(replace(short, takes=(moved,)))).astype(np.int16)
            assert difference(with_it, shown(short, middle, middle)[0]) > 2, one
    assert seen == set(DISTRACTIONS)


def test_lengths_and_shares_are_those_promised() -> None:
    films = plan_transitions(videos=60, seed=1)
    kinds = Counter(one.kind for film in films for one in film.transitions)
    for kind, share in TRANSITIONS.items():
        assert kinds[kind] / kinds.total() == pytest.approx(share, abs=0.07)
    for film in films:
        assert film.fps in (24, 25)
        for one in film.transitions:
            assert one.kind == "cut" or 0.37 <= one.end - one.start <= 1.23
            assert one.start == one.first / film.fps
        bounds = [0, *(frame for one in film.transitions for frame in (one.first, one.last + (one.kind != "cut")))]
        alone = np.subtract([*bounds[1::2], film.frames], bounds[::2]) / film.fps
        assert alone.min() >= 1.45
        assert alone.max() <= 5.05


def test_the_same_seed_films_the_same(filmed: tuple[Path, list[Transition]], tmp_path: Path) -> None:
    folder, told = filmed
    assert film_transitions(tmp_path, videos=1, seed=5, shots=2) == told
    assert (tmp_path / told[0].video).read_bytes() == (folder / told[0].video).read_bytes()
    assert plan_transitions(videos=1, seed=6, shots=2) != plan_transitions(videos=1, seed=5, shots=2)


def test_a_film_that_is_there_stays_and_an_interrupted_one_leaves_nothing(tmp_path: Path) -> None:
    (film,) = plan_transitions(videos=1, seed=5, shots=2)
    (tmp_path / film.video).write_bytes(b"here already")
    done: list[int] = []
    film_transitions(tmp_path, videos=1, seed=5, shots=2, on_done=lambda: done.append(1))
    assert (tmp_path / film.video).read_bytes() == b"here already"
    assert done == [1]

    def broken() -> object:
        yield np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_video(tmp_path / "broken.mp4", broken(), 25, {})  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == [film.video]
