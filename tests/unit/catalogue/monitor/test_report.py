"""A model is monitored on another corpus, its sample labelled, and the next version compared with it."""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.catalogue.synthetic import DIM, Words, model
from va_widgets.catalogue.monitor import MonitorReport
from va_widgets.cli import main
from va_widgets.models.reference import labels_of, reference_of

CONCEPT = "bright"


def corpus(path: Path, clips: int, seed: int, shift: float = 0.0) -> va.Corpus:
    """A corpus whose clips show the concept where their first column is high; `shift` moves the second one."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(clips, DIM))
    X[:, 0] *= 2
    X[:, 1] += shift
    names = [f"{path.name}-{i:03}" for i in range(clips)]
    table = pd.DataFrame({"video": [f"{path.name}{i // 4}" for i in range(clips)], "truth": X[:, 0] > 1.5}, index=names)
    return va.Corpus.from_embeddings(path, X, table.rename_axis("clip_id"), Words())


def label(session: va.Session, clips: pd.Series[str] | list[str], source: str = "notebook") -> None:
    truth = session.corpus.clips["truth"]
    session.label({clip: bool(truth[clip]) for clip in clips}, source=source)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> va.Model:
    home = corpus(tmp_path_factory.mktemp("published") / "a", 160, 0)
    session = va.Session(home, CONCEPT)
    label(session, home.clips.index[:48].tolist())
    return session.publish(CONCEPT, pictures=False)


@pytest.fixture
def other(tmp_path: Path) -> va.Corpus:
    return corpus(tmp_path / "b", 200, 1)


@pytest.fixture
def report(published: va.Model, other: va.Corpus) -> MonitorReport:
    return va.monitor(published, other, budget=30)


def test_a_model_keeps_its_labels_and_a_sample_of_its_corpus(published: va.Model) -> None:
    reference, labels = reference_of(published), labels_of(published)
    assert reference is not None
    assert labels is not None
    assert reference.scores.shape == (160,)
    assert reference.embeddings.shape == (160, DIM)
    assert len(labels) == 48
    assert labels.y.sum() == published.card["labels"]["yes"]


def test_clips_like_those_before_raise_no_alarm(report: MonitorReport) -> None:
    assert report.alarms == ()
    assert "no alarm" in repr(report)
    assert "No alarm" in report._repr_html_()


def test_new_looks_raise_an_alarm_and_are_shown(published: va.Model, tmp_path: Path) -> None:
    old, new = corpus(tmp_path / "old", 60, 2), corpus(tmp_path / "new", 60, 3, shift=6.0)
    table = pd.concat([old.clips, new.clips])[["video", "truth"]]
    both = va.Corpus.from_embeddings(
        tmp_path / "both", np.concatenate([old.embeddings, new.embeddings]).astype(float), table, Words()
    )
    report = va.monitor(published, both, 20)
    assert any("look otherwise" in alarm for alarm in report.alarms)
    assert report.newest(8)["clip_id"].str.startswith("new").all()
    assert both.clips["video"].loc[report.newest(8)["clip_id"]].is_unique
    added = va.monitor(published, both, 20, since=old.clips.index)
    assert added.sample["clip_id"].str.startswith("new").all()
    assert "<script" not in added._repr_html_()


def test_the_same_call_gives_the_same_sample(report: MonitorReport, published: va.Model) -> None:
    again = va.monitor(published, report.corpus, budget=30)
    pd.testing.assert_frame_equal(again.sample, report.sample)
    assert list(report.sample.columns) == ["clip_id", "score", "stratum", "probability"]
    assert report.strata["clips"].sum() == 200


def test_the_sample_is_a_feed_of_a_session_that_goes_on_from_the_model(report: MonitorReport) -> None:
    session = report.session("kelli")
    assert session.feeds[0] == "sample"
    truth = report.corpus.clips["truth"].to_numpy()
    scores = session.scores().to_numpy()
    assert scores[truth].min() > np.median(scores)  # without a label of this corpus
    page = session.feed("sample", 12)["clip_id"].tolist()
    assert page == report.sample["clip_id"].tolist()[:12]
    label(session, page, "sample")
    left = session.feed("sample", 99)["clip_id"].tolist()
    assert left == report.sample["clip_id"].tolist()[12:]
    assert session.history["source"].tolist() == ["sample"] * 12
    for again in (pickle.loads(pickle.dumps(session)), report.session("kelli"), session.for_concept(CONCEPT)):
        assert again.feed("sample", 99)["clip_id"].tolist() == left
    assert "sample" not in session.for_concept("another").feeds


def test_an_estimate_uses_the_labels_of_the_sample_in_its_order_alone(report: MonitorReport) -> None:
    session = report.session()
    with pytest.raises(va.NotEnoughLabelsError, match=r"0 labels in its order.*next one to label"):
        report.estimate()
    label(session, report.sample["clip_id"][:20].tolist(), "sample")
    first = report.estimate()
    assert first.labels == 20
    assert re.match(r"Estimate\(precision \d\.\d\d \(\d\.\d\d–\d\.\d\d\), recall", repr(first))
    label(session, report.sample["clip_id"][22:].tolist(), "suggested")  # chosen by a feed, out of turn
    assert report.estimate() == first
    label(session, report.sample["clip_id"][20:22].tolist(), "sample")
    assert report.estimate().labels == 30
    truth = report.corpus.clips["truth"]
    assert report.estimate(truth) == report.estimate()
    predicted = report.model.score_corpus(report.corpus) >= report.model.threshold
    low, high = report.estimate().precision[1:]
    assert low <= (truth & predicted).sum() / predicted.sum() <= high


def test_unsure_labels_are_left_out_of_an_estimate(report: MonitorReport) -> None:
    votes = report.corpus.clips["truth"].astype(object)
    votes[report.sample["clip_id"].iloc[3]] = "unsure"
    estimate = report.estimate(votes)
    assert estimate.labels == 29
    assert "1 without a clear answer" in estimate.method


def test_a_sample_that_is_too_small_is_told_once_it_is_labelled(published: va.Model, other: va.Corpus) -> None:
    report = va.monitor(published, other, 3)
    votes = other.clips["truth"].astype(object)
    with pytest.raises(va.NotEnoughLabelsError, match=r"All 3 clips of the sample are labelled.* Draw a larger sample"):
        report.estimate(votes[report.sample["clip_id"]])
    with pytest.raises(va.NotEnoughLabelsError, match="The next one to label is"):
        report.estimate(votes[report.sample["clip_id"][:2]])


def test_labels_that_a_version_cannot_be_judged_on_are_left_out(tmp_path: Path) -> None:
    home = corpus(tmp_path / "home", 60, 3)
    session = va.Session(home, CONCEPT)
    truth = home.clips["truth"]
    few = [*truth[truth].index[:3], *truth[~truth].index[:3]]  # too few to fit it again without a fifth of them
    label(session, few)
    first = session.publish(CONCEPT, pictures=False)
    with pytest.raises(va.NotEnoughLabelsError, match="label 3 other clips yes and 3 no for 'bright'"):
        first.compare(first, home)
    label(session, [*truth[truth].index[3:9], *truth[~truth].index[3:9]])
    comparison = session.publish(CONCEPT, pictures=False).compare(first, home)
    assert (comparison.labels, comparison.left_out) == (12, 6)
    assert "6 more are left out" in comparison.method


def test_the_next_version_counts_on_and_is_compared_with_the_former_one(
    report: MonitorReport, published: va.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    session = report.session()
    label(session, report.sample["clip_id"].tolist(), "sample")
    second = session.publish(CONCEPT, pictures=False)
    assert second.version == published.version + 1
    assert second.card["parent"]["version"] == published.version
    assert sum(second.card["labels"][value] for value in ("yes", "no")) == 48 + 30
    third = session.publish(CONCEPT, pictures=False)
    assert (third.version, third.card["parent"]["version"]) == (3, 2)

    comparison = second.compare(published, report.corpus, sample=report.sample)
    assert (comparison.labels, comparison.cross_fitted) == (30, 30)
    assert comparison.ap.low <= comparison.ap.difference <= comparison.ap.high
    assert comparison.verdict in comparison._repr_html_().replace("&#x27;", "'")
    same = published.compare(published, report.corpus)
    assert (same.better, same.cross_fitted, len(same.flipped)) == (None, 0, 0)
    assert "is not better" in same.verdict

    folders = [str(folder) for folder in (report.corpus.path, second.folder, published.folder)]
    assert main(["models", "compare", *folders, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == 30


def test_the_command_compares_versions_by_name_and_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = corpus(tmp_path / "c", 120, 0)
    session = va.Session(home, CONCEPT)
    for upto in (30, 60, 90):
        label(session, home.clips.index[upto - 30 : upto].tolist())
        session.publish(CONCEPT, pictures=False)
    folders = {version: str(home.path / "models" / "bright" / f"v{version}") for version in (1, 2, 3)}
    assert CONCEPT == "bright"

    def compared(*arguments: str, status: int = 0) -> str:
        assert main(["models", "compare", str(home.path), *arguments]) == status
        captured = capsys.readouterr()
        return captured.err if status else captured.out

    assert compared(CONCEPT) == compared(folders[3], folders[2]) == compared(CONCEPT, CONCEPT, "--older-version", "2")
    assert compared(CONCEPT, "--version", "2") == compared(folders[2], folders[1]) == compared(folders[2])
    assert compared(CONCEPT, "--older-version", "1") == compared(CONCEPT, folders[1])
    assert "no version before version 1" in compared(CONCEPT, "--version", "1", status=1)
    assert "has no version 7, only 1, 2, 3" in compared(CONCEPT, "--older-version", "7", status=1)
    assert "did you mean 'bright'?" in compared("brihgt", status=1)
    assert "is a folder" in compared(folders[3], "--version", "3", status=1)


def test_a_version_that_ranks_worse_is_called_worse(report: MonitorReport, published: va.Model) -> None:
    label(report.session(), report.corpus.clips.index[:80].tolist())
    backwards = replace(published, coef=-published.coef, folder=report.corpus.path, card={}, version=2)
    comparison = backwards.compare(published, report.corpus)
    assert comparison.better is False
    assert "worse" in comparison.verdict
    assert len(comparison.flipped)
    assert set(comparison.flipped["becomes"]) == {"yes", "no"}


def test_a_comparison_needs_labels_of_both_values(published: va.Model, other: va.Corpus) -> None:
    with pytest.raises(va.NotEnoughLabelsError, match="3 clips labelled yes"):
        published.compare(published, other)
    with pytest.raises(va.ArgumentError, match="sample must be"):
        published.compare(published, other, sample=pd.DataFrame())
    for probability in (0, np.nan, 2, "1"):
        with pytest.raises(va.ArgumentError, match="probability above 0 and up to 1"):
            published.compare(published, other, sample=pd.DataFrame({"clip_id": ["a"], "probability": [probability]}))


@pytest.mark.parametrize("budget", [0, -1, 201, 2.5, None])
def test_a_budget_is_a_number_of_clips_that_there_are(published: va.Model, other: va.Corpus, budget: int) -> None:
    with pytest.raises(va.ArgumentError, match=r"budget"):
        va.monitor(published, other, budget)


def test_what_cannot_be_monitored_is_refused(published: va.Model, other: va.Corpus, tmp_path: Path) -> None:
    with pytest.raises(va.ArgumentError, match=r"va\.Model"):
        va.monitor("bright", other)  # type: ignore[arg-type]
    with pytest.raises(va.ArgumentError, match=r"The corpus to monitor must be a va\.Corpus"):
        va.monitor(published, "films")  # type: ignore[arg-type]
    with pytest.raises(va.ArgumentError, match=r"The reference must be a va\.Corpus"):
        va.monitor(published, other, reference=3)  # type: ignore[arg-type]
    with pytest.raises(va.ArgumentError, match="nothing to monitor"):
        va.monitor(published, other, since=other.clips.index)
    with pytest.raises(va.EncoderMismatchError):
        va.monitor(replace(published, encoder="another"), other)
    bare = model(other, "bare")
    with pytest.raises(va.ModelError, match="reference="):
        va.monitor(bare, other, 20)
    with pytest.raises(va.EncoderMismatchError):
        va.monitor(replace(bare, encoder="another"), other)
    report = va.monitor(bare, other, 20, reference=other)
    with pytest.raises(va.ModelError, match="keeps no labels"):
        report.session()
    assert len(va.monitor(bare, other, 20, since=other.clips.index[:100]).monitored) == 100


@pytest.mark.parametrize("name", ["reference.safetensors", "labels.safetensors"])
def test_a_damaged_file_is_refused(published: va.Model, other: va.Corpus, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"other")
    for file in published.folder.iterdir():
        if file.name != name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(va.ModelError, match="damaged"):
        va.monitor(va.load_model(tmp_path), other, 20).session()


def test_the_command_line_says_what_has_changed(
    published: va.Model, other: va.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["monitor", str(published.folder), str(other.path), "--budget", "25", "--exit-code"]
    assert main([*command, "--sample", str(tmp_path / "sample.csv")]) == 0
    assert "No alarm." in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "sample.csv")) == 25
    assert main([*command, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert len(facts["sample"]) == 25
    assert facts["estimate"] is None
    assert main(["monitor", str(published.folder), str(other.path), "--budget", "0"]) == 1
    assert main(["monitor", "nigth", str(other.path)]) == 1
    assert "No model 'nigth' is published from this corpus" in capsys.readouterr().err
    assert main([*command, "--sample", str(tmp_path / "none" / "sample.csv")]) == 1
    assert "The sample cannot be written to" in capsys.readouterr().err


def test_an_annotator_shows_the_sample(report: MonitorReport) -> None:
    from va_widgets.widget.status import status_of

    session = report.session()
    assert session.feed("sample", 3)["reason"].tolist() == ["drawn to measure"] * 3
    label(session, report.sample["clip_id"][:3].tolist(), "sample")
    shown = status_of(session, "idle", "")
    assert shown.feeds[0] == "sample"
    assert shown.from_feeds["sample"] == 3
