"""Logs that a query left as one JSON document: Loki, Cloud Logging, CloudWatch, Elasticsearch.

Their entries become lines again, with the name of the pod, container or host before them, wherever
the document has it. JSON of a line each is no such document: loggers and shippers write it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

_NAMES: Final = (
    "pod",
    "pod_name",
    "container_name",
    "container",
    "container_id",
    "logStreamName",
    "instance",
    "hostname",
    "host",
    "_PID",
    "pid",
)
"""Keys by which an entry says where it comes from, the most telling first."""
_BEGINNINGS: Final = ("[", "{")


def entries(lines: Iterator[str]) -> Iterator[str]:
    """The lines of the log entries in one JSON document; those of any other text as they are."""
    first = next(lines, "")
    if not first.lstrip().startswith(_BEGINNINGS):
        yield from chain([first], lines)
        return
    second = next(lines, "")
    if second and _whole(first):
        yield from chain([first, second], lines)
        return
    text = [first, second, *lines]
    try:
        document = json.loads("".join(text))
    except (ValueError, RecursionError):
        yield from text
        return
    yield from _texts(document, "")


def _whole(line: str) -> bool:
    """One JSON value, complete."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _texts(value: Any, name: str) -> Iterator[str]:
    """Every text of a value, line by line, after the name of what it comes from."""
    match value:
        case str():
            yield from (
                f"{name} | {line}\n" if name else f"{line}\n" for line in value.splitlines()
            )
        case list():
            yield from chain.from_iterable(_texts(one, name) for one in value)
        case dict():
            own = _name(value) or name
            yield from chain.from_iterable(_texts(one, own) for one in value.values())


def _name(entry: Mapping[str, Any]) -> str:
    """By a key of its own, or of what is inside it, such as the labels of a stream; else empty."""
    inside = [one for one in entry.values() if isinstance(one, dict)]
    deeper = [one for part in inside for one in part.values() if isinstance(one, dict)]
    places: Iterable[Mapping[str, Any]] = (entry, *inside, *deeper)
    found = (str(place[key]) for key in _NAMES for place in places if _is_name(place.get(key)))
    return next(found, "")


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
