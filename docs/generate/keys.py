"""Keys of config and workload files, from their JSON Schemas, with examples from real files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import yaml
from jsonschema import Draft202012Validator

from generate.markdown import code, table
from sim.config import json_schema
from sim.examples import examples

Schema: TypeAlias = dict[str, Any]
Found: TypeAlias = dict[str, dict[str, str]]
Kind: TypeAlias = Literal["config", "workload"]

SHOWN: Final = 60
"""Longest example, in characters."""
UNITS: Final = {
    r"/(ns": "rate, such as `50/s`",
    r"(B|KiB": "size, such as `64KiB`",
    r"(ns|us": "time, such as `3ms`",
    r"%": "`30%`",
}
"""What of the pattern of a quantity tells its unit."""
OWN: Final = Path(__file__).parent / "examples"
"""Files that use the keys that no shipped file uses."""


class Section(NamedTuple):
    """A mapping somewhere in a file: where, what it is, and its keys."""

    path: str
    schema: Schema


def workload() -> str:
    """The page of the workload language."""
    return _page(
        "workload",
        "# Workload files",
        "A program and its load. `[]` is an item of a list, `NAME` a name of your own. A step is"
        " a mapping with its name as the only key; where one parameter is enough, its value may"
        " stand alone (`wait: 3ms`), and several may stand in order (`uniform: [1B, 15B]`)."
        " Distributions and arrivals are [policies](policies.md).",
    )


def config() -> str:
    """The page of config files."""
    return _page(
        "config",
        "# Config files",
        "One run. Every key can be set on the command line, too: `--set GOGC=50`, `--set"
        " gc.pacer=go1.18`, `--set workload.load.api.arrivals.poisson=3000/s`.",
    )


def parameters(kind: str, name: str) -> list[str]:
    """An example of a policy, and its keys as a table."""
    file: Kind = "workload" if kind in ("arrivals", "distribution") else "config"
    schema = json_schema(file)
    options = next(found for part, found in _policies(schema) if part.partition("-")[0] == kind)
    keys = _object(options[name])
    shown = _examples(file, schema).get(kind, {}).get(name, name)
    parts = [f"Written {code(shown)}."]
    return [*parts, _keys(keys, {})] if keys and keys["properties"] else parts


def _page(kind: Kind, *head: str) -> str:
    schema = json_schema(kind)
    found = _examples(kind, schema)
    parts = list(head)
    for section in _sections(schema, schema, "", set()):
        about = section.schema.get("description", "")
        title = f"## {code(section.path)}" if section.path else "## The whole file"
        parts += [title, about, _keys(section.schema, found.get(section.path, {}))]
    return "\n\n".join(parts)


def _keys(schema: Schema, found: Mapping[str, str]) -> str:
    required = schema.get("required", ())
    rows = [
        [
            code(key),
            about.get("description", ""),
            _type(about),
            "must be there" if key in required else _default(about),
            code(found.get(key, "")),
        ]
        for key, about in schema["properties"].items()
    ]
    titles = ["key", "meaning", "value", "default", "example"]
    if not any(row[-1] for row in rows):
        return table(titles[:-1], [row[:-1] for row in rows])
    return table(titles, rows)


def _default(about: Schema) -> str:
    value = about.get("default", {})
    if value is None:
        return "none"
    text = str(value).lower() if isinstance(value, bool) else str(value) or '""'
    return code(re.sub(r"^0[A-Za-z/]+$", "0", text))


def _sections(root: Schema, schema: Schema, path: str, seen: set[str]) -> Iterator[Section]:
    """Every mapping with keys of its own below a schema, once; policies have their own page."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference:
        if reference not in seen and not _is_policy(reference):
            seen.add(reference)
            yield from _sections(root, root["$defs"][reference], path, seen)
        return
    if schema.get("properties"):
        names = schema.get("maxProperties") == 1
        if not names:
            yield Section(path, schema)
        for key, inner in schema["properties"].items():
            yield from _sections(root, inner, f"{path}.{key}".removeprefix("."), seen)
    for option in schema.get("anyOf", ()):
        yield from _sections(root, option, _variant(path, schema, option), seen)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _sections(root, schema["additionalProperties"], f"{path}.NAME", seen)
    if "items" in schema:
        yield from _sections(root, schema["items"], f"{path}[]", seen)


