"""What commands write with --json, from the schemas of their documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from generate.markdown import code, table
from sim.report.schemas import DOCUMENTS, schema

Schema: TypeAlias = dict[str, Any]


def documents() -> str:
    """A section a command, with the fields of its document and of what is in them."""
    parts = [
        "# JSON of commands",
        "What `--json FILE` writes, or prints for `--json -`. Bytes are in names that end in"
        " `_bytes`, seconds in `_seconds`; figures have the names of the columns of [tables]"
        "(tables.md) and [summaries](figures.md). Wherever a prediction stands, it has the fields"
        " of [whatif](#whatif). `gomemsim schema COMMAND` prints the JSON Schema.",
    ]
    for command in sorted(DOCUMENTS):
        whole = schema(command)
        parts += [f"## {command}", _about(whole), *_fields(whole, whole, "")]
    return "\n\n".join(parts)


def _about(whole: Schema) -> str:
    options = whole.get("anyOf", [whole])
    return " Or: ".join(_described(whole, option) for option in options)


def _described(whole: Schema, part: Schema) -> str:
    body = _resolved(whole, part)
    if body.get("type") == "array":
        return f"A list. An item: {_described(whole, body['items'])}"
    return str(body["description"])


def _fields(whole: Schema, part: Schema, path: str) -> Iterator[str]:
    """Tables of the fields of a mapping and, below it, of the mappings in it."""
    body = _resolved(whole, part)
    rows = list(_rows(whole, body, path))
    if rows:
        yield table(["field", "type", "meaning"], rows)
    for option in body.get("anyOf", ()):
        yield from _fields(whole, option, path)
    if body.get("type") == "array":
        yield from _fields(whole, body["items"], f"{path}[]")


def _rows(whole: Schema, body: Schema, path: str) -> Iterator[list[str]]:
    for name, field in body.get("properties", {}).items():
        here = f"{path}.{name}".removeprefix(".")
        yield [code(here), _type(whole, field), _meaning(whole, field)]
        yield from _inner(whole, field, here)


def _inner(whole: Schema, field: Schema, path: str) -> Iterator[list[str]]:
    body = _resolved(whole, field)
    for option in body.get("anyOf", ()):
        yield from _inner(whole, option, path)
    if body.get("type") == "array":
        yield from _inner(whole, body["items"], f"{path}[]")
    elif isinstance(body.get("additionalProperties"), dict):
        yield from _inner(whole, body["additionalProperties"], f"{path}.NAME")
    if not _is_prediction(body):
        yield from _rows(whole, body, path)


def _is_prediction(body: Schema) -> bool:
    return "intervals" in body.get("properties", {})


def _meaning(whole: Schema, field: Schema) -> str:
    return str(field.get("description") or _resolved(whole, field).get("description", ""))


def _type(whole: Schema, field: Schema) -> str:
    body = _resolved(whole, field)
    if "anyOf" in body:
        return " or ".join(_type(whole, option) for option in body["anyOf"])
    kind = body.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_type(whole, body['items'])}"
    return {"object": "mapping", "string": "text"}.get(kind, kind)


def _resolved(whole: Schema, part: Schema) -> Schema:
    reference = part.get("$ref", "").rpartition("/")[2]
    return whole["$defs"][reference] if reference else part
