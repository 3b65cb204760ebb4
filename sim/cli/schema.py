"""`gomemsim schema`: JSON Schemas for editors."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import writable
from sim.files import write


class SchemaKind(StrEnum):
    """What the schema is for: a kind of file, or what a command writes with --json."""

    CONFIG = "config"
    WORKLOAD = "workload"
    SCENARIO = "scenario"
    RUN = "run"
    COMPARE = "compare"
    WHATIF = "whatif"
    TUNE = "tune"
    FIT = "fit"
    PROFILE = "profile"
    SCORECARD = "scorecard"
    CONTENTION = "contention"
    EFFECTS = "effects"
    SENSITIVITY = "sensitivity"
    EVALUATE = "evaluate"
    CALIBRATE = "calibrate"
    ACCURACY = "accuracy"
    VALIDATE = "validate"
    VALIDATE_MEMORY = "validate-memory"
    SIZECLASSES = "sizeclasses"
    POLICIES = "policies"
    WATCH = "watch"
    WHERE = "where"
    EXAMPLES = "examples"
    CHECK = "check"


def schema(
    kind: Annotated[
        SchemaKind, typer.Argument(help="Kind of file, or the command whose --json it describes.")
    ] = SchemaKind.CONFIG,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", callback=writable, help="Write to a file.")
    ] = None,
) -> None:
    """Print the JSON Schema of configs, workloads, scenarios, or of what a command writes."""
    from sim.config import json_schema

    if kind in {SchemaKind.CONFIG, SchemaKind.WORKLOAD}:
        found = json_schema("config" if kind is SchemaKind.CONFIG else "workload")
    elif kind is SchemaKind.SCENARIO:
        from sim.mechanisms.schema import scenario_schema

        found = scenario_schema()
    else:
        from sim.report.schemas import schema as document_schema

        found = document_schema(kind.value)
    text = json.dumps(found, indent=2) + "\n"
    if out is None:
        print(text, end="")
    else:
        write(out, text)
