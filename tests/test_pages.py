"""Readers who follow a link, copy a block or trust a table of the README or of a page are right."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from generate import PAGES as REFERENCE
from generate import write_reference
from generate.errors import brief
from generate.reliability import befallen, fuzzed
from sim.cli.app import command_line
from sim.results.formulas import FORMULAS
from sim.results.names import WORDS
from tests.pages import INSTALLED, PAGES, ROOT, blocks, follow, typed

GENERATED = (ROOT / "docs" / "reference").resolve()
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
TYPED_LOOSE = re.compile(
    r"^    (?:\$|gomemsim|python3?|make|pip|pytest|dask|import) .*", re.MULTILINE
)
FOLLOWED = [
    page
    for page in PAGES
    if page not in INSTALLED
    and any(b.run and not b.file and b.language in ("console", "python") for b in blocks(page))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [(link, (page.parent / link).resolve()) for link in LINK.findall(text)]
    missing = [link for link, to in targets if not to.exists() and to.parent != GENERATED]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_have_the_names_and_options_of_today(page: Path) -> None:
    group = command_line()
    lines = [line.words for b in blocks(page) if b.language == "console" for line in typed(b)]
    for words in [words[1:] for words in lines if words[0] == "gomemsim"]:
        command = group.commands[words[0]]
        context = command.context_class(command, info_name=words[0], resilient_parsing=True)
        command.make_parser(context).parse_args(words[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    assert not TYPED_LOOSE.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    for block in filter(lambda block: block.run and not block.file, blocks(page)):
        assert block.language in ("console", "python", "text"), block.text
        if block.language == "console":
            assert {line.words[0] for line in typed(block)} <= {"gomemsim", "cd"}


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_word_by_word(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)


def test_the_errors_in_the_readme_are_those_of_the_data() -> None:
    for page in (ROOT / "README.md", ROOT / "docs/accuracy.md"):
        assert brief() in page.read_text(encoding="utf-8"), f"make pages renews {page.name}"


def test_the_figures_of_reliability_are_those_of_the_data() -> None:
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    assert befallen() in page, "make pages renews it"
    assert fuzzed() in page, "make pages renews it"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the reference."""
    folder = tmp_path_factory.mktemp("reference")
    write_reference(folder)
    return folder


def test_the_reference_is_made_from_the_code(reference: Path) -> None:
    assert {path.stem for path in reference.glob("*.md")} == set(REFERENCE)


@pytest.mark.parametrize(
    "name", ["workload", "config", "policies", "documents", "tables", "figures", "machines"]
)
def test_no_cell_of_the_reference_is_empty(reference: Path, name: str) -> None:
    """Every key has meaning, value, default and example; every column and figure what it is."""
    lines = (reference / f"{name}.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) > 20
    assert [row for row in rows if "|  |" in row] == []


def test_architecture_names_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = [path for path in (ROOT / "sim").iterdir() if path.name[0] != "_"]
    known = [path for path in rooms if path.is_dir() or path.suffix == ".py"]
    assert [path.name for path in known if f"`sim/{path.name}`" not in text] == []


def test_architecture_names_only_what_exists() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    code = names_in_code()
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "sim").rglob("*.py")}
    for name in re.findall(r"`([\w/]+\.py)`", text):
        assert [file for file in files if file.endswith(f"/{name}") or file == name], name
    named = re.findall(r"`([A-Z]\w+(?:\.\w+)?)`", text)
    assert len(named) > 80
    assert [name for name in named if name not in code] == []


def test_a_class_name_means_one_thing() -> None:
    where: dict[str, list[str]] = {}
    for path in sorted((ROOT / "sim").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                where.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


def names_in_code() -> set[str]:
    """Classes of the package, with their methods and fields, and its functions."""
    names = set()
    for path in (ROOT / "sim").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names.add(node.name)
            elif isinstance(node, ast.ClassDef):
                names |= {node.name, *(f"{node.name}.{member}" for member in members(node))}
    return names


def members(of: ast.ClassDef) -> Iterator[str]:
    """Methods and fields of a class."""
    for node in ast.walk(of):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_every_figure_has_its_formula() -> None:
    assert set(FORMULAS) == set(WORDS)


def test_no_page_has_a_thousand_rows() -> None:
    rows = {page.name: page.read_text(encoding="utf-8").count("\n|") for page in PAGES}
    assert {name: count for name, count in rows.items() if count > 500} == {}
