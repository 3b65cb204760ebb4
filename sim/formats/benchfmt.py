"""Go's benchmark format, the input of benchstat: results of runs as lines of text.

Source: the proposal "Go Benchmark Data Format" (golang.org/design/14313-benchmark-format); of the
lines about units, the documentation of the package golang.org/x/perf/benchfmt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from sim.formats.gofloat import format_float
from sim.formats.log import Problem

_NAME: Final = re.compile(r"[^\sa-z]\S*")
_CONFIG: Final = re.compile(r"([a-z][^\sA-Z:]*):(?:[ \t]+(.*?))?\s*")


Better: TypeAlias = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One benchmark, measured once; several results of one name are its repetitions."""

    name: str
    """Without the word Benchmark, e.g. `Api/gogc=200-8`; the last number is GOMAXPROCS."""
    iterations: int
    values: Mapping[str, float]
    """By unit, e.g. `ns/op`, `p99-ns` or `GC-CPU-%`."""
    config: Mapping[str, str] = field(default_factory=dict)
    """What else was the case, e.g. `{"goos": "linux"}`."""


def format_units(units: Mapping[str, Better | None]) -> Iterator[str]:
    """A line for each unit of which more or less is better; without newlines.

    Raises ValueError for units that the format cannot express.
    """
    for unit, better in units.items():
        if len(unit.split()) != 1:
            raise ValueError(f"unit {unit!r}: expected a word without spaces")
        if better is not None:
            yield f"Unit {unit} better={better}"


def format_lines(results: Iterable[BenchmarkResult]) -> Iterator[str]:
    """The results, each preceded by what is new in its configuration; without newlines.

    Raises ValueError for names, units and settings that the format cannot express.
    """
    config: Mapping[str, str] = {}
    for result in results:
        # A key without a value takes the key back.
        for key in sorted(config.keys() | result.config.keys()):
            value = result.config.get(key, "")
            if value != config.get(key):
                yield _config_line(key, value)
        config = result.config
        yield _result_line(result)


def _config_line(key: str, value: str) -> str:
    line = f"{key}: {value}".rstrip(" ")
    match = _CONFIG.fullmatch(line)
    if match is None or (match[1], match[2] or "") != (key, value):
        raise ValueError(f"{key!r}: {value!r} is no configuration line of a benchmark")
    return line


def _result_line(result: BenchmarkResult) -> str:
    if not _NAME.fullmatch(result.name):
        raise ValueError(f"benchmark name {result.name!r}: no spaces, no small letter first")
    values = [f"{format_float(value)} {unit}" for unit, value in result.values.items()]
    if not values or any(len(value.split()) != 2 for value in values):  # noqa: PLR2004
        raise ValueError(f"benchmark {result.name}: values need units without spaces")
    return "\t".join([f"Benchmark{result.name}", str(result.iterations), *values])


def parse(
    lines: Iterable[str], report: Callable[[Problem], None] = lambda problem: None
) -> Iterator[BenchmarkResult]:
    """The results in the output of `go test -bench` and its like; other lines are passed over."""
    config: dict[str, str] = {}
    for line_number, line in enumerate(lines, start=1):
        if match := _CONFIG.fullmatch(line):
            key, value = match.groups(default="")
            config.pop(key, None)
            config |= {key: value} if value else {}
            continue
        words = line.split()
        name = words[0].removeprefix("Benchmark") if words else ""
        # With -v, go test prints the bare name when a benchmark starts.
        if len(words) <= 1 or name == words[0] or not _NAME.fullmatch(name):
            continue
        try:
            values = {unit: float(x) for x, unit in zip(words[2::2], words[3::2], strict=True)}
            yield BenchmarkResult(name, int(words[1]), values, dict(config))
        except ValueError:
            report(Problem(line_number, "not a benchmark result", kept=False))
