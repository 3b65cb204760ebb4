"""What the annotations of a dataclass say about its YAML."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from sim.units import Unit

T = TypeVar("T")

# Parameters of distributions that are not in the unit of the key they stand behind.
PLAIN: Final = frozenset({"alpha", "weights"})


@dataclass(frozen=True)
class Name:
    """The YAML key of a field, where it is not the field's name."""

    key: str


@dataclass(frozen=True)
class Word:
    """A word that stands for a special value."""

    text: str
    value: int


@dataclass(frozen=True)
class Key:
    """A key of a mapping: the field it fills and the annotation of its value."""

    field: Field[Any]
    hint: Any

    @property
    def required(self) -> bool:
        return self.field.default is MISSING and self.field.default_factory is MISSING


def keys(cls: type[Any]) -> Mapping[str, Key]:
    """The keys that fill a dataclass, in the order of its fields."""
    return _keys(cast("Any", cls))  # types are hashable, which mypy does not know


@cache
def _keys(cls: Any) -> Mapping[str, Key]:
    hints = get_type_hints(cls, include_extras=True)
    public = [item for item in fields(cls) if item.init and not item.name.startswith("_")]
    found = [Key(item, hints[item.name]) for item in public]
    return types.MappingProxyType({_name(key): key for key in found})


def split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """An annotation without its metadata, and the metadata."""
    if get_origin(hint) is Annotated:
        bare, *marks = get_args(hint)
        return bare, tuple(marks)
    return hint, ()


def find(kind: type[T], marks: tuple[Any, ...]) -> T | None:
    """The metadata of one kind."""
    return next((mark for mark in marks if isinstance(mark, kind)), None)


def unit_of(marks: tuple[Any, ...], inherited: str | None) -> str | None:
    """The unit of the numbers of an annotation and of those below it."""
    unit = find(Unit, marks)
    return unit.name if unit else inherited


def own_unit(name: str, key: Key, inherited: str | None) -> str | None:
    """The unit of a parameter: of a distribution, that of the key it stands behind."""
    if name in PLAIN:
        inherited = None
    return unit_of(split(key.hint)[1], inherited)


def is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def parts(union: Any) -> tuple[list[str], list[Any]]:
    """The words of a union, and its types but for None."""
    members = [member for member in get_args(union) if member is not type(None)]
    literals = [member for member in members if get_origin(member) is Literal]
    words = [word for literal in literals for word in get_args(literal)]
    return words, [member for member in members if member not in literals]


def optional(union: Any) -> bool:
    return type(None) in get_args(union)


def _name(key: Key) -> str:
    name = find(Name, split(key.hint)[1])
    return name.key if name else key.field.name
