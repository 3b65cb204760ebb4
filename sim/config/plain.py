"""Back from a run to what could stand in its file: exact, complete and loadable again."""

from __future__ import annotations

from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from sim.config.annotations import Word, find, is_union, keys, own_unit, parts, split, unit_of
from sim.config.convert import STEPS
from sim.config.policy import VALUES, Policy, Slot
from sim.config.run import RunConfig
from sim.registry import Registry
from sim.units import MS, SECOND, US, GiB, KiB, MiB
from sim.workload.distributions import Constant
from sim.workload.program import Load, Program, Step

_UNITS: Final = {
    "bytes": (("GiB", GiB), ("MiB", MiB), ("KiB", KiB), ("B", 1)),
    "ns": (("s", SECOND), ("ms", MS), ("us", US), ("ns", 1)),
}


def resolved(config: RunConfig) -> dict[str, Any]:
    """The whole run as mappings, lists and scalars; `load(resolved(config))` is the same run."""
    known = {name: key for name, key in keys(RunConfig).items() if key.field.name != "program"}
    values = {name: plain(getattr(config, key.field.name), key.hint) for name, key in known.items()}
    return values | {"workload": {"name": config.workload} | plain_program(config.program)}


def plain_program(program: Program) -> dict[str, Any]:
    """What could stand in the workload file of a program."""
    mapping: dict[str, Any] = plain(program, Program)
    return mapping


def plain(value: Any, hint: Any, unit: str | None = None) -> Any:
    """A value as it could be written behind a key with this annotation."""
    bare, marks = split(hint)
    unit = unit_of(marks, unit)
    word = find(Word, marks)
    if word and value == word.value:
        return word.text
    if find(Slot, marks):
        return _policy(value)
    return _by_type(value, bare, unit)


def _by_type(value: Any, bare: Any, unit: str | None) -> Any:
    if bare in VALUES:
        return _value_policy(value, VALUES[bare], unit)
    if bare == Step:
        return {name: _mapping(value) for name, cls in STEPS.items() if type(value) is cls}
    if bare == Load:
        return _mapping(value)
    if is_union(bare):
        words, (hint,) = parts(bare)
        return value if value is None or value in words else plain(value, hint, unit)
    if get_origin(bare) is tuple:
        return [plain(item, get_args(bare)[0], unit) for item in value]
    if get_origin(bare) is dict:
        return {name: plain(item, get_args(bare)[1], unit) for name, item in value.items()}
    return _mapping(value) if is_dataclass(value) else _scalar(value, unit)


def _mapping(value: Any, unit: str | None = None) -> dict[str, Any]:
    return {
        name: plain(getattr(value, key.field.name), key.hint, own_unit(name, key, unit))
        for name, key in keys(type(value)).items()
    }


def _policy(policy: Policy) -> dict[str, Any]:
    known = keys(Slot(policy.kind).registry().get(policy.name))
    parameters = dict(policy.parameters)
    written = {name: key for name, key in known.items() if key.field.name in parameters}
    body = {name: plain(parameters[key.field.name], key.hint) for name, key in written.items()}
    return {policy.name: body}


def _value_policy(value: Any, registry: Registry, unit: str | None) -> Any:
    if isinstance(value, Constant):
        return _scalar(value.value, unit)
    name = next(name for name in registry.names() if registry.get(name) is type(value))
    return {name: _mapping(value, unit)}


def _scalar(value: Any, unit: str | None) -> Any:
    """A number in the largest unit in which it is whole; all else as it is."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bool | str) or unit in (None, "number", "fraction"):
        return value
    if unit == "per_second":
        return f"{_short(value)}/s"
    if unit == "bytes_per_second":
        return f"{_short(value)}B/s"
    name, size = next((name, size) for name, size in _UNITS[unit] if value % size == 0 or size == 1)
    return f"{_short(value / size if value % size else value // size)}{name}"


def _short(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)
