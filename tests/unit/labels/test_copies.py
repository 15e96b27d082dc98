"""Labels are in one file that can be copied, and copies of it are made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.labels.test_snapshots import tidied
from va_widgets.base.errors import LabelError
from va_widgets.cli import main
from va_widgets.labels.label_store import LabelStore, check_file

WHO = ("kelli", "night")
LABELS = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    return tmp_path / "corpus" / "labels.sqlite"


def held(path: Path, copy: Path) -> int:
    """How many labels a file holds by itself, copied to where nothing is beside it."""
    copy.mkdir()
    (copy / "alone.sqlite").write_bytes(path.read_bytes())
    assert check_file(copy / "alone.sqlite").problems == []
    with LabelStore(copy / "alone.sqlite") as store:
        return sum(map(len, store.current("night").values.values()))


def side_files(path: Path) -> list[str]:
    return [file.name for file in path.parent.glob(f"{path.name}-*")]


# --- the file alone ----------------------------------------------------------------------------------


def test_after_a_pause_the_file_alone_holds_everything(path: Path, tmp_path: Path) -> None:
    with LabelStore(path) as store:
        for label in range(20):
            store.append(*WHO, {f"clip {label}": "yes"}, "search")
        tidied(store)
        assert store._database._checkpointer is None
        assert held(path, tmp_path / "pause") == 20
        store.append(*WHO, {"one more": "yes"}, "search")
        store.checkpoint()
        assert held(path, tmp_path / "asked for") == 21
    assert side_files(path) == []
    assert held(path, tmp_path / "closed") == 21


ENDINGS = {
    "exception": "raise RuntimeError",
    "thread": "threading.Thread(target=label).start()",  # which writes after the end of the main thread
}
SCRIPT = """
import sys, threading
from va_widgets.labels.label_store import LabelStore

store = LabelStore(sys.argv[1])

def label():
    for number in range({labels}):
        store.append("kelli", "night", {{f"clip {{number}}": "yes"}}, "search")
    print(number, flush=True)

if {ending!r} != "thread":
    label()
keep = store.append  # as a notebook holds what it holds
sys.modules["kept"] = store
{statement}
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_that_ends_without_closing_leaves_one_file(path: Path, tmp_path: Path, ending: str) -> None:
    script = SCRIPT.format(labels=LABELS, ending=ending, statement=ENDINGS[ending])
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout == f"{LABELS - 1}\n", done.stderr
    assert side_files(path) == []
    assert held(path, tmp_path / "copy") == LABELS


def test_a_kernel_that_is_shut_down_leaves_one_file(path: Path, tmp_path: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    code = SCRIPT.format(labels=LABELS, ending="kernel", statement="").replace("sys.argv[1]", repr(str(path)))
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
    try:
        reply = client.execute_interactive(code, timeout=240, output_hook=lambda _message: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        client.stop_channels()
    finally:
        manager.shutdown_kernel()
    assert side_files(path) == []
    assert held(path, tmp_path / "copy") == LABELS


# --- copies that are asked for -----------------------------------------------------------------------


def test_a_backup_while_somebody_labels(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LabelStore(path) as store:
        store.append(*WHO, {"a": "yes"}, "search")
        store.set_state("", "night", "guideline", "dark")
        first = store.backup()
        assert first.parent == path.parent / "backups"
        store.append(*WHO, {"b": "yes"}, "search")
        assert store.backup(tmp_path).parent == tmp_path
        named = store.backup(tmp_path / "named.sqlite")
        for there in (named, path):
            with pytest.raises(LabelError, match="is there already and is not overwritten"):
                store.backup(there)
        with pytest.raises(LabelError, match="does not exist: make it"):
            store.backup(tmp_path / "nowhere" / "copy.sqlite")
        assert main(["labels", "backup", str(path.parent)]) == 0
        written = Path(capsys.readouterr().out.strip())
        assert written.parent == path.parent / "backups"
        assert written != first
    with LabelStore(named) as copied:
        assert copied.current("night").values == {"kelli": {"a": "yes", "b": "yes"}}
        assert copied.get_state("", "night", "guideline") == "dark"
    assert held(first, tmp_path / "first") == 1
    assert side_files(first) == []
    assert main(["labels", "backup", str(tmp_path / "nowhere")]) == 1
    assert "There are no labels in" in capsys.readouterr().err
