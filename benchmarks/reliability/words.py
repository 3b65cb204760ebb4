"""What is typed: every command with what it takes, and values that nobody should give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import typer

from sim.cli.app import app

GROUP: Final[Any] = typer.main.get_command(app)
VALID: Final[Mapping[str, str]] = {
    "accuracy": "accuracy tiny.yaml -q",
    "check": "check tiny.yaml",
    "compare": "compare tiny.yaml -q --jobs 1 --out made",
    "contention": "contention tiny.yaml --gomaxprocs 1,2 --jobs 1 -q --out made",
    "effects": "effects refs",
    "evaluate": "evaluate -q --data folder --logs folder",
    "examples": "examples",
    "explore": "explore log --no-browse -q",
    "export": "export ref1 gctrace",
    "fit": "fit log -q -o made.yaml",
    "init": "init made",
    "plot": "plot ref1 -o made.svg",
    "policies": "policies",
    "report": "report ref1 -o made.html",
    "run": "run tiny.yaml -q --out made",
    "schema": "schema config",
    "scorecard": "scorecard go1.18 --workloads missing -q",
    "sensitivity": "sensitivity tiny.yaml --seeds 1 --jobs 1 -q",
    "sizeclasses": "sizeclasses",
    "tune": "tune log --memory 512MiB -q",
    "validate": "validate tiny.yaml -q --go missing",
    "validate-memory": "validate-memory tiny.yaml -q",
    "watch": "watch tricolour --all",
    "whatif": "whatif log --gogc 50 -q",
    "where": "where 1000B",
}
"""Of each command what it takes, except for `calibrate`, which measures for minutes."""
VALUES: Final = (
    *(
        "",
        " ",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-1",
        "0",
        "1e-300",
        "9" * 400,
        "a" * 300,
        "a" * 5000,
    ),
    *("1e15", "100000000", "9223372036854775808", "1%", "-500%", "1e999%", "nan%", "1e999s", "1ns"),
    *("1e999GiB", "1B", "off", "none", "=", ",", ",,", "1,2,3,", "a=b", "a=", "=b", "a.b.c=1"),
    *("GOGC=", "GOGC=nan", "GOGC=1e999", "GOGC=1..2", "seed=1..1e999", "GOMAXPROCS=100000"),
    *("duration=0s", "duration=1e15s", "{a: 1", "[1", "&a [*a]", "*", "[", "**", "$x^$", "-", "--"),
    *("\x1b[31mx\x1b]0;x\x07", "\u202eab", "\udcff", "x\ny", "a\u2028b", "http://127.0.0.1:1/x"),
    *("s3://", "foo://x", "tcp://127.0.0.1:1", "/dev/null", "/dev/null/x", "/proc/1/x"),
    *("/proc/self/mem", "missing", "missing/deep", "folder", "binary", "empty", "tiny.yaml", "log"),
    *("tiny.yaml/x", "ref1", "refs", "ends.py"),
)
