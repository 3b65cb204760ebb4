"""What commands write with --json: a type for each, and the JSON Schema of it.

Bytes are in names that end in `_bytes`, seconds in `_seconds`; other units are said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # that of Python 3.11 has no meaning for pydantic

from sim.advice.prediction import Figures
from sim.config.docs import field_docs

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
_SETTING: Final = {
    "gogc": {"type": ["integer", "string"], "description": "Per cent, or off."},
    "gomemlimit": {"type": "string", "description": "A size with its unit, or none."},
    "gomaxprocs": {"type": "integer", "description": "Number of Ps."},
}
_FIGURES: Final = {
    name: {"type": "number", "description": about} for name, about in field_docs(Figures).items()
}
_RANGE: Final = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_INTERVALS: Final = {
    "type": "object",
    "description": "[low, high] of each figure, where nine of ten programs with such a log lie.",
    "additionalProperties": _RANGE,
}
Predicted: TypeAlias = Annotated[
    dict[str, Any],
    Field(
        description="A setting, and what the program does under it; a figure that is not known is"
        " left out.",
        json_schema_extra={"properties": {**_SETTING, **_FIGURES, "intervals": _INTERVALS}},
    ),
]


Row = Annotated[
    dict[str, str | float | bool | None],
    Field(description="A row of the table that is printed, unrounded; null: not known."),
]


_DOCUMENTED: Final = ConfigDict(use_attribute_docstrings=True)


@with_config(_DOCUMENTED)
class FindingDocument(TypedDict):
    """Something that a reader of the run should know."""

    name: str
    """Which finding it is."""
    figure: str
    """What was seen, with its figure."""
    remedy: str
    """What helps."""


@with_config(_DOCUMENTED)
class RunDocument(TypedDict):
    """What `run --json` writes."""

    verdict: Verdict
    workload: str
    """Name of the workload."""
    seed: int
    """Seed of all random streams."""
    status: str
    """How it ended, as in the table `run`."""
    gomemsim: str
    """Version of the simulator."""
    settings: Settings
    figures: dict[str, float]
    """The headline figures by name."""
    units: dict[str, str]
    """Of each figure: ns, bytes, fraction, count, per_second and so on."""
    findings: list[FindingDocument]
    """What a reader should know, the gravest first."""


@with_config(_DOCUMENTED)
class TableDocument(TypedDict):
    """What commands write that find one table."""

    verdict: Verdict
    rows: list[Row]
    """The rows of the table; those of --table where the command has it."""


@with_config(_DOCUMENTED)
class CandidateDocument(TypedDict):
    """A setting that was tried."""

    prediction: Predicted
    """From fewer runs than what is recommended, of two possible programs: its intervals are
    narrower, and leave out much of the doubt about the program's file."""
    misses: list[str]
    """Goals that it misses: memory, where its interval (grown, with --growth) ends beyond the
    container; empty: none."""


@with_config(_DOCUMENTED)
class TuneDocument(TypedDict):
    """What `tune --json` writes."""

    verdict: Verdict
    recommended: Predicted | None
    """None where nothing keeps all goals."""
    environment: Settings
    today: Predicted
    """Under the setting of the log."""
    breaks_at_growth: dict[str, float | None]
    """Growth of the live heap of the likeliest program at which it breaks, by how: 0.5 is +50%;
    null: not up to +1000%, or not before it is out of memory."""
    candidates: list[CandidateDocument]
    """All settings that were tried."""
    policies: dict[str, CandidateDocument]
    """Known policies by their names."""


@with_config(_DOCUMENTED)
class FitDocument(TypedDict):
    """What `fit --json` writes."""

    verdict: Verdict
    load: str
    """busy or waiting"""
    gogc: str
    """Setting of the log: per cent, off, or not known."""
    gomemlimit: str
    """Setting of the log: a size, or none."""
    gomaxprocs: int
    """Setting of the log."""
    cycles: int
    """Cycles of the log that are measured."""
    live_heap_bytes: int
    """Mean live heap of the measured part of the log."""
    allocation_bytes_per_second: float
    """What the likeliest program allocates while its goroutines run."""
    assumptions: list[str]
    """What the log does not tell and was assumed, a sentence each."""
    doubts: list[str]
    """What speaks against trusting the fit, a sentence each."""


@with_config(_DOCUMENTED)
class SizeClassDocument(TypedDict):
    """A row of `sizeclasses --json`."""

    sizeclass: int
    """Number of the class."""
    size: int
    """Bytes of a slot."""
    npages: int
    """Pages of a span, 8 KiB each."""
    objects: int
    """Slots of a span."""
    tail_waste: int
    """Bytes behind the last slot of a span."""
    max_waste: float
    """Largest share of a span that no object uses."""
    min_align: int
    """Bytes; addresses of slots are multiples of it."""


