"""JSON Schemas of config and workload files, for editors, from the same annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, is_dataclass
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

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
from sim.config.convert import LOADS, STEPS
from sim.config.docs import describe, field_docs
from sim.config.plain import plain
from sim.config.policy import VALUES, Policy, Slot
from sim.config.run import RunConfig
from sim.registry import Registry
from sim.workload.program import Load, Program, Step

Schema: TypeAlias = dict[str, Any]

_NUMBER: Final = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_SIZE: Final = r"\s*(B|KiB|MiB|GiB|TiB)"
_TIME: Final = r"(ns|us|µs|ms|s|m|min|h)"
_PATTERNS: Final = {
    "bytes": _NUMBER + _SIZE,
    "ns": rf"{_NUMBER}\s*{_TIME}",
    "per_second": rf"{_NUMBER}\s*/{_TIME}",
    "bytes_per_second": rf"{_NUMBER}{_SIZE}/{_TIME}",
    "fraction": rf"{_NUMBER}\s*%",
}
_TYPES: Final[dict[Any, str]] = {bool: "boolean", int: "integer", float: "number"}
_BOUNDS: Final = {
    Gt: ("gt", "exclusiveMinimum"),
    Ge: ("ge", "minimum"),
    Lt: ("lt", "exclusiveMaximum"),
    Le: ("le", "maximum"),
}
# YAML 1.1 reads these bare words as truth values.
_BARE: Final[dict[str, list[Any]]] = {"off": ["off", False], "none": ["none", None]}


def json_schema(kind: Literal["config", "workload"]) -> Schema:
    """The JSON Schema (draft 2020-12) of one kind of file."""
    builder = _Builder()
    body = builder.workload() if kind == "workload" else builder.config()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"gomemsim {kind}"}
    return {**head, **body, "$defs": dict(sorted(builder.defs.items()))}


class _Builder:
    """Collects the definitions that a schema refers to."""

    def __init__(self) -> None:
        self.defs: dict[str, Schema] = {}

    def workload(self) -> Schema:
        """The keys of a program, and the settings of a run of this file by itself."""
        body = self.mapping(Program)
        body["properties"]["settings"] = {
            "type": "object",
            "description": "Keys of a config, such as GOGC, for `gomemsim run` of this very file.",
        }
        return body

    def config(self) -> Schema:
        """The keys of a run; its program is named, or written in place, and then overridden."""
        known = {name: key for name, key in keys(RunConfig).items() if name != "program"}
        body = self.object(RunConfig, known)
        named = body["properties"]["workload"]
        body["properties"]["workload"] = _any({"type": "string"}, {"type": "object"}) | {
            "description": named["description"]
        }
        body["properties"]["overrides"] = {
            "type": "object",
            "description": "Changes of the workload, as a JSON merge patch.",
        }
        return body

    def of(self, hint: Any, unit: str | None = None) -> Schema:
        """The schema of a key by its annotation."""
        bare, marks = split(hint)
        unit = unit_of(marks, unit)
        slot, word = find(Slot, marks), find(Word, marks)
        schema = self.policy(slot.registry(), None) if slot else self.by_type(bare, unit)
        if schema.get("type") in ("integer", "number"):
            schema |= dict(_bound(mark) for mark in marks if type(mark) in _BOUNDS)
        return _any(schema, {"enum": _BARE.get(word.text, [word.text])}) if word else schema

    def by_type(self, bare: Any, unit: str | None) -> Schema:
        if bare in VALUES:
            return self.policy(VALUES[bare], unit)
        if bare == Step:
            return self.define("step", self.step)
        if bare == Load:
            return _any(*(self.mapping(cls) for cls in LOADS.values()))
        if is_union(bare):
            return self.union(bare, unit)
        if get_origin(bare) is tuple:
            return {"type": "array", "items": self.of(get_args(bare)[0], unit)}
        if get_origin(bare) is dict:
            return {"type": "object", "additionalProperties": self.of(get_args(bare)[1], unit)}
        if is_dataclass(bare) and isinstance(bare, type):
            return self.define(bare.__name__, lambda: self.mapping(bare))
        return _scalar(bare, unit)

    def union(self, union: Any, unit: str | None) -> Schema:
        words, (hint,) = parts(union)
        special = [*words, *(_BARE["none"] if optional(union) else [])]
        return _any({"enum": special}, self.of(hint, unit))

    def mapping(self, cls: type[Any]) -> Schema:
        return self.object(cls, keys(cls))

    def object(self, cls: type[Any], known: Mapping[str, Key], unit: str | None = None) -> Schema:
        """A mapping of the keys of a dataclass."""
        docs = field_docs(cls)
        properties = {}
        for name, key in known.items():
            own = own_unit(name, key, unit)
            about = {"description": docs.get(key.field.name, "")}
            properties[name] = self.of(key.hint, own) | about | _default(key, own)
        required = [name for name, key in known.items() if key.required]
        return {
            "type": "object",
            "description": describe(cls),
            "properties": properties,
            "additionalProperties": False,
        } | ({"required": required} if required else {})

    def step(self) -> Schema:
        """One of the steps by its name; those without a key that must be there as a bare word."""
        options = {name: self.parameters(cls, None) for name, cls in STEPS.items()}
        bare = [
            name for name, cls in STEPS.items() if not any(k.required for k in keys(cls).values())
        ]
        return _any({"enum": bare}, _one_of_the_keys(options))

    def policy(self, registry: Registry, unit: str | None) -> Schema:
        """A policy by its name; where a constant is among them, a bare quantity too."""
        return self.define(
            "-".join(filter(None, [registry.kind, unit])), lambda: self.choices(registry, unit)
        )

    def choices(self, registry: Registry, unit: str | None) -> Schema:
        broken = registry.broken()
        classes = {name: registry.get(name) for name in registry.names() if name not in broken}
        bare = [n for n, cls in classes.items() if not any(k.required for k in keys(cls).values())]
        quantity = [_scalar(float, unit)] if "constant" in classes else []
        words = [{"enum": bare}] if bare else []
        options = {name: self.parameters(cls, unit) for name, cls in classes.items()}
        return _any(*quantity, *words, _one_of_the_keys(options))

    def parameters(self, cls: type[Any], unit: str | None) -> Schema:
        """A mapping of keys, the value of the first key alone, or several in order."""
        about = {"description": describe(cls)}
        whole = self.object(cls, keys(cls), unit)
        if not keys(cls):
            return _any(whole, {"type": "null"}) | about
        first, key = next(iter(keys(cls).items()))
        short = self.of(key.hint, own_unit(first, key, unit))
        in_order = {"type": "array", "maxItems": len(keys(cls))}
        return _any(whole, short, *([] if short.get("type") == "array" else [in_order])) | about

    def define(self, name: str, make: Any) -> Schema:
        """A reference to a definition, which is made at its first use and may refer to itself."""
        if name not in self.defs:
            self.defs[name] = {}
            self.defs[name] = make()
        return {"$ref": f"#/$defs/{name}"}


def _default(key: Key, unit: str | None) -> Schema:
    """The default as it would be written; none of mappings, whose keys have their own."""
    value = key.field.default
    if value is MISSING or (isinstance(value, Policy) and value.parameters):
        return {}
    written = plain(value, key.hint, unit)
    return {"default": value.name if isinstance(value, Policy) else written}


def _scalar(bare: Any, unit: str | None) -> Schema:
    if get_origin(bare) is Literal:
        return {"enum": list(get_args(bare))}
    if bare in (int, float) and unit in _PATTERNS:
        text = {"type": "string", "pattern": f"^{_PATTERNS[unit]}$"}
        plain = {"type": "number"} if unit == "fraction" else {"const": 0}
        return text if unit.endswith("per_second") else _any(text, plain)
    return {"type": _TYPES.get(bare, "string")}


def _one_of_the_keys(options: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": options,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _bound(mark: Any) -> tuple[str, Any]:
    attribute, keyword = _BOUNDS[type(mark)]
    return keyword, getattr(mark, attribute)


def _any(*options: Schema) -> Schema:
    return {"anyOf": list(options)} if len(options) > 1 else options[0]
