"""SMPTE time code: which frame it names, and which moments no video has."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from va_widgets.base.errors import CorpusError
from va_widgets.corpus.user_tables.segments import checked_segments
from va_widgets.corpus.user_tables.timecode import FrameCount, SourceClock, TimeCode, time_code

NTSC = Fraction(30_000, 1001)
FINE = Fraction(1, 90_000)


def code(text: str) -> TimeCode:
    found = time_code(text)
    assert found is not None
    return found


def clock(rate: int | Fraction, start: str = "00:00:00:00", base: Fraction = FINE) -> SourceClock:
    return SourceClock(Fraction(rate), code(start), base)


def labels(nominal: int, drop: bool, minutes: int) -> list[str]:
    """All time codes of some minutes, in order, by the rule: no frames 0 and 1 in minutes that 10 does not divide."""
    left_out = 2 * nominal // 30 if drop else 0
    return [
        f"00:{minute:02d}:{second:02d}{';' if drop else ':'}{frame:02d}"
        for minute in range(minutes)
        for second in range(60)
        for frame in range(nominal)
        if second or frame >= left_out or minute % 10 == 0
    ]


@pytest.mark.parametrize(
    ("rate", "drop"),
    [(NTSC, True), (NTSC, False), (2 * NTSC, True), (Fraction(24_000, 1001), False), (Fraction(25), False)],
)
def test_every_frame_has_its_time(rate: Fraction, drop: bool) -> None:
    whole = labels(round(rate), drop, 12)
    for number in [*range(0, len(whole), 97), *range(1790, 1810), len(whole) - 1]:
        assert clock(rate).seconds(code(whole[number])) == pytest.approx(float(number / rate), abs=1e-9)


@given(st.integers(0, 86_000), st.integers(0, 23), st.sampled_from([24, 25, 30, 50, 60]))
@settings(max_examples=40)
def test_times_count_from_the_source_s_own_start(second: int, hour: int, nominal: int) -> None:
    """Also past midnight."""
    length = second % 3600
    begin = f"{hour:02d}:{second // 1440:02d}:{second % 60:02d}:07"
    at = hour * 3600 + (second // 1440) * 60 + second % 60 + length
    moment = f"{at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}:{(7 + 3) % nominal:02d}"
    assert clock(nominal, begin).seconds(code(moment)) == pytest.approx(length + 3 / nominal)


def test_time_code_is_drop_frame_where_the_moment_or_the_source_says_so() -> None:
    for start, moment in (
        ("01:00:00;00", "01:10:00;00"),
        ("01:00:00:00", "01:10:00;00"),
        ("01:00:00;00", "01:10:00:00"),
    ):
        assert clock(NTSC, start).seconds(code(moment)) * NTSC == pytest.approx(17_982)
    assert clock(NTSC, "01:00:00:00").seconds(code("01:10:00:00")) * NTSC == pytest.approx(18_000)
    assert clock(25, "01:00:00;00").seconds(code("01:10:00:00")) == 600  # a mark that 25 frames a second do not have


def test_stamps_of_whole_milliseconds_are_met() -> None:
    seconds = [clock(NTSC, base=Fraction(1, 1000)).seconds(code(f"00:00:00:{frame:02d}")) for frame in range(30)]
    assert seconds == pytest.approx([round(frame * 1001 / 30) / 1000 for frame in range(30)], abs=1e-12)


def test_frames_of_a_timeline_are_counted_at_its_rate() -> None:
    film = clock(Fraction(24_000, 1001), "01:00:00:00")
    assert film.seconds(FrameCount(86_424, 24)) == film.seconds(FrameCount(24, 23.976, from_first=True)) == 1.001
    assert clock(50).seconds(FrameCount(30, 25)) == 1.2


@pytest.mark.parametrize(
    "text",
    ["1:2:3", "24:00:00:00", "01:60:00:00", "01:00:60:00", "01:00:00.00", "a:b:c:d", "1:2:3:4:5", "-1:00:00:00", 5],
)
def test_what_is_no_time_code(text: object) -> None:
    assert time_code(text) is None


def test_moments_that_a_video_does_not_have_are_refused_in_their_row() -> None:
    clocks = {"pal": clock(25, "10:00:00:00"), "ntsc": clock(NTSC, "01:00:00;00")}

    def clock_of(name: str) -> SourceClock:
        if name not in clocks:
            raise CorpusError("there is no such file in /films.")
        return clocks[name]

    rows = [
        ("pal", "10:00:02:12", "10:00:04:00"),
        ("pal", "09:59:59:00", "10:00:01:00"),
        ("pal", "10:00:01:25", "10:00:02:00"),
        ("pal", "10:00:01;05", "10:00:02:00"),
        ("ntsc", "01:01:00;01", "01:02:00;02"),
        ("gone", "01:00:00:00", 5),
        ("pal", 1.5, "00:00:02,5"),
        (None, "01:00:00:00", 5),
        ("pal", "10:00:00:00", "25:00:00:00"),
    ]
    good, refused = checked_segments(pd.DataFrame(rows, columns=["video", "start", "end"]), clock_of)
    assert good[["start", "end"]].to_numpy().tolist() == [[2.48, 4.0], [1.5, 2.5]]
    assert refused["reason"].to_dict() == {
        1: "its start 09:59:59:00 lies before 10:00:00:00, the time code of the video's first picture",
        2: "its start 10:00:01:25 has the frame 25, but its video only 25 a second",
        3: "its start 10:00:01;05 is drop-frame time code, which a video of 25 frames a second does not have",
        4: "its start 01:01:00;01 is a number that drop-frame time code leaves out",
        5: "its start is time code, which needs the video: there is no such file in /films",
        7: "it names no video, which must be text",
        8: "its end is not a time: give seconds, MM:SS, HH:MM:SS.mmm or time code HH:MM:SS:FF",
    }
