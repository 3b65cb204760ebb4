"""Designs of experiments: which combinations of settings to try.

Sources: Law, "Simulation Modeling and Analysis", 2015, chapter 12; McKay, Beckman and Conover, "A
comparison of three methods for selecting values of input variables", 1979 (Latin hypercubes).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.experiment.point import Settings
from sim.streams import Streams

_PART: Final = re.compile(r"[][{},]")
_NUMBER: Final = r"[-+]?\d+(?:\.\d+)?"
_RANGE: Final = re.compile(rf"(?P<low>{_NUMBER})(?P<unit>\D*?)\.\.(?P<high>{_NUMBER})(?P<last>\D*)")
_SAMPLED: Final = re.compile(r"(lhs|random):([1-9]\d*)")
MOST_SETTINGS: Final = 10_000
FORMS: Final = "grid, oat, lhs:N or random:N"
DIGITS: Final = 4
"""Of a value drawn from a range."""


@dataclass(frozen=True)
class Axis:
    """A key and the values that it is to have."""

    key: str
    values: tuple[str, ...]

    def at(self, share: float) -> str:
        """The value at this share of the list, from 0 to below 1."""
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True)
class Range:
    """A key and the numbers between which its values lie, in a unit such as `ms`."""

    key: str
    low: float
    high: float
    unit: str
    whole: bool
    """Both ends are whole numbers of things or bytes, and so are the values between."""

    @property
    def values(self) -> tuple[str, ...]:
        """Middle and ends, for one-at-a-time designs: the middle is the one to start from."""
        return self.at(0.5), self.at(0.0), self.at(1.0)

    def at(self, share: float) -> str:
        """The value at this share of the way from low to high."""
        value = self.low + share * (self.high - self.low)
        number = f"{round(value)}" if self.whole else f"{value:.{DIGITS}g}"
        return f"{number}{self.unit}"


def values(text: str) -> list[str]:
    """The values of a list as people type it: `50,100,off`, `{uniform: {low: 1, high: 2}},3`.

    Raises UserError if one of several is empty.
    """
    words, begin, depth = list[str](), 0, 0
    for part in _PART.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(part[0], 0)
        if part[0] == "," and depth == 0:
            words.append(text[begin : part.start()])
            begin = part.end()
    found = [word.strip() for word in (*words, text[begin:])]
    if len(found) > 1 and not all(found):
        raise UserError(f"expected a value on both sides of every comma, got {text!r}")
    return list(filter(None, found))


def design(form: str, axes: Sequence[str]) -> list[Settings]:
    """The settings of a design over axes such as `GOGC=50,100` and `GOGC=50..400`.

    `grid`: every combination, the last axis varies fastest. `oat`: one at a time from the first
    value of each list, or the middle of each range. `lhs:N`, `random:N`: a Latin hypercube, or
    independent points, of N settings; the same axes give the same points. Raises UserError for
    another form, an axis without key or values, and a key or value that comes twice.
    """
    found = [_axis(axis) for axis in axes]
    keys = [axis.key for axis in found]
    for key in keys:
        if keys.count(key) > 1:
            raise UserError(f"the key {key} is varied twice")
    if sampled := _SAMPLED.fullmatch(form):
        return _sampled(sampled[1], int(sampled[2]), found)
    match form:
        case "grid":
            return _grid(found)
        case "oat":
            return _one_at_a_time(found)
    raise UserError(f"--design {form}: expected {FORMS}")


def _grid(axes: Sequence[Axis | Range]) -> list[Settings]:
    for axis in axes:
        if isinstance(axis, Range):
            raise UserError(f"{axis.key}: a range needs --design oat, lhs:N or random:N")
    if (count := math.prod(len(axis.values) for axis in axes)) > MOST_SETTINGS:
        raise UserError(
            f"expected at most {MOST_SETTINGS:,} settings, got {count:,}: vary less, or give parts"
            " of the grid to several commands with one --out"
        )
    keys = [axis.key for axis in axes]
    return [dict(zip(keys, chosen, strict=True)) for chosen in product(*(a.values for a in axes))]


def _one_at_a_time(axes: Sequence[Axis | Range]) -> list[Settings]:
    base = {axis.key: axis.values[0] for axis in axes}
    others = [{**base, axis.key: value} for axis in axes for value in axis.values[1:]]
    return [base, *others]


def _sampled(form: str, count: int, axes: Sequence[Axis | Range]) -> list[Settings]:
    if not axes:
        raise UserError(f"--design {form}:{count}: there is nothing to vary; see --vary")
    if count > MOST_SETTINGS:
        raise UserError(f"--design {form}:{count}: expected at most {MOST_SETTINGS:,} settings")
    shares = _shares(form, count, len(axes))
    rows = [
        tuple((axis.key, axis.at(float(u))) for axis, u in zip(axes, row, strict=True))
        for row in shares
    ]
    return [dict(row) for row in dict.fromkeys(rows)]


def _shares(form: str, count: int, axes: int) -> NDArray[np.float64]:
    """Points in the unit cube, one a row."""
    draw = Streams(1)[f"design.{form}"]
    if form == "random":
        return draw.random((count, axes))
    from scipy.stats.qmc import LatinHypercube

    found: NDArray[np.float64] = LatinHypercube(axes, rng=draw).random(count)
    return found


def _axis(text: str) -> Axis | Range:
    key, _, listed = text.partition("=")
    key, found = key.strip(), values(listed)
    if not key or not found:
        raise UserError(f"expected key.path=value,value to vary, got {text!r}")
    if len(found) == 1 and (ends := _RANGE.fullmatch(found[0])):
        return _range(key, ends)
    for value, times in Counter(found).items():
        if times > 1:
            raise UserError(f"{key} is to be {value} twice")
    return Axis(key, tuple(found))


def _range(key: str, ends: re.Match[str]) -> Range:
    low, high = float(ends["low"]), float(ends["high"])
    unit = ends["last"].strip()
    if ends["unit"].strip() not in {"", unit} or not low < high:
        raise UserError(
            f"{key}={ends[0]}: expected a range from less to more in one unit, such as 1ms..10ms"
        )
    counted = not unit or unit.endswith("B")
    whole = counted and ends["low"].isdecimal() and ends["high"].isdecimal()
    return Range(key, low, high, unit, whole)