@with_config(_DOCUMENTED)
class PolicyDocument(TypedDict):
    """A row of `policies --json`."""

    kind: str
    """pacer, marker, barrier, distribution or arrivals"""
    name: str
    """What configs call it."""
    parameters: str
    """Its keys with their defaults."""
    about: str
    """What it does, in a line."""


@with_config(_DOCUMENTED)
class ExampleDocument(TypedDict):
    """A row of `examples --json`."""

    kind: str
    """configs, workloads or logs"""
    name: str
    """What commands take."""
    about: str
    """What it shows, in a line."""


@with_config(_DOCUMENTED)
class CheckDocument(TypedDict):
    """What `check --json` writes of a config that is right."""

    config: str
    """The file."""
    plugins: list[str]
    """Programs that were not looked into."""


@with_config(_DOCUMENTED)
class StepDocument(TypedDict):
    """One thing that Go tries; the next follows only if it does not serve."""

    when: str
    """When it is tried."""
    lock: str
    """Lock that it takes; empty: none."""
    function: str
    """File and function in Go's src/runtime."""
    cost_ns: float
    """CPU time, without waiting for the lock."""


@with_config(_DOCUMENTED)
class PathDocument(TypedDict):
    """Where one allocation goes; sizes in bytes."""

    size: int
    """Bytes asked for."""
    pointers: bool
    """Whether the object has pointers."""
    path: str
    """tiny, small, large or nothing"""
    header: int
    """Bytes for the type of the object."""
    sizeclass: int
    """0: a span of its own."""
    span_class: int
    """Twice the size class, and one more without pointers."""
    slot: int
    """Bytes that the object takes."""
    span_pages: int
    """Pages of the span, 8 KiB each."""
    slots: int
    """Slots of the span."""
    reserve: int
    """Bytes of the span for mark and pointer bits."""
    slot_waste: int
    """Bytes of the slot that nobody asked for."""
    tail: int
    """Bytes behind the last slot of the span."""
    waste: float
    """Share of a full span."""
    steps: list[StepDocument]
    """What Go tries, in order."""


@with_config(_DOCUMENTED)
class RoundingDocument(TypedDict):
    """What the sizes together waste; means in bytes."""

    requested: float
    """What was asked for."""
    slot: float
    """With the rest of the slot."""
    span: float
    """With the share of what spans waste."""
    classes: dict[str, dict[str, float]]
    """By slot: share of the objects, and bytes wasted of a mean object."""


@with_config(_DOCUMENTED)
class WhereDocument(TypedDict):
    """What `where --json` writes."""

    go: str
    """Version of Go whose rules these are."""
    paths: list[PathDocument]
    """One for each size."""
    rounding: RoundingDocument | None
    """None for a single size."""


@with_config(_DOCUMENTED)
class ScenarioDocument(TypedDict):
    """A row of `watch --json` without a scenario."""

    name: str
    """What `watch` takes."""
    title: str
    """What it shows."""


@with_config(_DOCUMENTED)
class WatchDocument(TypedDict):
    """What `watch SCENARIO --json` writes."""

    title: str
    """What it shows."""
    about: str
    """The text of the scenario."""
    simplified: list[str]
    """What is simpler than in Go, a sentence each."""
    tracks: dict[str, list[dict[str, Any]]]
    """Frames by variant: event, rows, roots, queues, figures, checks."""


@with_config(_DOCUMENTED)
class ScorecardDocument(TypedDict):
    """What `scorecard --json` writes."""

    verdict: Verdict
    rows: list[Row]
    """A row for each pacer and measure."""
    scenarios: list[Row]
    """A row for each of Go's own scenarios."""


@with_config(_DOCUMENTED)
class EvaluateDocument(TypedDict):
    """What `evaluate --json` writes."""

    verdict: Verdict
    errors: list[Row]
    """A row for each evidence and figure."""
    changes: list[Row]
    """Those that differ from the last table."""


@with_config(_DOCUMENTED)
class CalibrateDocument(TypedDict):
    """What `calibrate --json` writes: the profile."""

    provenance: dict[str, Any]
    """Machine, Go version, date, and how steady the machine was."""
    costs: dict[str, dict[str, dict[str, Any]]]
    """By section and name: value, spread, unit and benchmark."""


DOCUMENTS: Final[Mapping[str, Any]] = {
    "run": RunDocument,
    "compare": TableDocument,
    "whatif": list[Predicted],
    "tune": TuneDocument,
    "fit": FitDocument,
    "profile": FitDocument,
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
