"""What commands write with --json: a type for each, and the JSON Schema of it.

Bytes are in names that end in `_bytes`, seconds in `_seconds`; other units are said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # that of Python 3.11 has no meaning for pydantic

Verdict = Annotated[
    list[str],
    Field(
        description="What came out, in at most five lines of words; a program a line in"
        " `sensitivity`."
    ),
]
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


class TableDocument(TypedDict):
    """What commands write that find one table."""

    verdict: Verdict
    rows: Annotated[
        list[Row],
        Field(description="The rows of the table; those of --table where the command has it."),
    ]


class CandidateDocument(TypedDict):
    """A setting that was tried."""

    prediction: Annotated[
        Predicted,
        Field(
            description="From fewer runs than what is recommended, of two possible programs: its"
            " intervals are narrower, and leave out much of the doubt about the program's file."
        ),
    ]
    misses: Annotated[
        list[str],
        Field(
            description="Goals that it misses: memory, where its interval (grown, with --growth)"
            " ends beyond the container; empty: none."
        ),
    ]


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
        Field(
            description="Growth of the live heap of the likeliest program at which it breaks, by"
            " how: 0.5 is +50%; null: not up to +1000%, or not before it is out of memory."
        ),
    ]
    candidates: list[CandidateDocument]
    policies: Annotated[
        dict[str, CandidateDocument], Field(description="Known policies by their names.")
    ]


class FitDocument(TypedDict):
    """What `fit --json` writes."""

    verdict: Verdict
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


class ExampleDocument(TypedDict):
    """A row of `examples --json`."""

    kind: Annotated[str, Field(description="configs, workloads or logs")]
    name: str
    about: str


class CheckDocument(TypedDict):
    """What `check --json` writes of a config that is right."""

    config: str
    plugins: Annotated[list[str], Field(description="Programs that were not looked into.")]


class StepDocument(TypedDict):
    """One thing that Go tries; the next follows only if it does not serve."""

    when: str
    lock: str
    function: Annotated[str, Field(description="File and function in Go's src/runtime.")]
    cost_ns: Annotated[float, Field(description="CPU time, without waiting for the lock.")]


class PathDocument(TypedDict):
    """Where one allocation goes; sizes in bytes."""

    size: int
    pointers: bool
    path: Annotated[str, Field(description="tiny, small, large or nothing")]
    header: int
    sizeclass: int
    span_class: int
    slot: int
    span_pages: int
    slots: int
    reserve: Annotated[int, Field(description="Of the span, for mark and pointer bits.")]
    slot_waste: int
    tail: Annotated[int, Field(description="Behind the last slot of the span.")]
    waste: Annotated[float, Field(description="Share of a full span.")]
    steps: list[StepDocument]


class RoundingDocument(TypedDict):
    """What the sizes together waste; means in bytes."""

    requested: float
    slot: float
    span: float
    classes: Annotated[
        dict[str, dict[str, float]],
        Field(description="By slot: share of the objects, and bytes wasted of a mean object."),
    ]


class WhereDocument(TypedDict):
    """What `where --json` writes."""

    go: str
    paths: list[PathDocument]
    rounding: Annotated[RoundingDocument | None, Field(description="None for a single size.")]


class ScenarioDocument(TypedDict):
    """A row of `watch --json` without a scenario."""

    name: str
    title: str


class WatchDocument(TypedDict):
    """What `watch SCENARIO --json` writes."""

    title: str
    about: str
    simplified: list[str]
    tracks: Annotated[
        dict[str, list[dict[str, Any]]],
        Field(description="Frames by variant: event, rows, roots, queues, figures, checks."),
    ]


class ScorecardDocument(TypedDict):
    """What `scorecard --json` writes."""

    verdict: Verdict
    rows: Annotated[list[Row], Field(description="A row for each pacer and measure.")]
    scenarios: Annotated[list[Row], Field(description="A row for each of Go's own scenarios.")]


class EvaluateDocument(TypedDict):
    """What `evaluate --json` writes."""

    verdict: Verdict
    errors: Annotated[list[Row], Field(description="A row for each evidence and figure.")]
    changes: Annotated[list[Row], Field(description="Those that differ from the last table.")]


class CalibrateDocument(TypedDict):
    """What `calibrate --json` writes: the profile."""

    provenance: dict[str, Any]
    costs: Annotated[
        dict[str, dict[str, dict[str, Any]]],
        Field(description="By section and name: value, spread, unit and benchmark."),
    ]


DOCUMENTS: Final[Mapping[str, Any]] = {
    "run": RunDocument,
    "compare": TableDocument,
    "whatif": list[Predicted],
    "tune": TuneDocument,
    "fit": FitDocument,
    "accuracy": TableDocument,
    "validate": TableDocument,
    "validate-memory": TableDocument,
    "scorecard": ScorecardDocument,
    "evaluate": EvaluateDocument,
    "calibrate": CalibrateDocument,
    "contention": TableDocument,
    "effects": TableDocument,
    "sensitivity": TableDocument,
    "watch": list[ScenarioDocument] | WatchDocument,
    "where": WhereDocument,
    "sizeclasses": list[SizeClassDocument],
    "policies": list[PolicyDocument],
    "examples": list[ExampleDocument],
    "check": CheckDocument,
}
"""By command, the type of what its --json writes.

What finds something out writes an object that begins with its verdict, except that `whatif` writes
a list with a prediction a setting; commands that list what there is write lists.
"""


def schema(command: str) -> dict[str, Any]:
    """The JSON Schema of the document of a command."""
    made = TypeAdapter(DOCUMENTS[command]).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
