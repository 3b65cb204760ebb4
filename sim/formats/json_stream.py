"""JSON as people collect it: one value, a list of them, or several one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_BETWEEN: Final = re.compile(r"[\s,]*")


def values(text: str) -> Iterator[Any]:
    """The values of a text, those of an outermost list one by one. Raises ValueError."""
    decoder, at = json.JSONDecoder(), _end_of_space(text, 0)
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        yield from value if isinstance(value, list) else (value,)
        at = _end_of_space(text, at)


def _end_of_space(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return at if match is None else match.end()
