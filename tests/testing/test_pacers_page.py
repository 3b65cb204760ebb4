"""docs/pacers.md says what its programs print, and its tables can be made again."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
from pathlib import Path

import pytest

import sim.config  # noqa: F401  registers all pacers
from sim.go.pacer import pacers

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "pacers.md").read_text()


def test_the_example_prints_what_the_page_shows() -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    shown = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)[0]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/pacers.md", "exec"), {})
    assert printed.getvalue() == shown


@pytest.mark.parametrize("name", pacers.names())
def test_every_pacer_has_its_line(name: str) -> None:
    assert f"| `{name}` |" in PAGE


def test_the_tables_can_be_made_again() -> None:
    table = runpy.run_path(str(DOCS / "figures" / "pacers.py"))["table"]
    made = table("quickstart.yaml", ("go1.5", "go1.27"), "300ms")
    assert list(made.index) == ["go1.5", "go1.27"]
    assert (made["cycles"] > 0).all()
    assert made["end / goal"].between(0.5, 1.2).all()
    for column in made:
        assert f" {column} |" in PAGE
