"""Scalars: text of a config to numbers, words and truth values."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from sim.config.at import At
from sim.errors import UserError
from sim.quantities import ADDRESS_SPACE
from sim.text import quoted
from sim.units import (
    MAX_INT64,
    format_bytes,
    parse_byte_rate,
    parse_bytes,
    parse_duration,
    parse_fraction,
    parse_rate,
)

LARGEST_NUMBER: Final = 1e15
"""Up to here every whole number is exact, and products of a few do not overflow."""

DIGITS: Final = 20
"""Characters of a whole number."""
TRUTH: Final = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def scalar(at: At, kind: Any) -> Any:
    """The value of a scalar of the given type, in the unit of its place."""
    text = at.node.value
    if get_origin(kind) is Literal:
        return _word(at, get_args(kind))
    parse, example = _parser(kind, at.unit)
    if not isinstance(text, str):
        raise at.expected(example)
    try:
        return parse(text)
    except UserError as error:
        raise at.error(str(error)) from None
    except ValueError:
        raise at.expected(example) from None


def check_bounds(at: At, value: Any, marks: tuple[Any, ...]) -> None:
    """Complain when a value lies outside the bounds of its annotation."""
    for mark in marks:
        match mark:
            case Gt(bound) if not value > bound:
                raise at.expected(f"more than {bound}")
            case Ge(bound) if not value >= bound:
                raise at.expected(f"at least {bound}")
            case Lt(bound) if not value < bound:
                raise at.expected(f"less than {bound}")
            case Le(bound) if not value <= bound:
                raise at.expected(f"at most {bound}")


def _parser(kind: Any, unit: str | None) -> tuple[Callable[[str], Any], str]:
    """How to read a type in a unit, and what is expected in words."""
    if kind in (int, float) and unit is not None:
        return _UNITS[unit]
    return _TYPES[kind]


def _word(at: At, words: tuple[str, ...]) -> str:
    if at.node.value in words:
        return str(at.node.value)
    raise at.expected(" or ".join(words))


def _truth(text: str) -> bool:
    if text not in TRUTH:
        raise ValueError
    return TRUTH[text]


def _number(text: str) -> float:
    if not (text.isascii() and isfinite(number := float(text))):
        raise ValueError
    if abs(number) > LARGEST_NUMBER:
        raise UserError(f"expected a number up to {LARGEST_NUMBER:g}, got {quoted(text)}")
    return number


def _whole(text: str) -> int:
    if not text.isascii():  # other digits than those of Go
        raise ValueError
    if len(text) > DIGITS or abs(number := int(text)) > MAX_INT64:
        raise UserError(f"expected a whole number of at most 64 bits, got {quoted(text)}")
    return number


def _size(text: str) -> int:
    size = parse_bytes(text)
    if size > ADDRESS_SPACE:
        raise UserError(
            f"expected at most {format_bytes(ADDRESS_SPACE)}, the address space, got {text!r}"
        )
    return size


_UNITS: Final[dict[str, tuple[Callable[[str], Any], str]]] = {
    "bytes": (_size, "a size such as 512MiB"),
    "ns": (parse_duration, "a duration such as 250us, 10ms or 2s"),
    "per_second": (parse_rate, "a rate such as 2000/s"),
    "bytes_per_second": (parse_byte_rate, "a rate such as 256MiB/s"),
    "fraction": (parse_fraction, "a fraction such as 0.1 or 10%"),
    "number": (_number, "a number"),
}
_TYPES: Final[dict[Any, tuple[Callable[[str], Any], str]]] = {
    str: (str, "text"),
    Path: (Path, "a path"),
    bool: (_truth, "true or false"),
    int: (_whole, "a whole number"),
    float: (_number, "a number"),
}
