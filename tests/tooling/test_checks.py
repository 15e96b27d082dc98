"""The checks that keep the tree clean, each as a test, and what the package must hold."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tooling.conftest import passed, passes, run

MOST_BYTES = 60 * 1024


def test_ruff_finds_nothing() -> None:
    passes("ruff", "check", ".")


def test_everything_is_formatted() -> None:
    passes("ruff", "format", "--check", ".")


def test_types_hold(request: pytest.FixtureRequest) -> None:
    passed(request)


def test_data_flows_one_way() -> None:
    passes("lint-imports")


def test_the_front_end_is_clean_and_typed(request: pytest.FixtureRequest) -> None:
    passed(request)


def test_the_front_end_s_logic(request: pytest.FixtureRequest) -> None:
    passed(request)


def test_the_bundle_is_new_and_small(bundle: Path) -> None:
    size = sum(len(gzip.compress((bundle / name).read_bytes())) for name in ("annotator.js", "annotator.css"))
    assert size <= MOST_BYTES
    newest = max(file.stat().st_mtime for file in (ROOT / "js" / "src").rglob("*") if file.is_file())
    assert (bundle / "annotator.js").stat().st_mtime >= newest, "the bundle is stale: run `npm run build` in js/"


def test_a_wheel_holds_the_bundle_the_model_and_the_notebook(bundle: Path, tmp_path: Path) -> None:
    passes(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), ".")
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert {
        "va_widgets/widget/static/annotator.js",
        "va_widgets/widget/static/annotator.css",
        "va_widgets/demo/tiny/open_clip_model.safetensors",
        "va_widgets/demo/tiny/renderings.npz",
        "va_widgets/demo/quickstart.ipynb",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "js/"))]


def test_a_wheel_without_the_bundle_is_not_built(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("static", "node_modules", "__pycache__")
    for name in ("va_widgets", "notebooks", "js"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    # A front end that builds nothing, and needs no network to do so.
    (tree / "js" / "package-lock.json").unlink()
    (tree / "js" / "package.json").write_text(json.dumps({"private": True, "scripts": {"build": "node --version"}}))
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), cwd=tree)
    assert done.returncode != 0
    assert "annotator.js" in done.stdout + done.stderr
    assert not list(tmp_path.glob("*.whl"))


def test_a_missing_bundle_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import va_widgets as va
    from va_widgets.widget import front_end

    monkeypatch.setattr(front_end, "_STATIC", tmp_path)
    with pytest.raises(va.VaError, match=r"annotator\.js\) is missing .* install va-widgets again"):
        front_end.bundle("annotator.js")


def test_the_folders_of_unit_tests_are_those_of_the_package() -> None:
    folders = {file.parent.relative_to(ROOT / "tests" / "unit") for file in (ROOT / "tests" / "unit").rglob("*.py")}
    assert [folder for folder in folders if not (ROOT / "va_widgets" / folder / "__init__.py").is_file()] == []


def test_importing_is_light() -> None:
    script = """
import sys, time
started = time.process_time()
import va_widgets
print(time.process_time() - started)
print([name for name in ("torch", "open_clip", "cv2", "av", "sklearn", "pandas") if name in sys.modules])
"""
    runs = [run(sys.executable, "-c", script).stdout.split("\n") for _ in range(3)]
    assert min(float(lines[0]) for lines in runs) < 1.0
    assert runs[0][1] == "[]"


def test_no_tracked_file_names_a_registry_or_a_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    tracked = run("git", "ls-files").stdout.split()
    words = [r"registry\.npmjs", r"files\.pythonhosted", r"pypi\.org/simple", r"/root/", r"/work/", r'"resolved"']
    pattern = re.compile("|".join(words))
    here = Path(__file__).relative_to(ROOT).as_posix()
    for name in tracked:
        file = ROOT / name
        if name == here or not file.is_file():
            continue
        found = pattern.search(file.read_bytes().decode("utf-8", "ignore"))
        assert found is None, f"{name} holds {found and found.group()!r}"


def test_the_notebook_and_its_script_say_the_same() -> None:
    import jupytext

    for script in (ROOT / "notebooks").glob("*.py"):
        cells = jupytext.read(script).cells
        paired = jupytext.read(script.with_suffix(".ipynb")).cells
        assert [cell.source for cell in cells] == [cell.source for cell in paired]
        assert not any(cell.get("outputs") for cell in paired), "clear the outputs before you commit"
