"""Foreign rows find their clips: by id, by video and time, by frame, or by video alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import va_widgets as va
from tests.unit.exchange.conftest import current


def matched(corpus: va.Corpus, rows: list[dict[str, Any]], **options: Any) -> dict[str, str]:
    """Import rows of the concept "night" and return the labels: {clip: value}."""
    table = pd.DataFrame(rows)
    va.labels.import_(corpus, table, concept="night", annotator="k", **options)
    return {clip: value for (_, _, clip), value in current(corpus).items()}


@pytest.mark.parametrize(
    ("segment", "clips"),
    [
        ((0.0, 2.0), ["c00"]),
        ((0.04, 2.03), ["c00"]),  # a frame off: it is that clip
        ((0.0, 10.0), ["c00", "c01", "c02"]),  # all clips that lie in a long segment
        ((2.5, 3.0), ["c01"]),  # a short one within a clip
        ((1.8, 3.0), ["c01"]),  # a sixth of it in the first clip, five sixths in the second
        ((1.0, 3.0), ["c00", "c01"]),  # as much in one as in the other
        ((1.1, 5.0), ["c01"]),  # less than half of the first clip
        ((3.0, 3.0), ["c01"]),  # a moment
        ((2.0, 2.0), ["c01"]),  # the first moment of a clip is its own, the last one is not
        (("00:00:02.000", "00:05"), ["c01"]),
        (("00:00:02:00", "00:00:04:24"), ["c01"]),  # SMPTE, 25 frames a second
    ],
)
def test_a_segment_is_of_the_clips_that_it_overlaps_by_half(
    corpus: va.Corpus, segment: tuple[object, object], clips: list[str]
) -> None:
    start, end = segment
    assert matched(corpus, [{"video": "alpha.mp4", "start": start, "end": end, "value": "yes"}]) == dict.fromkeys(
        clips, "yes"
    )


def test_a_no_is_of_clips_that_it_covers_by_half(corpus: va.Corpus) -> None:
    rows = [
        {"video": "alpha", "start": 0.0, "end": 7.6, "value": "no"},  # 2.6 of the 5 s of the third clip
        {"video": "gamma", "start": 5.0, "end": 7.4, "value": "no"},
    ]
    found = matched(corpus, rows, unmatched="skip")
    assert found == {"c00": "no", "c01": "no", "c02": "no"}


@pytest.mark.parametrize(
    "video", ["films/gamma.mov", "gamma.mov", "gamma", "https://host/x/gamma.mov?t=1", "D:\\v\\gamma.mp4"]
)
def test_videos_are_known_by_path_name_and_stem(corpus: va.Corpus, video: str) -> None:
    assert matched(corpus, [{"video": video, "start": 0, "end": 2, "value": 1}]) == {"c08": "yes"}


def test_frames_are_taken_at_the_rate_of_the_video(corpus: va.Corpus) -> None:
    assert matched(corpus, [{"video": "gamma", "frame_in": 50, "frame_out": 125, "value": "yes"}]) == {"c09": "yes"}
    assert matched(corpus, [{"video": "gamma", "frame": 251, "value": "no"}])["c11"] == "no"
    assert (
        matched(corpus, [{"video": "alpha", "start": 125, "end": 250, "value": "yes"}], times="frames")["c02"] == "yes"
    )
    milliseconds = [{"video": "alpha", "start": 10_000, "end": 12_000, "value": "yes"}]
    assert matched(corpus, milliseconds, times="milliseconds")["c03"] == "yes"


def test_an_id_counts_more_than_a_place(corpus: va.Corpus) -> None:
    rows = [{"clip_id": "c05", "video": "alpha.mp4", "start": 0.0, "end": 2.0, "value": "yes"}]
    assert matched(corpus, rows) == {"c05": "yes"}
    rows = [{"clip_id": "unknown", "video": "alpha.mp4", "start": 0.0, "end": 2.0, "value": "yes"}]
    assert matched(corpus, rows) == {"c00": "yes", "c05": "yes"}


def test_a_video_that_was_cut_out_for_kinetics_is_known_by_its_name(tmp_path: Any) -> None:
    clips = pd.DataFrame({"video": "k/a_b-c_000010_000020.mp4", "start": [0.0, 4.0], "end": [4.0, 10.0]})
    clips.index = pd.Index(["x", "y"], name="clip_id")
    corpus = va.Corpus.from_embeddings(tmp_path / "c", [[1.0, 0.0], [0.0, 1.0]], clips)
    table = pd.DataFrame({"label": ["run"], "youtube_id": ["a_b-c"], "time_start": [10], "time_end": [20]})
    va.labels.import_(corpus, table, annotator="k")
    assert current(corpus) == {("run", "k", "x"): "yes", ("run", "k", "y"): "yes"}


def test_a_video_of_one_clip_needs_no_time(tmp_path: Any) -> None:
    table = pd.DataFrame({"video": ["a/x.png", "b/y.png", "c/y.png"]}, index=pd.Index(["x", "y", "z"], name="clip_id"))
    corpus = va.Corpus.from_embeddings(tmp_path / "c", [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], table)
    assert matched(corpus, [{"file": "x.png", "value": True}]) == {"x": "yes"}
    with pytest.raises(va.ExchangeError, match=r"several videos are called 'y.png': give its path"):
        matched(corpus, [{"file": "y.png", "value": True}])
    with pytest.raises(va.ExchangeError, match="the clips of its video have no times"):
        matched(corpus, [{"file": "x.png", "start": 1, "end": 2, "value": True}])


def test_what_was_matched_how_and_what_was_left_is_said(corpus: va.Corpus) -> None:
    rows = pd.DataFrame(
        {
            "label": ["run", "run", "jump", "run"],
            "video": ["alpha", "gamma", "gamma", "elsewhere"],
            "time_start": [0, 0.0, 5.2, 1],
            "time_end": [10, 2.0, 6, 2],
        }
    )
    result = va.labels.import_(corpus, rows, annotator="k", unmatched="skip")
    assert (result.labels, result.matched, result.left_count) == (5, {"time": 3}, 1)
    assert result.left.to_dict("records") == [
        {"where": "row 3", "reason": "the corpus has no clip of the video 'elsewhere' there"}
    ]
    assert str(result).splitlines() == [
        "the table (pandas, 4 rows): 5 labels stored.",
        "Rows were matched to clips: 3 by video and time. 1 row of several clips each.",
        "1 row left out, such as row 3: the corpus has no clip of the video 'elsewhere' there.",
    ]


def test_labels_of_clips_that_will_come_can_be_kept(corpus: va.Corpus) -> None:
    rows = [{"clip_id": "later", "value": "yes"}, {"clip_id": "c00", "value": "no"}]
    assert matched(corpus, rows, unmatched="keep") == {"later": "yes", "c00": "no"}


def test_a_dry_run_stores_nothing(corpus: va.Corpus) -> None:
    rows = pd.DataFrame({"clip_id": ["c00", "c01"], "value": ["yes", "no"]})
    result = va.labels.import_(corpus, rows, concept="night", annotator="k", dry_run=True)
    assert str(result).startswith("the table (pandas, 2 rows): 2 labels would be stored.")
    assert current(corpus) == {}
