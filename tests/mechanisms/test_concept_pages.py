"""Concept pages show commands that work, and scenarios that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.mechanisms.loading import shipped

FOLDER = Path(__file__).parents[2] / "docs/concepts"
PAGES = sorted(FOLDER.glob("*.md"))
COMMAND = re.compile(r"gomemsim (watch|where)((?: [^`\n#]+)?)")


def commands(kind: str) -> list[str]:
    """All commands of a kind on all pages."""
    found = {
        match[2].strip()
        for page in PAGES
        for match in COMMAND.finditer(page.read_text(encoding="utf-8"))
        if match[1] == kind
    }
    return sorted(found)


def test_every_scenario_has_a_page_and_pages_name_no_other() -> None:
    named = {text.split()[0] for text in commands("watch") if text} - {"NAME", "list.yaml"}
    assert named <= set(shipped())
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in index for name in shipped())


@pytest.mark.parametrize("arguments", [text for text in commands("where") if text])
def test_the_way_of_an_allocation_is_told_as_a_page_says(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["where", *shlex.split(arguments)])
    assert not done.value.code
    assert capsys.readouterr().out


def test_the_table_of_searches_is_what_the_searches_find() -> None:

    text = (FOLDER / "tricolour-and-barriers.md").read_text(encoding="utf-8")
    for name in ("lost-object", "stack-rescan", "deletion-barrier"):
        for figures in (frames[-1].figures for frames in sim.watch(name).tracks.values()):
            if figures["schedules"]:
                assert f"| {figures['schedules']:,.0f} |" in text
            else:
                assert f"in {figures['steps']:.0f} steps" in text


def test_the_table_of_allocators_is_what_the_scenario_gives() -> None:

    text = (FOLDER / "allocator-layers.md").read_text(encoding="utf-8")
    for name, frames in sim.watch("allocators").tracks.items():
        peak, searched, locks = (
            int(frames[-1].figures[figure]) for figure in ("peak held, B", "searched", "locks")
        )
        assert f"| {name} | {peak:,} B | {searched:,} | {locks} |" in text


def test_every_page_ends_with_its_sources() -> None:
    topics = [page for page in PAGES if page.stem not in ("index", "watching", "glossary")]
    without = [page.name for page in topics if "\nSource: " not in page.read_text(encoding="utf-8")]
    assert not without


def test_the_example_of_the_file_format_runs() -> None:

    page = (FOLDER / "watching.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    watched = sim.watch(example)
    assert list(watched.tracks) == ["Green Tea", "classic"]
    assert "lost" not in set(watched.events["kind"])
