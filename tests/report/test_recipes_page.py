"""The commands and snippets of docs/recipes.md work as they stand, on runs that are short."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sim.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
SHORTER = {
    "run": ["--set", "duration=120ms"],
    "compare": ["--set", "duration=40ms", "--seeds", "1", "--jobs", "1"],
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    return [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]


def test_every_recipe_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("configs", "workloads"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    first, *_ = blocks("sh")
    making = first.count("\n")
    for program, command, *arguments in commands()[:making]:
        assert program == "gomemsim"
        with pytest.raises(SystemExit) as end:
            main([command, *arguments, *SHORTER[command]])
        assert not end.value.code, (command, arguments)
    assert len(blocks("python")) == 10
    for snippet in blocks("python"):
        capsys.readouterr()
        exec(compile(snippet, "docs/recipes.md", "exec"), {})
        assert capsys.readouterr().out.strip(), snippet
    for _, command, *arguments in commands()[making:]:
        with pytest.raises(SystemExit) as end:
            main([command, *arguments])
        assert not end.value.code, (command, arguments)
    assert (tmp_path / "heap.png").exists()
    assert (tmp_path / "report.html").exists()
