"""From a YAML tree to the dataclasses of a run, directed by their annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any, Final, TypeVar, get_args, get_origin

from sim.config.annotations import (
    Key,
    Word,
    find,
    is_union,
    keys,
    optional,
    own_unit,
    parts,
    split,
    unit_of,
)
from sim.config.at import At
from sim.config.policy import VALUES, Policy, Slot
from sim.config.scalar import check_bounds, scalar
from sim.errors import UserError
from sim.registry import Registry
from sim.workload.program import Batch, ClosedLoop, Load, OpenLoop, Step

T = TypeVar("T")

STEPS: Final[dict[str, type[Any]]] = {cls.__name__.lower(): cls for cls in get_args(Step)}
STAND_INS: Final = ("constant", "regular")
"""Policies whose one parameter is a number: in place of those of plug-ins that were not run."""
AVERAGE: Final = 1 << 20
"""Their parameter: an object that has room for pointers, a time and a rate that are no extremes."""
LOADS: Final[dict[str, type[Any]]] = {"arrivals": OpenLoop, "workers": ClosedLoop, "count": Batch}
"""The key that tells one kind of load from the others; none of them makes a batch of one."""


def convert(at: At, hint: Any) -> Any:
    """The value of a place by the annotation of its key; UserError says where it does not fit."""
    bare, marks = split(hint)
    at = replace(at, unit=unit_of(marks, at.unit))
    word, slot = find(Word, marks), find(Slot, marks)
    if word and at.node.value == word.text:
        return word.value
    value = _slot(at, slot) if slot else _by_type(at, bare)
    check_bounds(at, value, marks)
    return value


def convert_mapping(at: At, cls: type[T], given: Mapping[str, Any] | None = None) -> T:
    """An instance of a dataclass from a mapping of its keys; `given` are fields without a key."""
    given = given or {}
    known = {name: key for name, key in keys(cls).items() if key.field.name not in given}
    children = at.children(f"a mapping with the keys {', '.join(known)}")
    return _construct(at, cls, {**given, **_values(at, known, children)})


def _by_type(at: At, bare: Any) -> Any:
    if bare in VALUES:
        return _value_policy(at, VALUES[bare])
    if bare == Step:
        return _step(at)
    if bare == Load:
        return _load(at)
    if is_union(bare):
        return _union(at, bare)
    if get_origin(bare) is tuple:
        return tuple(convert(item, get_args(bare)[0]) for item in at.items())
    if get_origin(bare) is dict:
        return {name: convert(child, get_args(bare)[1]) for name, child in at.children().items()}
    if is_dataclass(bare) and isinstance(bare, type):
        return convert_mapping(at, bare)
    return scalar(at, bare)


def _union(at: At, union: Any) -> Any:
    """None, one of some words, or the one type that is left."""
    words, (hint,) = parts(union)
    if optional(union) and at.node.value in (None, "none"):
        return None
    if at.node.value in words:
        return at.node.value
    try:
        return convert(at, hint)
    except UserError as error:
        if not words or isinstance(at.node.value, dict):
            raise
        raise UserError(
            str(error).replace("expected ", f"expected {', '.join(words)} or ", 1)
        ) from None


def _step(at: At) -> Any:
    """`name: {key: value}`, or `name: value of the first key`."""
    name, body = at.choice(f"one of the steps {', '.join(STEPS)}")
    if name not in STEPS:
        raise body.unknown("step", name, STEPS)
    cls = STEPS[name]
    return _construct(body, cls, _values(body, keys(cls), _named(body, keys(cls))))


def _load(at: At) -> Any:
    present = [name for name in LOADS if name in at.children("a mapping with the key goroutine")]
    if len(present) > 1:
        raise at.error(f"expected one of the keys {', '.join(LOADS)}, got {' and '.join(present)}")
    return convert_mapping(at, LOADS[present[0]] if present else Batch)


def _slot(at: At, slot: Slot) -> Policy:
    if name := _unread(at, slot.registry()):
        return Policy(slot.kind, name)
    cls, name, parameters = _policy(at, slot.registry())
    _construct(at, cls, parameters)
    return Policy(slot.kind, name, tuple(parameters.items()))


def _value_policy(at: At, registry: Registry) -> Any:
    """A distribution or an arrival process; a bare quantity is a constant."""
    names, text = registry.names(), at.node.value
    if at.unread and (isinstance(text, dict) or str(text).isidentifier()) and _unread(at, registry):
        return registry.get(next(name for name in STAND_INS if name in names))(AVERAGE)
    if "constant" in names and isinstance(text, str) and text not in names:
        return registry.get("constant")(scalar(at, float))
    cls, _, parameters = _policy(at, registry)
    return _construct(at, cls, parameters)


def _unread(at: At, registry: Registry) -> str:
    """The name of a policy that only a plug-in can know, none of which was run; or nothing."""
    name = at.choice(f"one {registry.kind} ({', '.join(registry.names())})")[0] if at.unread else ""
    return "" if name in registry.names() else name


def _policy(at: At, registry: Registry) -> tuple[type[Any], str, dict[str, Any]]:
    """`name`, `name: value of the first key`, `name: [first, second]` or `name: {key: value}`."""
    name, body = at.choice(f"one {registry.kind} ({', '.join(registry.names())})")
    if name not in registry.names():
        raise body.unknown(registry.kind, name, registry.names())
    try:
        cls = registry.get(name)
    except UserError as error:
        raise at.error(str(error)) from None
    return cls, name, _values(body, keys(cls), _named(body, keys(cls)))


def _named(at: At, known: Mapping[str, Key]) -> dict[str, At]:
    """The places of the keys of a body that may be written short."""
    if at.node.value in (None, {}):
        return {}
    if not known:
        raise at.expected("no parameters")
    first, *_ = known
    bare = split(known[first].hint)[0]
    if isinstance(at.node.value, list) and get_origin(bare) is not tuple:
        if len(at.items()) > len(known):
            raise at.expected(f"at most {len(known)} values")
        return dict(zip(known, at.items(), strict=False))
    if isinstance(at.node.value, dict) and not _is_choice(at.node.value, bare, known):
        return at.children()
    return {first: at}


def _is_choice(mapping: Mapping[str, Any], bare: Any, known: Mapping[str, Key]) -> bool:
    """Whether a mapping is a policy for the first key rather than a mapping of the keys."""
    return (
        bare in VALUES
        and not known.keys() & mapping
        and bool(mapping.keys() & VALUES[bare].names())
    )


def _values(at: At, known: Mapping[str, Key], children: dict[str, At]) -> dict[str, Any]:
    """Field name -> value, for the keys that are there."""
    for name, child in children.items():
        if name not in known:
            raise child.unknown("key", name, known)
    for name, key in known.items():
        if key.required:
            at.require(name, children)
    return {
        known[name].field.name: _value(child, name, known[name]) for name, child in children.items()
    }


def _value(at: At, name: str, key: Key) -> Any:
    return convert(replace(at, unit=own_unit(name, key, at.unit)), key.hint)


def _construct(at: At, cls: type[T], values: Mapping[str, Any]) -> T:
    """An instance; its own complaints (`field: expected ...` or `expected ...`) get their place."""
    try:
        return cls(**values)
    except UserError as error:
        name, _, rest = str(error).partition(": ")
        if name not in values:
            raise at.error(str(error)) from None
        children = at.children() if isinstance(at.node.value, dict) else {}
        raise children.get(name, at).error(rest) from None
