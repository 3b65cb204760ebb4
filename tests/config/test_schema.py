"""The schemas, from which editors and the reference tell what a key means, leave no key out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest

from sim.config import json_schema


def described(schema: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its description."""
    if isinstance(schema, list):
        for item in schema:
            yield from described(item, path)
    elif isinstance(schema, dict):
        for key, inner in schema.get("properties", {}).items():
            text = inner.get("description") or inner.get("$ref", "")
            yield f"{path}.{key}", text
        for key, inner in schema.items():
            yield from described(inner, f"{path}.{key}")


@pytest.mark.parametrize("kind", ["config", "workload"])
def test_every_key_says_what_it_means(kind: Literal["config", "workload"]) -> None:
    assert [path for path, text in described(json_schema(kind)) if not text] == []


def test_a_default_reads_as_it_would_be_written() -> None:
    keys = json_schema("config")["properties"]
    assert {key: keys[key]["default"] for key in ("GOGC", "GOMEMLIMIT", "duration", "go")} == {
        "GOGC": 100,
        "GOMEMLIMIT": "off",
        "duration": "10s",
        "go": "1.27",
    }
    store = json_schema("workload")["$defs"]["Store"]
    assert store["properties"]["replacement"]["default"] == "random"
    assert "size" in store["required"]
