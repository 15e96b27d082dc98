"""What a notebook shows of an error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

SENTENCE = "There is no corpus in /nowhere: build one with va.Corpus.build."


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell()
    shell.run_line_magic("colors", "nocolor")
    shell.run_cell("import va_widgets as va")
    yield shell
    assert shell.history_manager is not None
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_an_error_of_ours_is_one_sentence_in_a_cell(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    result = shell.run_cell(f"raise va.CorpusError({SENTENCE!r})")
    assert isinstance(result.error_in_exec, Exception)
    assert capsys.readouterr().out == f"CorpusError: {SENTENCE}\n"


def test_its_traceback_is_there_on_request(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell(f"def look():\n    raise va.CorpusError({SENTENCE!r}) from OSError('no such folder')\nlook()")
    capsys.readouterr()
    shell.run_line_magic("tb", "")
    shown = capsys.readouterr().out
    assert "Traceback (most recent call last)" in shown
    assert "in look" in shown
    assert "OSError: no such folder" in shown
    assert shown.rstrip().endswith(SENTENCE)


def test_an_error_of_another_kind_keeps_its_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("1 / 0")
    shown = capsys.readouterr().out
    assert "Traceback" in shown
    assert "1 / 0" in shown


def test_an_error_that_is_handled_later_is_whole_in_a_log(shell: InteractiveShell) -> None:
    shell.run_cell(
        "import traceback\ntry:\n    raise va.CorpusError('x')\nexcept va.VaError:\n    log = traceback.format_exc()"
    )
    assert "Traceback" in shell.user_ns["log"]
