"""Pages of the documentation, and what their blocks do when they are typed word by word.

A block of commands or Python is run, unless the line before it says why not. A file whose name
stands in the sentence before a block has the block as its text. What a page shows below a command
is what the command prints.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
WRITTEN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")
PAGES = [
    *(ROOT / name for name in WRITTEN),
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "reference"),
]
INSTALLED = [ROOT / "README.md", *sorted((ROOT / "docs/tutorials").glob("*.md"))]
"""Pages that are followed where nothing is but what was installed (tests/packaging)."""
LOG = ROOT / "data/logs/service.gctrace"
BLOCK = re.compile(
    r"(?:`(?P<file>[\w.-]+\.\w+)`[^`\n]*:?\n\n)?"
    r"(?P<skip><!-- not run: [^>]*-->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block of a page."""

    file: str
    """The name that the sentence before it gives; empty without one."""
    language: str
    text: str
    run: bool
    """False where the page says why it is not."""


class Typed(NamedTuple):
    """A line of a console, and what the page shows below it; `...` stands for the rest."""

    words: list[str]
    shown: str


def blocks(page: Path) -> list[Block]:
    """All blocks of a page that have a language."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["file"] or "", m["language"], m["text"], not m["skip"]) for m in found]


def typed(block: Block) -> Iterator[Typed]:
    """The lines of a console block; a backslash at the end of a line goes on in the next."""
    for part in re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield Typed(shlex.split(line, comments=True), shown)


class Installation(NamedTuple):
    """How the command is started, and in which environment."""

    gomemsim: Sequence[str | Path]
    python: str | Path
    environment: Mapping[str, str]

    def printed(self, command: Sequence[str | Path], folder: Path) -> str:
        """What a command prints to standard output; it has to succeed."""
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env=self.environment,
        )
        assert done.returncode == 0, f"{shlex.join(map(str, command))}: {done.stderr[-3000:]}"
        return done.stdout


HERE = Installation([sys.executable, "-m", "sim"], sys.executable, os.environ)


def follow(page: Path, folder: Path, installation: Installation = HERE) -> None:
    """Do what a page says, in a folder that is empty but for a log."""
    (folder / LOG.name).write_text(LOG.read_text(encoding="utf-8"), encoding="utf-8")
    script = ""
    for block in filter(lambda block: block.run, blocks(page)):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for line in typed(block):
                folder = _type_in(line, folder, installation)
        elif block.language == "python":
            script += block.text
    if script:
        installation.printed([installation.python, "-c", script], folder)


def _type_in(line: Typed, folder: Path, installation: Installation) -> Path:
    """Type a line in a folder; the folder to type the next one in."""
    command, *words = line.words
    if command == "cd":
        return folder / words[0]
    assert command == "gomemsim"
    told = installation.printed([*installation.gomemsim, *words], folder)
    shown, cut, _ = line.shown.partition("...\n")
    expected = told[: len(shown)] if cut else told.rstrip("\n") + "\n"
    assert not shown or shown == expected, f"{words}: {told}"
    return folder
