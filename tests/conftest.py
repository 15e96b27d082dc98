"""What tests of all tiers share: the demo corpus, a browser, the built page; and the time that each tier took."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

import va_widgets as va
from tests.tiers import times_by_tier
from va_widgets.base.user_state import STATE_VARIABLE

ROOT = Path(__file__).resolve().parents[1]

PATIENCE = 240_000
"""How long a page is waited for, ms: a kernel that loads torch from a cold disk, on a busy machine, takes its time."""
expect.set_options(timeout=PATIENCE)

# Before anything imports huggingface_hub: no test, and no process of one, asks a hub whether it is there.
os.environ["HF_HUB_OFFLINE"] = "1"

# The same examples in every run, and none of hypothesis's own clocks: a busy machine is no defect of ours.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long the tests of each tier took, with their fixtures."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    times = times_by_tier(report for report in reports if isinstance(report, pytest.TestReport))
    if times:
        terminalreporter.section("time by tier")
    for tier, time in times.items():
        terminalreporter.write_line(f"{tier:20} {time.tests:5} tests {time.seconds:8.1f} s")


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo corpus, filmed and built once; labels given in it are seen by every test that uses it.

    The environment variable VA_WIDGETS_TEST_DEMO may name such a corpus that is there already: its copy is taken.
    """
    folder = tmp_path_factory.mktemp("demo") / "corpus"
    if there := os.environ.get("VA_WIDGETS_TEST_DEMO"):
        copy_unlabelled(Path(there), folder)
    va.demo.corpus(folder, clips=120, seed=0, progress=False)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What corpora are trusted is remembered in a folder of the tests, not in the home of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(tmp_path_factory.mktemp("state")))
        yield


def copy_unlabelled(corpus: Path, to: Path) -> None:
    """Copy a corpus without its labels and models."""
    shutil.copytree(corpus, to, ignore=shutil.ignore_patterns("labels.sqlite*", "backups", "models"))


@pytest.fixture
def demo_corpus(demo_folder: Path, tmp_path: Path) -> va.Corpus:
    """The demo corpus without any labels, for one test alone."""
    copy_unlabelled(demo_folder, tmp_path / "corpus")
    return va.Corpus.open(tmp_path / "corpus")


def labelled(corpus: va.Corpus, number: int = 16, concept: str = "night", **options: object) -> va.Session:
    """A session with labels by the truth about night, half of them yes."""
    session = va.Session(corpus, concept, **options)  # type: ignore[arg-type]
    truth = va.demo.truth_of(corpus, "night")
    for value in (True, False):
        session.label(truth[truth == value].index[: number // 2], value)
    return session


@pytest.fixture(scope="session")
def published_folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo corpus with labels and a model for each of the concepts "night" and "a city"."""
    folder = tmp_path_factory.mktemp("published") / "corpus"
    copy_unlabelled(demo_folder, folder)
    corpus = va.Corpus.open(folder)
    session = labelled(corpus, 24)
    session.publish("night")
    session.close()
    session = va.Session(corpus, "city")
    truth = va.demo.truth_of(corpus, "city")
    for value in (True, False):
        session.label(truth[truth == value].index[:8], value)
    session.publish("a city")
    session.close()
    return folder


@pytest.fixture
def published_corpus(published_folder: Path, tmp_path: Path) -> va.Corpus:
    """The demo corpus with its labels and two models, for one test alone."""
    shutil.copytree(published_folder, tmp_path / "published", ignore=shutil.ignore_patterns("backups"))
    return va.Corpus.open(tmp_path / "published")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no chromium on the PATH: install Debian's package `chromium`")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield opened
        opened.close()


def new_context(browser: Browser, width: int, height: int, scale: float = 1.0) -> BrowserContext:
    """Open a context whose pages have this size in CSS pixels, and wait as long as `expect` does."""
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
    context.set_default_timeout(PATIENCE)
    return context


def pictured(page: Page | Locator) -> None:
    """Wait until every card that is drawn has its filmstrip."""
    expect(page.locator(".va-film").first).to_be_visible()
    expect(page.locator(".va-thumb:not(:has(.va-film))")).to_have_count(0)


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The folder of the built front end."""
    folder = ROOT / "va_widgets" / "widget" / "static"
    assert (folder / "annotator.js").is_file(), "the front end is not built: run `npm ci && npm run build` in js/"
    return folder
