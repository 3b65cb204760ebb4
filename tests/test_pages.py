"""Readers who follow a link, copy a block or trust a table of the README or of a page are right."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from generate import PAGES as REFERENCE
from generate import write_reference
from generate.errors import brief
from generate.reliability import befallen, fuzzed
from sim.cli.app import app
from sim.results.formulas import FORMULAS
from sim.results.names import WORDS

ROOT = Path(__file__).parents[1]
WRITTEN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")
PAGES = [
    *(ROOT / name for name in WRITTEN),
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "reference"),
]
GENERATED = (ROOT / "docs" / "reference").resolve()
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
BLOCK = re.compile(
    r"(?:`(?P<file>[\w.-]+\.\w+)`[^`\n]*:\n\n)?"
    r"(?P<skip><!-- not run: [^>]*-->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RUN = [
    ROOT / "README.md",
    ROOT / "docs/tutorials/log-to-decision.md",
    ROOT / "docs/tutorials/yaml-to-plot.md",
    ROOT / "docs/plugins.md",
    ROOT / "docs/guides/compare.md",
    ROOT / "docs/guides/export.md",
]
"""Pages whose blocks are run one after the other, in a folder that is empty but for the log."""


class Block(NamedTuple):
    """A fenced block of a page."""

    file: str
    """The name that the sentence before it gives; empty without one."""
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """All blocks of a page but those that say why they are not run."""
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if not match["skip"]:
            yield Block(match["file"] or "", match["language"], match["text"])


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every line that begins with `gomemsim`, in a block or indented."""
    lines = page.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    for line in lines:
        typed = re.fullmatch(r"(?:    |\$ |)(gomemsim [^`|]*?)( +#.*)?", line)
        if typed and line.startswith((" ", "$")):
            yield shlex.split(typed[1])[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [(link, (page.parent / link).resolve()) for link in LINK.findall(text)]
    missing = [link for link, to in targets if not to.exists() and to.parent != GENERATED]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_have_the_names_and_options_of_today(page: Path) -> None:
    group: Any = typer.main.get_command(app)
    for words in commands(page):
        if words[0].startswith("-"):
            continue
        command = group.commands[words[0]]
        context = command.context_class(command, info_name=words[0], resilient_parsing=True)
        command.make_parser(context).parse_args([word for word in words[1:] if word != "..."])


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_word_by_word(page: Path, tmp_path: Path) -> None:
    log = ROOT / "data/logs/service.gctrace"
    (tmp_path / log.name).write_text(log.read_text(encoding="utf-8"), encoding="utf-8")
    folder, python = tmp_path, ""
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for line in block.text.splitlines():
                folder = type_in(line.removeprefix("$ "), folder) if line[:1] == "$" else folder
        elif block.language == "python":
            python += block.text
    if python:
        done = subprocess.run(
            [sys.executable, "-c", python], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def type_in(line: str, folder: Path) -> Path:
    """Type a line in a folder; the folder to type the next one in."""
    words = shlex.split(line)
    if words[0] == "cd":
        return folder / words[1]
    assert words[0] == "gomemsim"
    done = subprocess.run(
        [sys.executable, "-m", "sim", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return folder


def test_the_errors_in_the_readme_are_those_of_the_data() -> None:
    for page in (ROOT / "README.md", ROOT / "docs/accuracy.md"):
        assert brief() in page.read_text(encoding="utf-8"), f"make pages renews {page.name}"


def test_the_figures_of_reliability_are_those_of_the_data() -> None:
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    assert befallen() in page, "make pages renews it"
    assert fuzzed() in page, "make pages renews it"


def test_the_reference_is_made_from_the_code(tmp_path: Path) -> None:
    write_reference(tmp_path)
    assert {path.stem for path in tmp_path.glob("*.md")} == set(REFERENCE)
    workload = (tmp_path / "workload.md").read_text(encoding="utf-8")
    without = [line for line in workload.splitlines() if line.startswith("| `") and "|  |" in line]
    assert [line for line in without if line.endswith("|  |")] == []  # no key without an example


def test_architecture_names_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = [path for path in (ROOT / "sim").iterdir() if path.name[0] != "_"]
    known = [path for path in rooms if path.is_dir() or path.suffix == ".py"]
    assert [path.name for path in known if f"`sim/{path.name}`" not in text] == []


def test_every_figure_has_its_formula() -> None:
    assert set(FORMULAS) == set(WORDS)


def test_no_page_has_a_thousand_rows() -> None:
    rows = {page.name: page.read_text(encoding="utf-8").count("\n|") for page in PAGES}
    assert {name: count for name, count in rows.items() if count > 500} == {}
