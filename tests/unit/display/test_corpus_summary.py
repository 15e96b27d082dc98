"""What a notebook shows of a corpus."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from va_widgets.base.errors import CorpusError
from va_widgets.display.corpus_summary import Sample, Summary, first_frame, summary_html, summary_text
from va_widgets.display.map_layout import map_2d
from va_widgets.display.player import Player, Thumbnail, clip_title
from va_widgets.video.filmstrip import Filmstrip, filmstrip

EVIL = """<script>alert(1)</script>" onerror='x' & \n\x1b[31m.mp4"""
VOID = {"img", "br", "source"}


class Page(HTMLParser):
    """Parses HTML that must be well-formed; `tags` are (name, attributes), `text` what is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def strip(frames: int = 8, width: int = 240, height: int = 135) -> Filmstrip:
    """Every frame of another grey."""
    return filmstrip([np.full((height, width, 3), 20 + 25 * i, dtype=np.uint8) for i in range(frames)])


def noise(width: int, height: int) -> Filmstrip:
    return filmstrip([np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)] * 2)


def summary(**changes: object) -> Summary:
    facts: dict[str, object] = {
        "path": "films", "clips": 1234, "videos": 56, "seconds": 7920.0, "dim": 512, "encoder": "ViT-B-32/openai",
        "statuses": {"done": 53, "partial": 0, "skipped": 3}, "searchable": True, "columns": ["rating"],
    }  # fmt: skip
    return Summary(**(facts | changes))  # type: ignore[arg-type]


# --- the summary -----------------------------------------------------------------------------------


def test_the_summary_says_what_there_is() -> None:
    assert summary_text(summary()).splitlines() == [
        "Corpus in films",
        "  clips         1,234 of 56 videos, 2.2 hours in all",
        "  embeddings    512 dimensions by ViT-B-32/openai",
        "  sources       53 done, 3 skipped: see corpus.report",
        "  text search   any text",
        "  your columns  rating",
    ]


def test_the_html_says_the_same() -> None:
    page = Page(summary_html(summary()))
    for line in summary_text(summary()).splitlines()[1:]:
        assert line.split("  ")[-1].strip() in page.text
    assert len(page.all("th")) == 5
    assert all(one["scope"] == "row" for one in page.all("th"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"statuses": {"done": 2}}, "sources       2 done\n"),
        ({"searchable": False}, "none: open the corpus with encoder=… for it"),
        ({"searchable": False, "phrases": 1}, "1 phrase that came with the embeddings"),
        ({"seconds": 59.7, "videos": 1}, "of 1 video, 1 min 0 s in all"),
        ({"seconds": 3.0}, ", 3 s in all"),
        ({"columns": [f"c{i}" for i in range(40)]}, "c0, c1, c2, c3, c4, c5 and 34 more"),
        ({"columns": ["x" * 500]}, f"{'x' * 19}…{'x' * 19}"),
        ({"views": ("appearance", "motion")}, "\n  views         appearance, motion\n"),
        ({"motion_is_old": True}, 'measured by an earlier version: corpus.add_view("motion") makes it anew'),
        ({"views": [f"v{i}" for i in range(8)]}, "v0, v1, v2, v3, v4, v5 and 2 more"),
    ],
)
def test_the_summary_in_other_cases(changes: dict[str, object], said: str) -> None:
    assert said in summary_text(summary(**changes)) + "\n"


def test_a_corpus_of_embeddings_has_no_sources_and_no_columns() -> None:
    text = summary_text(summary(statuses={}, columns=[]))
    assert "sources" not in text
    assert "columns" not in text


def test_user_texts_do_no_harm() -> None:
    facts = summary(path=EVIL, encoder=EVIL, columns=[EVIL])
    html = summary_html(facts, [Sample(first_frame(strip()), EVIL, 1.0)])
    page = Page(html)
    assert {name for name, _ in page.tags} <= {"div", "table", "tbody", "tr", "th", "td", "img"}
    assert set(page.all("img")[0]) == {"src", "alt", "title", "style"}
    assert "\n" not in html
    assert "\x1b" not in html
    assert summary_text(facts).count("\n") == 5


def test_thumbnails_name_their_video_and_time() -> None:
    frame = first_frame(strip())
    page = Page(summary_html(summary(), [Sample(frame, f"v{i}.mp4", 60.0 * i + 5) for i in range(12)]))
    assert [one["title"] for one in page.all("img")] == [f"v{i}.mp4, {i}:05" for i in range(8)]
    assert all(one["alt"] == one["title"] for one in page.all("img"))
    assert _embedded(page.all("img")[0]["src"]) == ("image/jpeg", frame)


def test_a_summary_stays_small() -> None:
    long = "x" * 5_000
    facts = summary(path=long, encoder=long, columns=[long] * 500)
    frames = [Sample(first_frame(noise(320, 180)), long, 0.0)] * 8
    huge = [Sample(noise(960, 540).data * 20, long, 0.0)] * 8
    assert 40_000 < len(summary_html(facts, frames)) < 120_000
    assert len(summary_html(facts, huge)) < 120_000
    assert not Page(summary_html(facts, huge)).all("img")


def test_the_page_s_colours_are_kept() -> None:
    thumbnail = Thumbnail(strip(), "a")
    pages = [summary_html(summary(), [Sample(first_frame(strip()), "a", 0.0)]), thumbnail._repr_html_()]
    for html in [*pages, Player(b"x", "a")._repr_html_(), Player(None, "a", thumbnail)._repr_html_()]:
        colours = re.findall(r"(?:background|color)[a-z-]*:([^;\"]+)", html)
        assert set(colours) <= {"inherit", "none"}


# --- thumbnails and the player ---------------------------------------------------------------------


def test_a_thumbnail_shows_the_whole_strip() -> None:
    thumbnail = Thumbnail(strip(), "a.mp4, 0:01–0:03")
    image = Page(thumbnail._repr_html_()).all("img")[0]
    assert image["alt"] == image["title"] == "a.mp4, 0:01–0:03"
    assert (image["width"], image["height"]) == ("1920", "135")
    assert _embedded(image["src"]) == ("image/jpeg", thumbnail.data)
    assert repr(thumbnail) == "Thumbnail('a.mp4, 0:01–0:03': 8 frames, 1920x135)"


def test_a_thumbnail_s_pictures() -> None:
    thumbnail = Thumbnail(strip(5, 90, 120))
    assert thumbnail.image is thumbnail.image
    assert thumbnail.image.size == (thumbnail.width, thumbnail.height)
    assert [one.size for one in thumbnail.frames] == [(90, 120)] * 5
    greys = [float(np.asarray(one).mean()) for one in thumbnail.frames]
    assert greys == pytest.approx([20, 45, 70, 95, 120], abs=2)
    middle = thumbnail.middle
    assert (middle.width, middle.height) == (90, 120)
    assert float(np.asarray(middle.image).mean()) == pytest.approx(70, abs=2)


def test_damaged_pictures_are_said_to_be() -> None:
    good = strip()
    for data, frames in ((b"", 8), (b"nonsense", 8), (good.data[:200], 8), (good.data, 7)):
        bad = Filmstrip(frames, good.width, good.height, good.mime, data)
        with pytest.raises(CorpusError, match="copy the corpus again"):
            _ = Thumbnail(bad, "a").image
        with pytest.raises(CorpusError, match="copy the corpus again"):
            first_frame(bad)


def test_the_first_frame_is_small() -> None:
    image = PIL.Image.open(io.BytesIO(first_frame(strip())))
    assert image.size == (160, 90)
    assert float(np.asarray(image).mean()) == pytest.approx(20, abs=2)
    tall = cv2.imdecode(np.frombuffer(first_frame(strip(3, 76, 135)), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert tall is not None
    assert tall.shape == (90, 51, 3)


def test_a_player_plays_muted_and_over_and_over() -> None:
    player = Player(b"\0mp4", "a.mp4, 0:01–0:03")
    page = Page(player._repr_html_())
    video = page.all("video")[0]
    assert {"controls", "muted", "loop"} <= set(video)
    assert _embedded(video["src"]) == ("video/mp4", b"\0mp4")
    assert video["title"] == "a.mp4, 0:01–0:03"
    assert "a.mp4, 0:01–0:03" in page.text


def test_a_player_without_a_video_shows_the_thumbnail_and_says_why() -> None:
    thumbnail = Thumbnail(strip(), "a.mp4")
    page = Page(Player(None, "a.mp4", thumbnail, "The video a.mp4 is no longer in films: put it back.")._repr_html_())
    assert not page.all("video")
    assert _embedded(page.all("img")[0]["src"]) == ("image/jpeg", thumbnail.data)
    assert "The video a.mp4 is no longer in films: put it back." in page.text
    assert "gone" in Page(Player(None)._repr_html_()).text


def test_titles_do_no_harm() -> None:
    title = clip_title(EVIL, 1, 3)
    assert title.endswith(r"\n\x1b[31m.mp4, 0:01–0:03")
    thumbnail = Thumbnail(strip(), EVIL)
    for html in (
        thumbnail._repr_html_(),
        Player(b"x", EVIL)._repr_html_(),
        Player(None, EVIL, thumbnail, EVIL)._repr_html_(),
    ):
        assert {name for name, _ in Page(html).tags} <= {"figure", "figcaption", "img", "video", "p"}
        assert "\n" not in html


# --- the map ---------------------------------------------------------------------------------------


def blobs(n: int, dim: int = 16) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """Four groups of unit vectors."""
    rng = np.random.default_rng(0)
    group = np.arange(n) % 4
    rows = rng.normal(size=(4, dim))[group] + 0.3 * rng.normal(size=(n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16), group


def agreement(places: NDArray[np.float32], group: NDArray[np.int64]) -> float:
    """How many of the 5 nearest in the map are of the same group."""
    neighbours = NearestNeighbors(n_neighbors=6).fit(places).kneighbors(places, return_distance=False)[:, 1:]
    return float((group[neighbours] == group[:, None]).mean())


def test_a_map_keeps_groups_together() -> None:
    rows, group = blobs(300)
    places = map_2d(rows)
    assert places.dtype == np.float32
    assert places.shape == (300, 2)
    assert np.abs(places).max() == pytest.approx(1)
    assert agreement(places, group) > 0.95


def test_the_rest_is_placed_by_a_sample(tmp_path: Path) -> None:
    rows, group = blobs(20_000)
    np.save(tmp_path / "embeddings.npy", rows)
    mapped = np.load(tmp_path / "embeddings.npy", mmap_mode="r")
    places = map_2d(mapped, sample=200)
    assert np.isfinite(places).all()
    assert np.abs(places).max() <= 1
    assert agreement(places, group) > 0.95


def test_the_same_seed_gives_the_same_map() -> None:
    rows, _ = blobs(200)
    np.testing.assert_array_equal(map_2d(rows, seed=3, sample=100), map_2d(rows, seed=3, sample=100))
    assert not np.array_equal(map_2d(rows, seed=3, sample=100), map_2d(rows, seed=4, sample=100))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 9, 10])
def test_a_map_of_a_few(n: int) -> None:
    places = map_2d(blobs(n)[0])
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == n


def test_a_map_of_duplicates() -> None:
    assert not map_2d(np.ones((50, 8), dtype=np.float16)).any()
    three = np.repeat(blobs(3)[0], 40, axis=0)
    assert len(np.unique(map_2d(three), axis=0)) == 3


@pytest.mark.parametrize("sample", [20, 3_000], ids=["placed by a sample", "all placed"])
def test_equal_rows_have_one_place_to_the_bit(sample: int) -> None:
    rows = blobs(120)[0].astype(np.float16)
    rows[0, 0] = 0.0
    several = np.tile(rows, (3, 1))
    several[120, 0] = -0.0
    places = map_2d(several, sample=sample)
    np.testing.assert_array_equal(places, np.tile(places[:120], (3, 1)))
    np.testing.assert_array_equal(places[:120], map_2d(rows, sample=sample))
    assert len(np.unique(places, axis=0)) == 120


def test_a_map_needs_a_matrix() -> None:
    assert map_2d(np.linspace(0, 1, 20, dtype=np.float32)[:, None]).shape == (20, 2)
    with pytest.raises(CorpusError, match="matrix"):
        map_2d(np.ones(3, dtype=np.float32))


def _embedded(uri: str | None) -> tuple[str, bytes]:
    found = re.fullmatch(r"data:([a-z0-9/]+);base64,([A-Za-z0-9+/=]*)", uri or "")
    assert found
    return found[1], base64.b64decode(found[2])
