"""Results as JSON: one document for each command, under the names that parquet has.

What is in them is said in `sim.report.schemas`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from sim.advice.api import Advice
from sim.advice.prediction import Prediction
from sim.advice.tuning import Candidate
from sim.advice.verdict import of_tuning
from sim.advice.whatif import as_object
from sim.experiment.table import Comparison
from sim.experiment.tidy import comparison_frame
from sim.fitting.fit import Fit, live_heap
from sim.fitting.report import summary
from sim.fitting.settings import name_gogc, name_limit
from sim.mechanisms.frame import plain
from sim.mechanisms.run import Watched
from sim.mechanisms.where import Path, Rounding
from sim.report import verdict
from sim.report.schemas import (
    CandidateDocument,
    FitDocument,
    PathDocument,
    RunDocument,
    TableDocument,
    TuneDocument,
    WatchDocument,
    WhereDocument,
)
from sim.report.verdict import of_run, settings_of
from sim.results.result import Result
from sim.units import SECOND


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


def of_comparison(table: Comparison) -> TableDocument:
    """The settings of a sweep beside each other."""
    return of_found(verdict.of_comparison(table), comparison_frame(table))


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
        "verdict": summary(fit),
        "load": fit.program.load.value,
        "gogc": name_gogc(fit.logged.gogc),
        "gomemlimit": name_limit(fit.logged.memory_limit),
        "gomaxprocs": fit.logged.procs,
        "cycles": fit.cycles,
        "live_heap_bytes": live_heap(fit),
        "allocation_bytes_per_second": fit.program.demand * SECOND,
        "assumptions": list(fit.assumptions),
        "doubts": list(fit.warnings),
    }


def of_found(lines: Sequence[str], table: pd.DataFrame) -> TableDocument:
    """What came out in words, and the table that it came from."""
    rows: Any = of_table(table)
    return {"verdict": list(lines), "rows": rows}


def of_table(table: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of a table, with null for what is not known."""
    rows: list[dict[str, object]] = json.loads(table.to_json(orient="records"))
    return rows


def of_paths(paths: Sequence[Path], rounding: Rounding | None, go: str) -> WhereDocument:
    """Where allocations go, and what rounding wastes."""
    return {
        "go": go,
        "paths": [_path(path) for path in paths],
        "rounding": None
        if rounding is None
        else {
            "requested": rounding.requested,
            "slot": rounding.slot,
            "span": rounding.span,
            "classes": {str(slot): plain(found) for slot, found in rounding.classes.items()},
        },
    }


def _path(path: Path) -> PathDocument:
    found: Any = {
        **asdict(path),
        "steps": plain(path.steps),
        "slot_waste": path.slot_waste,
        "tail": path.tail,
        "waste": path.waste if path.slots else 0.0,
    }
    document: PathDocument = found
    return document


def of_watched(watched: Watched, kind: str | None) -> WatchDocument:
    """The frames of a scenario, those of one kind of event or all."""
    scenario = watched.scenario
    return {
        "title": scenario.title,
        "about": scenario.about.strip(),
        "simplified": list(scenario.simplified),
        "tracks": {
            name: [plain(frame) for frame in frames if kind in {None, frame.event.kind}]
            for name, frames in watched.tracks.items()
        },
    }
