"""The command line as typed: exit code, sentence, output."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import sim
from sim.cli import main
from sim.cli.app import command_line
from sim.cli.ending import Interrupted
from sim.cli.help import EXAMPLES
from sim.config import RunConfig
from sim.config.run import ModelSwitches
from sim.errors import ModelError
from tests.worlds import COMPILED

ROOT = Path(__file__).parents[2]
QUICKSTART = "configs/quickstart.yaml"
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Type a command in the project's folder: exit code, stdout and stderr."""
    monkeypatch.chdir(ROOT)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


class FakeResult:
    """What the run command prints of a result."""

    def gctrace(self) -> str:
        return "gc 1 @0.001s\n"

    def gcpacertrace(self) -> str:
        return "pacer: 25% CPU\n"

    def summary(self) -> str:
        return "cycles 1"

    def diagnose(self) -> list[str]:
        return []


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[RunConfig, Path]]:
    """Runs that the command asked for, in place of simulating them."""
    runs: list[tuple[RunConfig, Path]] = []

    def simulate(config: RunConfig, out: Path, progress: object) -> FakeResult:
        assert progress is None  # nobody watches a test
        runs.append((config, out))
        return FakeResult()

    install(monkeypatch, simulate)
    monkeypatch.setattr("sim.report.verdict.of_run", lambda run: ["healthy"])
    return runs


def install(monkeypatch: pytest.MonkeyPatch, simulate: Callable[..., Any]) -> None:
    module = ModuleType("sim.simulation")
    vars(module)["simulate"] = simulate
    monkeypatch.setitem(sys.modules, "sim.simulation", module)


def test_run_prints_the_summary_and_where_the_tables_are(
    typed: Typed, simulated: list[tuple[RunConfig, Path]]
) -> None:
    assert typed("run", QUICKSTART) == (0, "healthy\n\ncycles 1\ntables: results/quickstart\n", "")
    ((config, out),) = simulated
    assert (config.workload, out) == ("json-api", Path("results/quickstart"))


def test_run_takes_assignments_a_seed_and_a_folder(
    typed: Typed, simulated: list[tuple[RunConfig, Path]], tmp_path: Path
) -> None:
    code, _, _ = typed(
        "run",
        QUICKSTART,
        "--set",
        "GOGC=off",
        "--set",
        "GOMAXPROCS=2",
        "--seed",
        "7",
        "--out",
        str(tmp_path),
    )
    ((config, out),) = simulated
    assert (code, config.gc_percent, config.gomaxprocs, config.seed) == (0, -1, 2, 7)
    assert out == tmp_path


@pytest.mark.usefixtures("simulated")
def test_a_quiet_run_prints_only_what_was_asked_for(typed: Typed) -> None:
    assert typed("run", QUICKSTART, "--quiet", "--gctrace") == (0, "gc 1 @0.001s\n", "")


@pytest.mark.usefixtures("simulated")
def test_the_pacer_trace_can_be_printed(typed: Typed) -> None:
    _, out, _ = typed("run", QUICKSTART, "-q", "--gcpacertrace")
    assert out == "pacer: 25% CPU\n"


