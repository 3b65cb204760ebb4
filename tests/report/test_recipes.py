"""The notebook of recipes runs as it stands, on runs that are short, and every recipe answers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "recipes.ipynb"
QUESTIONS = 10


def shorter(source: str) -> str:
    return source.replace("duration=2s", "duration=40ms").replace("--seeds 3", "--seeds 1 --jobs 1")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_recipe_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("configs", "workloads"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "docs").mkdir()
    programs = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = shorter(cell.source)
    settings = {"metadata": {"path": str(tmp_path / "docs")}}
    NotebookClient(notebook, timeout=600, resources=settings).execute()
    for number, cell in enumerate(notebook.cells[:-1]):
        if cell.source.startswith("## ") and cell.source[3].isdigit():
            assert notebook.cells[number + 1].outputs, cell.source
    told = str([cell.get("outputs") for cell in notebook.cells])
    assert "gomemsim: " not in told
    for made in ("heap.png", "report.html", "sweep.txt"):
        assert (tmp_path / "results" / made).exists()


def test_the_notebook_was_run_to_its_end_and_asks_ten_questions() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    asked = [cell for cell in notebook.cells if re.match(r"## \d+\. ", cell.source)]
    assert len(asked) == QUESTIONS
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    kinds = [output.output_type for cell in notebook.cells for output in cell.get("outputs", ())]
    assert "error" not in kinds
