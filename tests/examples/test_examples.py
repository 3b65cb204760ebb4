"""Examples are there without the repository: found by name, listed, and copied to start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.cli import main
from sim.config import load, load_program
from sim.errors import UserError
from sim.examples import about, examples, named

NAMES = [*examples("configs"), *examples("workloads")]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far from the repository."""
    monkeypatch.chdir(tmp_path)


def typed(*arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_found_by_its_name(name: str) -> None:
    assert load(name).program.load


def test_a_config_finds_a_workload_by_name() -> None:
    Path("mine.yaml").write_text("workload: json-api\n", encoding="utf-8")
    assert load("mine.yaml").program == load("quickstart").program


def test_a_file_comes_before_an_example_of_its_name() -> None:
    Path("json-api.yaml").write_text(
        "goroutines: {g: {steps: [collect]}}\nload: {l: {goroutine: g}}\n", encoding="utf-8"
    )
    Path("mine.yaml").write_text("workload: json-api\n", encoding="utf-8")
    assert list(load("mine.yaml").program.goroutines) == ["g"]


def test_a_typing_mistake_in_a_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no example 'quickstrat' .did you mean 'quickstart'"):
        load("quickstrat")


def test_a_workload_runs_as_it_is_under_its_settings() -> None:
    text = named("batch-parser").read_text(encoding="utf-8")
    Path("mine.yaml").write_text(
        f"{text}\nsettings: {{GOGC: 50, GOMAXPROCS: 3}}\n", encoding="utf-8"
    )
    run = load("mine.yaml", ["GOMAXPROCS=2"])
    assert (run.workload, run.gc_percent, run.gomaxprocs) == ("mine.yaml", 50, 2)
    assert load_program("mine.yaml") == run.program == load_program(named("batch-parser"))


def test_a_mistake_in_the_settings_of_a_workload_is_told_with_its_line() -> None:
    text = named("batch-parser").read_text(encoding="utf-8")
    Path("mine.yaml").write_text(f"{text}settings: {{GOGCC: 50}}\n", encoding="utf-8")
    line = text.count("\n") + 1
    with pytest.raises(UserError, match=f"mine.yaml:{line}: .*'GOGCC' .did you mean 'GOGC'"):
        load("mine.yaml")


def test_the_list_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    typed("examples")
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert listed == [*NAMES, *examples("logs")]
    assert all(about(path) for path in examples("configs").values())


@pytest.mark.parametrize("name", NAMES)
def test_a_start_is_the_example_and_belongs_to_the_user(name: str) -> None:
    typed("init", "mine", "--from", name)
    copied = Path("mine") / f"{name}.yaml"
    assert load(copied).program == load(name).program
    for path in Path("mine").glob("*.yaml"):
        schema = path.read_text(encoding="utf-8").partition("$schema=./")[2].split()[0]
        assert (path.parent / schema).is_file()


def test_no_file_of_the_user_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("json-api.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["init", "."])
    assert end.value.code == 2
    assert "json-api.yaml" in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["json-api.yaml"]
    assert Path("json-api.yaml").read_text(encoding="utf-8") == "mine"
