"""Results as JSON: one document for each command, under the names that parquet has.

`gomemsim schema NAME` prints the JSON Schema of a document; it is made from the types below.
Bytes are in names that end in `_bytes`, seconds in `_seconds`; other units are said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

import pandas as pd
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # that of Python 3.11 has no meaning for pydantic

from sim.advice.api import Advice
from sim.advice.prediction import Prediction
from sim.advice.tuning import Candidate
from sim.advice.whatif import as_object
from sim.experiment.table import Comparison
from sim.experiment.tidy import comparison_frame
from sim.fitting.gctrace_fit import Fit, live_heap
from sim.fitting.settings import name_gogc, name_limit
from sim.report import verdict
from sim.report.verdict import of_run, of_tuning, settings_of
from sim.results.result import Result
from sim.units import SECOND

Verdict = Annotated[list[str], Field(description="What came out, in at most five lines of words.")]
Settings = Annotated[
    dict[str, str], Field(description="GOGC, GOMEMLIMIT and GOMAXPROCS as variables.")
]
Predicted = Annotated[
    dict[str, Any],
    Field(
        description="gogc, gomemlimit, gomaxprocs; figures by name (bytes, seconds or counts);"
        " `intervals` with [low, high] of each, where nine of ten programs with such a log lie."
    ),
]


Row = Annotated[
    dict[str, str | float | bool | None],
    Field(description="A row of the table that is printed, unrounded; null: not known."),
]


class FindingDocument(TypedDict):
    """Something that a reader of the run should know."""

    name: str
    figure: str
    remedy: str


class RunDocument(TypedDict):
    """What `run --json` writes."""

    verdict: Verdict
    workload: str
    seed: int
    status: str
    gomemsim: Annotated[str, Field(description="Version of the simulator.")]
    settings: Settings
    figures: Annotated[dict[str, float], Field(description="The headline figures by name.")]
    units: Annotated[
        dict[str, str],
        Field(description="Of each figure: ns, bytes, fraction, count, per_second and so on."),
    ]
    findings: list[FindingDocument]


class CompareDocument(TypedDict):
    """What `compare --json` writes."""

    verdict: Verdict
    rows: Annotated[
        list[Row],
        Field(description="A row for each setting and figure, as in `compare --table`."),
    ]


class CandidateDocument(TypedDict):
    """A setting that was tried."""

    prediction: Predicted
    misses: Annotated[list[str], Field(description="Goals that it misses; empty: it fits.")]


class TuneDocument(TypedDict):
    """What `tune --json` writes."""

    verdict: Verdict
    recommended: Annotated[
        Predicted | None, Field(description="None where nothing keeps all goals.")
    ]
    environment: Settings
    today: Predicted
    breaks_at_growth: Annotated[
        dict[str, float | None],
        Field(description="Growth of the live heap at which it breaks, by how; None: never."),
    ]
    candidates: list[CandidateDocument]
    policies: Annotated[
        dict[str, CandidateDocument], Field(description="Known policies by their names.")
    ]


class FitDocument(TypedDict):
    """What `fit --json` writes."""

    load: Annotated[str, Field(description="busy or waiting")]
    gogc: str
    gomemlimit: str
    gomaxprocs: int
    cycles: Annotated[int, Field(description="Cycles of the log that are measured.")]
    live_heap_bytes: int
    allocation_bytes_per_second: float
    assumptions: list[str]
    doubts: list[str]


class SizeClassDocument(TypedDict):
    """A row of `sizeclasses --json`."""

    sizeclass: int
    size: Annotated[int, Field(description="bytes")]
    npages: int
    objects: int
    tail_waste: Annotated[int, Field(description="bytes")]
    max_waste: Annotated[float, Field(description="share of the span")]
    min_align: Annotated[int, Field(description="bytes")]


class PolicyDocument(TypedDict):
    """A row of `policies --json`."""

    kind: str
    name: str
    parameters: str
    about: str


DOCUMENTS: Final[Mapping[str, Any]] = {
    "run": RunDocument,
    "compare": CompareDocument,
    "whatif": list[Predicted],
    "tune": TuneDocument,
    "fit": FitDocument,
    "accuracy": list[Row],
    "validate": list[Row],
    "validate-memory": list[Row],
    "sizeclasses": list[SizeClassDocument],
    "policies": list[PolicyDocument],
}
"""By command, the type of what its --json writes."""


def schema(command: str) -> dict[str, Any]:
    """The JSON Schema of the document of a command."""
    made = TypeAdapter(DOCUMENTS[command]).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def of_result(run: Result) -> RunDocument:
    """A run: its headline figures and findings."""
    figures = run.summary()
    return {
        "verdict": of_run(run),
        "workload": run.run["workload"],
        "seed": run.run["seed"],
        "status": run.run["status"],
        "gomemsim": run.run["gomemsim"],
        "settings": settings_of(run),
        "figures": {name: float(value) for name, value in figures.numbers().items()},
        "units": {name: figure.unit for name, figure in figures.items()},
        "findings": [
            {"name": found.name, "figure": found.figure, "remedy": found.remedy}
            for found in run.diagnose()
        ],
    }


def of_comparison(table: Comparison) -> CompareDocument:
    """The settings of a sweep beside each other."""
    rows: Any = of_table(comparison_frame(table))
    return {"verdict": verdict.of_comparison(table), "rows": rows}


def of_predictions(predictions: Sequence[Prediction]) -> list[dict[str, object]]:
    """What other settings would do, one object each."""
    return [as_object(prediction) for prediction in predictions]


def of_advice(fit: Fit, today: Prediction, advice: Advice) -> TuneDocument:
    """A recommendation, and what it was chosen from."""
    confirmed = advice.confirmed
    return {
        "verdict": of_tuning(fit, today, advice),
        "recommended": None if confirmed is None else as_object(confirmed),
        "environment": advice.environment,
        "today": as_object(today),
        "breaks_at_growth": {} if advice.risks is None else asdict(advice.risks),
        "candidates": [_candidate(candidate) for candidate in advice.tuning.candidates],
        "policies": {
            policy.name: _candidate(candidate) for policy, candidate in advice.tuning.policies
        },
    }


def _candidate(candidate: Candidate) -> CandidateDocument:
    return {"prediction": as_object(candidate.now), "misses": list(candidate.failures)}


def of_fit(fit: Fit) -> FitDocument:
    """The program of a log."""
    return {
        "load": fit.program.load.value,
        "gogc": name_gogc(fit.logged.gogc),
        "gomemlimit": name_limit(fit.logged.memory_limit),
        "gomaxprocs": fit.logged.procs,
        "cycles": fit.measured.stop - fit.measured.start,
        "live_heap_bytes": live_heap(fit),
        "allocation_bytes_per_second": fit.program.demand * SECOND,
        "assumptions": list(fit.assumptions),
        "doubts": list(fit.warnings),
    }


def of_table(table: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of a table, with null for what is not known."""
    rows: list[dict[str, object]] = json.loads(table.to_json(orient="records"))
    return rows
