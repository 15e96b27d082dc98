"""The notebooks run from top to bottom, offline."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from tests.conftest import ROOT, copy_unlabelled

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_runs(file: Path, demo_folder: Path, tmp_path: Path) -> None:
    # With the demo films there already; making them is tested elsewhere.
    copy_unlabelled(demo_folder, tmp_path / "corpus")
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    views = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
        and "text/html" in output["data"]  # progress bars are widgets, too
    ]
    assert views, "no cell shows the annotator"
    # Saved without the state of its widgets, as JupyterLab does, it still shows something where no kernel runs.
    notebook.metadata.pop("widgets", None)
    nbformat.validate(notebook)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert page.count("Run the cell to") == len(views)