def test_an_interrupted_run_says_where_its_partial_result_is(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def simulate(config: RunConfig, out: Path, progress: object) -> FakeResult:
        error = Interrupted(signal.SIGINT)
        error.add_note("the partial result is in results/quickstart/partial")
        raise error

    install(monkeypatch, simulate)
    code, out, err = typed("run", QUICKSTART)
    assert (code, out) == (130, "")
    partial = "results/quickstart/partial"
    assert err == f"gomemsim: interrupted; the partial result is in {partial}\n"


def test_a_wrong_model_is_told_from_a_mistake_of_the_user(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def simulate(config: RunConfig, out: Path, progress: object) -> FakeResult:
        raise ModelError("pacer 'mine' returned the goal nan")

    install(monkeypatch, simulate)
    code, _, err = typed("run", QUICKSTART)
    assert code == 1
    assert err.startswith("gomemsim: the model is wrong: pacer 'mine' returned the goal nan")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.yaml"], "none.yaml: the file does not exist"),
        (
            [QUICKSTART, "--set", "GOMAXPROCS=0"],
            "--set GOMAXPROCS=0: GOMAXPROCS: expected at least 1, got '0'",
        ),
        (
            [QUICKSTART, "--set", "GOGC=-1"],
            "--set GOGC=-1: GOGC: expected at least 0, got '-1'",
        ),
        (
            [QUICKSTART, "--set", "gogc=50"],
            "--set gogc=50: unknown key 'gogc' (did you mean 'GOGC'?)",
        ),
        (
            [QUICKSTART, "--set", "workload=json-apy"],
            (
                "--set workload=json-apy: workload: there is no workload 'json-apy'"
                " (did you mean 'json-api'?)"
            ),
        ),
        (
            [QUICKSTART, "--set", "workload.load.api.goroutine=handle"],
            (
                "--set workload.load.api.goroutine=handle: load.api.goroutine:"
                " expected the name of a goroutine, got 'handle' (did you mean 'handler'?)"
            ),
        ),
        ([QUICKSTART, "--set", "GOGC"], "--set GOGC: expected key.path=value, got 'GOGC'"),
        (
            [QUICKSTART, "--seed", "-1"],
            "Invalid value for '--seed': Input should be greater than or equal to 0, got '-1'",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    typed: Typed, arguments: list[str], sentence: str
) -> None:
    assert typed("run", *arguments) == (2, "", f"gomemsim: {sentence}\n")


def test_an_unknown_option_is_exit_code_2(typed: Typed) -> None:
    code, _, err = typed("run", QUICKSTART, "--gogc", "50")
    assert code == 2
    assert "No such option: --gogc" in err


def test_the_quickstart_runs(typed: Typed, tmp_path: Path) -> None:
    """`make demo`, for a moment: what a new user sees first."""
    code, out, err = typed(
        "run", QUICKSTART, "--set", "duration=300ms", "--out", str(tmp_path), "--gctrace"
    )
    assert (code, err) == (0, "")
    assert out.startswith("gc 1 @")
    assert out.endswith(f"tables: {tmp_path}\n")
    assert (tmp_path / "cycles.parquet").is_file()


@pytest.mark.parametrize("kind", ["config", "workload"])
def test_schema_prints_and_writes_the_same(typed: Typed, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    _, out, _ = typed("schema", kind)
    typed("schema", kind, "--out", str(file))
    assert json.loads(out)["title"] == f"gomemsim {kind}"
    assert file.read_text(encoding="utf-8") == out


def test_sizeclasses_prints_all_68_classes_but_0(typed: Typed) -> None:
    code, out, _ = typed("sizeclasses")
    rows = [line.split() for line in out.splitlines() if line.split()[0].isdigit()]
    assert code == 0
    assert [rows[0][:2], rows[-1][:2]] == [["1", "8"], ["67", "32768"]]


def test_policies_lists_every_kind(typed: Typed) -> None:
    code, out, _ = typed("policies")
    names = {tuple(line.split()[:2]) for line in out.splitlines()}
    assert code == 0
    assert {
        ("pacer", "go1.27"),
        ("marker", "greentea"),
        ("barrier", "hybrid"),
        ("arrivals", "poisson"),
        ("distribution", "lognormal"),
    } <= names


def test_a_broken_policy_file_is_named(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("1 / 0\n", encoding="utf-8")
    code, _, err = typed("policies", str(file))
    assert code == 2
    assert err == (
        f"gomemsim: the plug-in file {file} cannot be loaded: ZeroDivisionError: division by zero\n"
    )


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for command in ("run", "whatif", "fit", "calibrate", "policies", "sizeclasses", "schema"):
        assert f"  {command} " in done.stdout


def test_the_version_is_told(typed: Typed) -> None:
    core = "compiled" if COMPILED else "Python alone"
    assert typed("--version") == (0, f"gomemsim {version('gomemsim')}, {core}\n", "")


def test_a_run_in_place_of_another_says_so(typed: Typed, tmp_path: Path) -> None:
    arguments = [QUICKSTART, "--set", "duration=20ms", "--set", "model.detail=fluid", "-q"]
    first, second = (typed("run", *arguments, "--out", str(tmp_path / "r"))[1] for _ in range(2))
    assert first.endswith("/r\n")
    assert second.endswith("/r, in place of the run that was there\n")


def test_commands_stand_in_groups_and_have_two_examples_that_parse(typed: Typed) -> None:
    _, listed, _ = typed("--help")
    assert "..." not in listed.partition("Options:")[2]
    assert "Commands:" not in listed  # every command is in a group
    group = command_line()
    assert set(group.commands) == set(EXAMPLES)
    for name, command in group.commands.items():
        _, told, _ = typed(name, "--help")
        assert len(EXAMPLES[name]) == 2 or not command.params
        for example in EXAMPLES[name]:
            assert f"gomemsim {example}" in " ".join(told.split())
            first, *arguments = shlex.split(example)
            assert first == name
            command.make_context(name, arguments)


def test_the_help_of_run_names_every_switch_of_the_model(typed: Typed) -> None:
    _, told, _ = typed("run", "--help")
    switches = [field.name for field in dataclasses.fields(ModelSwitches)]
    assert all(f"model.{name}" in told for name in switches)
    assert "model.detail=events|fluid" in told


def test_a_shell_can_complete_commands() -> None:
    environment = {
        **os.environ,
        "_GOMEMSIM_COMPLETE": "complete_bash",
        "COMP_WORDS": "gomemsim what",
    }
    done = subprocess.run(
        [sys.executable, "-m", "sim"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "COMP_CWORD": "1"},
    )
    assert done.stdout.split() == ["whatif"]


@pytest.mark.parametrize(
    ("arguments", "code", "most"),
    [(["--help"], 0, 0.3), (["run", QUICKSTART, "--set", "GOGCC=1"], 2, 0.8)],
)
def test_help_and_mistakes_come_at_once(arguments: list[str], code: int, most: float) -> None:
    """In CPU seconds, which other programs do not make more: people wait for it."""
    before = os.times()
    command = [sys.executable, "-m", "sim", *arguments]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    after = os.times()
    assert ended.returncode == code
    took = after.children_user + after.children_system
    assert took - before.children_user - before.children_system < most


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--version"], {"pandas", "numpy", "simpy", "yaml", "rich", "pydantic"}),
        (["sizeclases"], {"pandas", "numpy", "simpy", "yaml", "rich", "pydantic"}),
        (["run", "--bogus"], {"pandas", "numpy", "simpy", "yaml", "rich", "pydantic"}),
        (["sizeclasses"], {"pandas", "simpy", "yaml", "rich"}),
        (
            ["whatif", str(ROOT / "data/logs/service.gctrace"), "--gogc", "100"],
            {"pandas", "pyarrow", "scipy", "rich"},
        ),
    ],
)
def test_commands_load_what_they_need(arguments: list[str], unneeded: set[str]) -> None:
    """What else is installed is what people would wait for."""
    code = (
        "import sys\n"
        "from sim.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: sys.exit(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert unneeded.isdisjoint(done.stderr.split())
    assert "sim.cli" in done.stderr.split()


def test_the_front_door_opens_rooms_on_demand() -> None:
    assert sim.read_config(ROOT / QUICKSTART).workload == "json-api"
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        sim.lod  # noqa: B018
