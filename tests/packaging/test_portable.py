"""Simulating, predicting and reporting run on Windows and macOS: nothing in them needs Unix."""

from __future__ import annotations

import ast
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.cli import main
from sim.config import load, resolved
from sim.experiment.point import Point

ROOT = Path(__file__).parents[2]
UNIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
"""Modules that Windows lacks."""
CALLS = {
    "os": {"chown", "fork", "geteuid", "getuid", "kill", "killpg", "mkfifo", "setsid", "sysconf"}
    | {"getloadavg", "rename", "sched_getaffinity", "statvfs", "uname"},
    "signal": {"SIGHUP", "SIGKILL", "SIGALRM", "SIGPROF", "SIGUSR1", "alarm", "setitimer"},
}
"""What Windows lacks of a module, or does differently: `os.rename` never replaces a file there."""
FORBIDDEN = set('<>:"\\|?*')
"""In names of files on Windows. `=` is allowed there, and Hive-style folders have it."""


NOT_THERE = "if sys.platform == 'win32':\n    return"
"""A function with this line does nothing on Windows; mypy does not look at what follows either."""


def walked(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but for functions that do nothing on Windows."""
    if isinstance(node, ast.FunctionDef) and NOT_THERE in map(ast.unparse, node.body):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from walked(child)


def needs(path: Path) -> Iterator[str]:
    """What a module uses that Windows lacks."""
    for node in walked(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name in UNIX)
            case ast.ImportFrom(module=module) if module in UNIX:
                yield str(module)
            case ast.ImportFrom(module=module, names=names) if module in CALLS:
                yield from (name.name for name in names if name.name in CALLS[module])
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in CALLS.get(
                module, ()
            ):
                yield f"{module}.{name}"


def test_nothing_needs_unix() -> None:
    """`make types` says so of all that mypy knows not to be on Windows; this is for all else."""
    found = {str(path.relative_to(ROOT)): [*needs(path)] for path in (ROOT / "sim").rglob("*.py")}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import resource",
        "from fcntl import flock",
        "import os; os.fork()",
        "from os import fork",
        "import signal; signal.alarm(1)",
        "import os; os.rename('a', 'b')",
    ],
)
def test_what_needs_unix_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(line, encoding="utf-8")
    assert [*needs(tmp_path / "module.py")]


def test_what_is_not_for_windows_may_need_unix(tmp_path: Path) -> None:
    body = "import sys\ndef f():\n    if sys.platform == 'win32':\n        return\n    import tty"
    (tmp_path / "module.py").write_text(body, encoding="utf-8")
    assert not [*needs(tmp_path / "module.py")]


def test_all_commands_load_without_the_modules_of_unix() -> None:
    """Those that libraries have found already stay: they know what to do without."""
    modules = [str(p.relative_to(ROOT).with_suffix("")).replace("/", ".") for p in _modules()]
    script = (
        "import importlib, sys, joblib, matplotlib, multiprocessing, pandas, pyarrow, rich, scipy\n"
        f"sys.modules.update(dict.fromkeys({sorted(UNIX - {'posix', 'pwd', 'grp'})}))\n"
        f"for name in {modules}: importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _modules() -> list[Path]:
    return [
        path
        for path in sorted((ROOT / "sim").rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py") and path.parent.name != "go"
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"GOGC": "off", "GOMEMLIMIT": "1.5GiB"},
        {"workload.load.api.arrivals": "{bursts: [1/s, 9/s, 1s, 10s]}"},
        {"gc.pacer": '{"fixed-trigger": {"part": 0.5}}', "machine": "C:\\profiles\\mine?.yaml"},
    ],
)
def test_folders_of_a_sweep_have_names_that_windows_takes(settings: dict[str, str]) -> None:
    config = resolved(load("quickstart"))
    for part in Path(Point(settings, 1, config, "").name).parts:
        assert not set(part) & FORBIDDEN
        assert part == part.rstrip(". ")


def test_a_run_writes_names_that_windows_takes(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(
            [
                "run",
                "quickstart",
                "--set",
                "duration=50ms",
                "-q",
                "--out",
                str(tmp_path / "run"),
            ]
        )
    names = [path.name for path in tmp_path.rglob("*")]
    assert "run.parquet" in names
    assert not set("".join(names)) & (FORBIDDEN | {"="})


@pytest.mark.parametrize("command", [["calibrate"], ["validate", "json-api"]])
def test_what_needs_linux_says_so(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(SystemExit) as end:
        main(command)
    assert end.value.code == 2
    assert "needs Linux, got Windows" in capsys.readouterr().err
