"""The tutorial is as typed: its commands exist, and its log ships."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sim.cli import main

ROOT = Path(__file__).parents[2]
COMMANDS = re.findall(
    r"^\$ gomemsim (.*)$", (ROOT / "docs" / "whatif.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_the_page_shows_each_command_of_the_job() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"fit", "whatif", "tune"}


def test_the_first_command_prints_what_the_page_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    with pytest.raises(SystemExit) as end:
        main(shlex.split(COMMANDS[0]))
    assert not end.value.code
    assert capsys.readouterr().out in (ROOT / "docs" / "whatif.md").read_text(encoding="utf-8")
    assert (tmp_path / "results" / "service.yaml").is_file()
