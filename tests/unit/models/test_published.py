"""All the models of a corpus: those that are served, those that are withdrawn, and the table of them."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import va_widgets as va
from tests.unit.models.conftest import DIM, publish_model
from va_widgets.learning.views import APPEARANCE, Linear
from va_widgets.models import bundle
from va_widgets.models.bundle import goes_on_from
from va_widgets.models.published import damaged, newest, served
from va_widgets.models.withdrawal import withdraw


def test_the_newest_version_that_is_not_withdrawn_is_served(corpus: va.Corpus) -> None:
    first = publish_model(corpus.path / "models")
    second = publish_model(corpus.path / "models", parent=first)
    publish_model(corpus.path / "models", "rain")
    assert {name: model.version for name, model in served(corpus).items()} == {"night": 2, "rain": 1}
    before = sorted(file.name for file in second.folder.iterdir())
    second.withdraw("it finds lamps by day")
    assert va.load_model(second.folder).withdrawn == "it finds lamps by day"
    assert served(corpus)["night"].version == va.load_model(second.folder.parent).version == 1
    second.restore()
    second.restore()  # nothing to do
    assert va.load_model(second.folder).withdrawn is None
    assert served(corpus)["night"].version == 2
    assert sorted(file.name for file in second.folder.iterdir()) == before


def test_a_model_of_which_all_versions_are_withdrawn_is_not_served(corpus: va.Corpus) -> None:
    model = publish_model(corpus.path / "models")
    model.withdraw("x")
    assert served(corpus) == {}
    assert newest(corpus, "night") is None
    with pytest.raises(va.ModelError, match=r"All versions of the model in .* are withdrawn"):
        va.load_model(model.folder.parent)
    assert publish_model(corpus.path / "models").version == 2


def test_a_withdrawal_needs_a_reason_and_a_folder(model: va.Model) -> None:
    for reason in ("", "  ", None, "x" * 1001, "\ud800"):
        with pytest.raises(va.ModelError, match=r"reason|why"):
            model.withdraw(reason)  # type: ignore[arg-type]
    assert model.withdrawn is None
    model.folder.rename(model.folder.with_name("gone"))
    with pytest.raises(va.ModelError, match="moved or deleted"):
        model.withdraw("x")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"reason": 3}', b"[" * 100_000, b"x" * 100_000])
def test_a_damaged_withdrawal_still_withdraws(model: va.Model, data: bytes) -> None:
    (model.folder / "withdrawn.json").write_bytes(data)
    assert model.withdrawn == "no reason is known"


def test_the_table_lists_all_versions(corpus: va.Corpus) -> None:
    assert corpus.models.empty
    first = publish_model(corpus.path / "models")
    publish_model(corpus.path / "models", parent=first)
    publish_model(corpus.path / "models", "a car", metrics={"corpus_average_precision": None})
    first.withdraw("x")
    table = corpus.models
    assert list(table.index) == ["a_car", "night", "night"]
    assert table["version"].tolist() == [1, 2, 1]
    assert table["withdrawn"].tolist() == [False, False, True]
    night = table.iloc[1]
    assert (night["name"], night["concept"], night["yes"], night["no"], night["parent"]) == ("night", "night", 1, 2, 1)
    assert (night["ap"], night["ap_low"], night["threshold"]) == (0.9, 0.8, 0.4)
    assert np.isnan(table["ap"].iloc[0])
    assert table["encoder"].tolist() == ["tests@8"] * 3
    assert (table["problem"] == "").all()


def test_a_damaged_version_has_its_problem_in_the_table(corpus: va.Corpus) -> None:
    publish_model(corpus.path / "models")
    damaged = publish_model(corpus.path / "models")
    (damaged.folder / "model.safetensors").write_bytes(b"")
    (corpus.path / "models" / "empty").mkdir()
    (corpus.path / "models" / "file").touch()
    table = corpus.models
    assert table["version"].tolist() == [2, 1]
    assert "damaged" in table["problem"].iloc[0]
    assert table["problem"].iloc[1] == ""
    withdraw(damaged.folder, "x")
    assert corpus.models["withdrawn"].tolist() == [True, False]


def test_a_damaged_version_is_not_served_and_other_models_are(corpus: va.Corpus) -> None:
    first = publish_model(corpus.path / "models")
    second = publish_model(corpus.path / "models", parent=first)
    publish_model(corpus.path / "models", "rain")
    (second.folder / "model.safetensors").write_bytes(b"")
    assert list(served(corpus)) == ["rain"]  # not version 1 without a word
    assert list(damaged(corpus)) == ["night"]
    assert str(second.folder) in damaged(corpus)["night"]
    known = newest(corpus, "night")
    assert known is not None
    assert known.version == 1  # the next version follows what can be read
    withdraw(second.folder, "damaged")
    assert served(corpus)["night"].version == 1
    assert damaged(corpus) == {}


def test_a_version_that_no_table_holds_is_damage(corpus: va.Corpus) -> None:
    model = publish_model(corpus.path / "models")
    card = json.loads((model.folder / "card.json").read_text())
    (model.folder / "card.json").write_text(json.dumps({**card, "version": 2**64}))
    assert "damaged" in corpus.models["problem"].iloc[0]


def test_a_version_goes_on_from_those_before_it_and_from_no_other(tmp_path: Path) -> None:
    first = publish_model(tmp_path / "a")
    classifiers = [Linear({APPEARANCE: np.full(DIM, value)}, 0.5) for value in (1.0, 2.0)]
    second = publish_model(tmp_path / "b", parent=first, classifier=classifiers[0])
    third = publish_model(tmp_path / "b", parent=second, classifier=classifiers[1])
    assert goes_on_from(second, first)
    assert goes_on_from(third, first)
    assert not goes_on_from(first, third)
    assert not goes_on_from(third, third)
    assert not goes_on_from(publish_model(tmp_path / "c", classifier=classifiers[0]), first)
    odd = replace(third, card={**third.card, "parent": {"sha256": 3, "ancestors": {"a": [None]}}})
    assert not goes_on_from(odd, first)


def test_a_card_of_anything_in_its_further_entries_is_listed(corpus: va.Corpus) -> None:
    model = publish_model(corpus.path / "models")
    card = json.loads((model.folder / "card.json").read_text())
    odd = {"labels": 3, "metrics": {"corpus_average_precision": "high"}, "parent": {"version": 10**400}, "created": []}
    (model.folder / "card.json").write_text(json.dumps({**card, **odd}))
    row = corpus.models.iloc[0]
    assert row[["yes", "ap", "parent"]].isna().all()
    assert "1 yes" not in va.load_model(model.folder)._repr_html_()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_models_behind_a_link_that_leads_out_are_not_read(corpus: va.Corpus, tmp_path: Path) -> None:
    publish_model(tmp_path / "elsewhere")
    (corpus.path / "models").mkdir()
    (corpus.path / "models" / "night").symlink_to(tmp_path / "elsewhere" / "night")
    assert "leads out of" in corpus.models["problem"].iloc[0]
    assert served(corpus) == {}
    assert "leads out of" in damaged(corpus)["night"]


def test_versions_published_at_once_all_appear(tmp_path: Path) -> None:
    together = threading.Barrier(6)
    found: list[int] = []

    def publish_together() -> None:
        together.wait()
        found.append(publish_model(tmp_path / "models").version)

    threads = [threading.Thread(target=publish_together) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    home = tmp_path / "models" / "night"
    assert sorted(folder.name for folder in home.iterdir()) == [f"v{number}" for number in range(1, 7)]
    for number in range(1, 7):
        model = va.load_model(home / f"v{number}")
        assert model.version == number
        assert f"version {number}" in model.read_file("README.md").decode()


def test_an_interrupted_publication_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("write_file", "sync_folder"):
        with monkeypatch.context() as patch:
            patch.setattr(bundle, step, interrupted)
            with pytest.raises(KeyboardInterrupt):
                publish_model(tmp_path / "models")
        assert list((tmp_path / "models" / "night").iterdir()) == []
    assert publish_model(tmp_path / "models").version == 1


def test_what_a_killed_publish_left_is_removed_by_the_next_one_an_hour_later(tmp_path: Path) -> None:
    home = publish_model(tmp_path / "models").folder.parent
    names = {what: f".unfinished-{number:032x}" for number, what in enumerate(("old", "busy", "new", "user's", "file"))}
    for what in ("old", "busy", "new", "user's"):
        (home / names[what]).mkdir()
    (home / names["old"] / "card.json").write_text("{")
    (home / names["busy"] / "card.json").write_text("{")
    (home / names["user's"] / "more").mkdir()
    (home / names["file"]).write_text("mine")
    (home / ".unfinished-work").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (home / f".unfinished-{'f' * 32}").symlink_to(outside, target_is_directory=True)
    an_hour_ago = time.time() - 3700
    for what in ("old", "busy", "user's", "file"):
        for path in [*(home / names[what]).glob("*"), home / names[what]]:
            if (what, path.name) != ("busy", "card.json"):  # which is still written to
                os.utime(path, (an_hour_ago, an_hour_ago))
    publish_model(tmp_path / "models")
    left = {path.name for path in home.iterdir()}
    stays = [names[what] for what in ("busy", "new", "user's", "file")]
    assert left == {"v1", "v2", ".unfinished-work", f".unfinished-{'f' * 32}", *stays}
    assert outside.is_dir()


def test_a_model_in_a_folder_of_another_name_takes_no_other_ones_place(corpus: va.Corpus) -> None:
    night = publish_model(corpus.path / "models")
    copied = publish_model(corpus.path / "models", "a copy")
    card = copied.folder / "card.json"
    for version in (1, 7):
        card.write_text(json.dumps({**json.loads(card.read_text()), "name": "night", "version": version}))
        assert served(corpus)["night"].folder == night.folder
