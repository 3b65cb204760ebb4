"""The JSON Schema of scenario files, from the models that check them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from sim.mechanisms.addresses import AddressSpace
from sim.mechanisms.requests import Requests
from sim.mechanisms.script import Scenario

WHOLE = ("Request", "Action", "Settings", "AllocatorSettings", "AddressSettings", "Type")
"""Models that are always written as a mapping."""

_OF_PYDANTIC = frozenset({"ge", "gt", "le", "lt"})
"""Bounds of the number that a text such as `64KiB` stands for."""


def scenario_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) for the three kinds of scenario."""
    adapter: TypeAdapter[Any] = TypeAdapter(Scenario | Requests | AddressSpace)
    schema = adapter.json_schema(mode="validation")
    definitions = schema["$defs"]
    for name, body in definitions.items():
        if name == "Step":
            names = [step for step in body["properties"] if step != "repeat"]
            definitions[name] = {"anyOf": [body, {"enum": names}]}
        elif name not in (*WHOLE, "Scenario", "Requests", "AddressSpace"):
            definitions[name] = {"anyOf": [body, *_short(body)]}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gomemsim scenario",
    }
    standard: dict[str, Any] = _standard(schema)
    return head | standard


def _standard(schema: Any) -> Any:
    """In the words of JSON Schema: pydantic keeps its own where the text has a unit."""
    if isinstance(schema, list):
        return [_standard(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _standard(part) for name, part in schema.items() if name not in _OF_PYDANTIC}


def _short(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What may stand for the mapping: the value of its first key, or nothing."""
    properties = body.get("properties", {})
    first = next(iter(properties.values()), None)
    required = body.get("required", [])
    short = [first] if first is not None and required in ([], [next(iter(properties))]) else []
    return [*short, *([] if required else [{"type": "null"}])]
