"""Heap profiles of Go programs (runtime/pprof, `heap` and `allocs`): what was allocated where.

The file is a gzipped protocol buffer. Of its many parts a heap profile needs the samples, the
names on their stacks and the label `bytes`, the size of the objects a sample stands for.

Source: github.com/google/pprof, proto/profile.proto; runtime/pprof/protomem.go.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sim import files
from sim.errors import UserError
from sim.formats.log import most, too_large
from sim.formats.protobuf import Message, bytes_field, encode_varint, number_field
from sim.units import Bytes, MiB

# Field numbers of profile.proto.
_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRINGS = 1, 2, 4, 5, 6
_PERIOD_TYPE, _PERIOD = 11, 12
_TYPES: Final = {
    "alloc_objects": "count",
    "alloc_space": "bytes",
    "inuse_objects": "count",
    "inuse_space": "bytes",
}


_GOROUTINES: Final = re.compile(rb"goroutine profile: total (\d{1,9})\n")
MAX_PROFILE: Final = 64 * MiB
"""Unpacked; the profiles of large programs have a few."""


@dataclass(frozen=True, slots=True)
class HeapSample:
    """Objects of one size from one place; counts are estimates scaled up from what was sampled."""

    stack: tuple[str, ...]
    """Names of functions, the innermost first."""
    size: Bytes | None
    """Of each object."""
    alloc_objects: int
    """Since program start."""
    alloc_space: Bytes
    inuse_objects: int
    """Alive at the end of the last finished GC cycle."""
    inuse_space: Bytes

    @property
    def function(self) -> str:
        """The function that allocated; empty if the profile does not say."""
        return self.stack[0] if self.stack else ""


@dataclass(frozen=True, slots=True)
class HeapProfile:
    """Where the heap of a program came from."""

    sampling_rate: Bytes
    """One allocation was sampled each time so much had been allocated (MemProfileRate)."""
    samples: tuple[HeapSample, ...]


def read(path: str | Path) -> HeapProfile:
    """A profile from a file; raises UserError for what is not a heap profile."""
    try:
        return decode(_content(Path(path)))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, IndexError, KeyError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not a heap profile: {error}") from error


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked; UserError if there are too many."""
    with path.open("rb") as file:
        zipped = file.peek(2).startswith(b"\x1f\x8b")
        data = (gzip.GzipFile(fileobj=file) if zipped else file).read(most(MAX_PROFILE) + 1)
    if len(data) > most(MAX_PROFILE):
        raise UserError(too_large(str(path), most(MAX_PROFILE)))
    return data


def goroutines(text: bytes) -> int | None:
    """How many the text of a goroutine profile counts (debug=1); None for anything else.

    Source: runtime/pprof/pprof.go: printCountProfile.
    """
    found = _GOROUTINES.match(text)
    return None if found is None else int(found[1])


def since(base: HeapProfile, profile: HeapProfile) -> HeapProfile:
    """What was allocated after an earlier profile of the same process; alive is what is alive."""
    before = _together(base)
    samples = []
    for key, sample in _together(profile).items():
        old = before.get(key)
        objects, space = (old.alloc_objects, old.alloc_space) if old else (0, 0)
        samples.append(
            replace(
                sample,
                alloc_objects=max(0, sample.alloc_objects - objects),
                alloc_space=max(0, sample.alloc_space - space),
            )
        )
    return HeapProfile(profile.sampling_rate, tuple(samples))


def _together(profile: HeapProfile) -> dict[tuple[tuple[str, ...], Bytes | None], HeapSample]:
    """Its samples by names of functions and size: lines of a function are not told apart."""
    found: dict[tuple[tuple[str, ...], Bytes | None], HeapSample] = {}
    for sample in profile.samples:
        key = (sample.stack, sample.size)
        one = found.get(key)
        found[key] = (
            sample
            if one is None
            else replace(
                one, **{name: getattr(one, name) + getattr(sample, name) for name in _TYPES}
            )
        )
    return found


def write(profile: HeapProfile, path: str | Path) -> None:
    """Write a profile that `go tool pprof` opens."""
    files.write(Path(path), gzip.compress(encode(profile), mtime=0))


def decode(data: bytes) -> HeapProfile:
    """A profile from its protocol buffer; raises ValueError, IndexError or KeyError if damaged."""
    profile = Message(data)
    strings = [part.decode() for part in profile.parts(_STRINGS)]
    types = [strings[value_type.number(1)] for value_type in profile.messages(_SAMPLE_TYPE)]
    if not set(_TYPES) <= set(types):
        raise ValueError(f"its samples count {', '.join(types) or 'nothing'}")
    functions = {
        function.number(1): strings[function.number(2)] for function in profile.messages(_FUNCTION)
    }
    # A location holds several lines, the innermost first, where the compiler inlined calls.
    locations = {
        location.number(1): [functions[line.number(1)] for line in location.messages(4)]
        for location in profile.messages(_LOCATION)
    }
    samples = (_sample(sample, types, strings, locations) for sample in profile.messages(_SAMPLE))
    return HeapProfile(profile.number(_PERIOD), tuple(samples))


def _sample(
    sample: Message, types: list[str], strings: list[str], locations: Mapping[int, list[str]]
) -> HeapSample:
    values = dict(zip(types, sample.numbers(2), strict=True))
    sizes = {strings[label.number(1)]: label.number(3) for label in sample.messages(3)}
    return HeapSample(
        stack=tuple(name for id_ in sample.numbers(1) for name in locations[id_]),
        size=sizes.get("bytes"),
        **{name: values[name] for name in _TYPES},
    )


def encode(profile: HeapProfile) -> bytes:
    """The protocol buffer of a profile, with one location for each function."""
    names = dict.fromkeys(name for sample in profile.samples for name in sample.stack)
    texts = dict.fromkeys(["", *_TYPES, *_TYPES.values(), "space", *names])
    strings = {text: index for index, text in enumerate(texts)}
    ids = {name: id_ for id_, name in enumerate(names, start=1)}
    fields = [
        bytes_field(_SAMPLE_TYPE, _pair(strings[name], strings[unit]))
        for name, unit in _TYPES.items()
    ]
    fields += [bytes_field(_SAMPLE, _encode_sample(s, ids, strings)) for s in profile.samples]
    for name, id_ in ids.items():
        line = bytes_field(4, number_field(1, id_))
        fields.append(bytes_field(_LOCATION, number_field(1, id_) + line))
        fields.append(bytes_field(_FUNCTION, _pair(id_, strings[name])))
    fields += [bytes_field(_STRINGS, text.encode()) for text in strings]
    fields.append(bytes_field(_PERIOD_TYPE, _pair(strings["space"], strings["bytes"])))
    fields.append(number_field(_PERIOD, profile.sampling_rate))
    return b"".join(fields)


def _pair(first: int, second: int) -> bytes:
    return number_field(1, first) + number_field(2, second)


def _encode_sample(sample: HeapSample, ids: Mapping[str, int], strings: Mapping[str, int]) -> bytes:
    stack = b"".join(encode_varint(ids[name]) for name in sample.stack)
    values = b"".join(encode_varint(getattr(sample, name)) for name in _TYPES)
    encoded = bytes_field(1, stack) + bytes_field(2, values)
    if sample.size is not None:
        label = number_field(1, strings["bytes"]) + number_field(3, sample.size)
        encoded += bytes_field(3, label)
    return encoded