def _variant(path: str, schema: Schema, option: Schema) -> str:
    """Of several kinds of mappings, the key that tells this one from the others is in the path."""
    others = [other for other in schema["anyOf"] if other is not option and "properties" in other]
    if not others or "properties" not in option:
        return path
    own = [key for key in option["properties"] if not any(key in o["properties"] for o in others)]
    return f"{path} with {own[0]}"


def _is_policy(reference: str) -> bool:
    return reference.partition("-")[0] in {
        "arrivals",
        "barrier",
        "distribution",
        "marker",
        "pacer",
    }


def _policies(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for name, body in schema["$defs"].items():
        if _is_policy(name):
            options = [body, *body.get("anyOf", ())]
            yield name, next(o["properties"] for o in options if "properties" in o)


def _object(schema: Schema) -> Schema | None:
    """The form of a parameter list that has all keys."""
    return next((o for o in [schema, *schema.get("anyOf", ())] if "properties" in o), None)


def _type(schema: Schema) -> str:
    """What may stand behind a key, in words."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    kind, _, unit = reference.partition("-")
    if _is_policy(reference):
        quantity = {"bytes": "size, such as `64KiB`, or ", "ns": "time, such as `3ms`, or "}
        return f"{quantity.get(unit, '')}[{kind}](policies.md#{kind})"
    if reference:
        return "step" if reference == "step" else "mapping"
    if "enum" in schema:
        return ", ".join(code(str(v)) for v in schema["enum"] if isinstance(v, str))
    if "pattern" in schema:
        return next(words for mark, words in UNITS.items() if mark in schema["pattern"])
    if "anyOf" in schema:
        texts = [_type(option) for option in schema["anyOf"]]
        return " or ".join(dict.fromkeys(filter(None, texts)))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return {"object": "mapping", "string": "text", None: ""}.get(
        schema.get("type"), schema.get("type", "")
    ) + _bounds(schema)


def _bounds(schema: Schema) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
    found = [f" {word} {schema[key]:g}" for key, word in words.items() if key in schema]
    return "".join(found)


def _examples(kind: Kind, schema: Schema) -> Found:
    """By section and key, how the first file that has the key writes it."""
    found: Found = {}
    files = [*examples(f"{kind}s").values(), *sorted(OWN.glob(f"{kind}*.yaml"))]
    for file in files:
        _collect(schema, schema, yaml.safe_load(file.read_text(encoding="utf-8")), "", found)
    return found


def _collect(root: Schema, schema: Schema, value: Any, path: str, found: Found) -> None:
    reference = schema.get("$ref", "").rpartition("/")[2]
    if _is_policy(reference):
        kind = reference.partition("-")[0]
        name = next(iter(value)) if isinstance(value, dict) else str(value)
        found.setdefault(kind, {}).setdefault(name, _written(value))
    elif reference:
        home = found.setdefault("", {}).setdefault(f"#{reference}", path)
        _collect(root, root["$defs"][reference], value, home, found)
    elif "anyOf" in schema:
        _collect_option(root, schema, value, path, found)
    elif isinstance(value, list):
        for item in value:
            _collect(root, schema.get("items", {}), item, f"{path}[]", found)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _collect_key(root, schema, key, inner, path, found)


def _collect_option(root: Schema, schema: Schema, value: Any, path: str, found: Found) -> None:
    """The first form that fits; a bare value is that of the first key."""
    whole = _object(schema)
    if whole and whole["properties"] and not isinstance(value, dict | list):
        found.setdefault(path, {}).setdefault(next(iter(whole["properties"])), _written(value))
    for option in schema["anyOf"]:
        if Draft202012Validator({**option, "$defs": root["$defs"]}).is_valid(value):
            _collect(root, option, value, _variant(path, schema, option), found)
            return


def _collect_key(
    root: Schema, schema: Schema, key: str, value: Any, path: str, found: Found
) -> None:
    below, others = schema.get("properties", {}).get(key), schema.get("additionalProperties")
    if below is not None:
        found.setdefault(path, {}).setdefault(key, _written(value))
        _collect(root, below, value, f"{path}.{key}".removeprefix("."), found)
    elif isinstance(others, dict):
        _collect(root, others, value, f"{path}.NAME", found)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False)
    text = text.removesuffix("\n").removesuffix("\n...").strip()
    return text if len(text) <= SHOWN else text[: SHOWN - 4] + " ..."
