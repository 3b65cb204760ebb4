"""The JSON Schema of scenario files, from the models that check them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from sim.mechanisms.addresses import AddressSpace
from sim.mechanisms.requests import Requests
from sim.mechanisms.script import Scenario

WHOLE = ("Request", "Action", "Settings", "AllocatorSettings", "AddressSettings", "Type")
"""Models that are always written as a mapping."""


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
    return head | schema


def _short(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What may stand for the mapping: the value of its first key, or nothing."""
    properties = body.get("properties", {})
    first = next(iter(properties.values()), None)
    required = body.get("required", [])
    short = [first] if first is not None and required in ([], [next(iter(properties))]) else []
    return [*short, *([] if required else [{"type": "null"}])]
