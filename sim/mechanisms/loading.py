"""From a file to a scenario; a mistake is one sentence with file, line and key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from sim.config.at import At
from sim.config.tree import Node, locate, parse_yaml, read_yaml
from sim.errors import UserError, nearest

_QUOTED: Final = re.compile("'([^']*)'")
ModelT = TypeVar("ModelT", bound=BaseModel)

_EXPECTED: Final = {
    "string_type": "expected text",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "bool_parsing": "expected true or false",
    "list_type": "expected a list",
    "too_short": "expected at least one",
    "too_long": "expected at most {max_length} of them",
    "string_too_long": "expected at most {max_length} characters",
    "int_parsing_size": "expected a number of 64 bits",
    "less_than": "expected less than {lt}",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "greater_than_equal": "expected at least {ge}",
    "greater_than": "expected more than {gt}",
    "less_than_equal": "expected at most {le}",
}


def shipped() -> dict[str, Path]:
    """The scenarios that come with the package, by name."""
    folder = Path(str(files("sim.mechanisms"))) / "scenarios"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(source: Path | str) -> Path:
    """The file of a scenario, given by its shipped name or its path."""
    if str(source) in shipped():
        return shipped()[str(source)]
    if not Path(source).is_file():
        raise UserError(f"there is no scenario {str(source)!r}{nearest(str(source), shipped())}")
    return Path(source)


def read_tree(source: Path | str) -> Node:
    """The YAML of a scenario; a text with line breaks is read as such."""
    if isinstance(source, str) and "\n" in source:
        return parse_yaml(source, "scenario")
    return read_yaml(find(source))


def validated(root: Node, cls: type[ModelT]) -> ModelT:
    """A tree as a model; UserError for its first mistake."""
    if not isinstance(root.value, dict):
        raise mistake(root, (), f"expected a mapping with a title, got {_shown(root.value)}")
    try:
        return cls.model_validate(_plain(root))
    except ValidationError as error:
        raise _sentence(root, error.errors()[0]) from None


def mistake(root: Node, path: Sequence[str], message: str) -> UserError:
    """A mistake at a key path, with the line where it stands.

    The path names the first key of a mapping also where its value stands for the mapping.
    """
    node = root
    for key in path:
        below = locate(node, (key,))
        if below is node and isinstance(node.value, dict):
            break
        node = below
    return At(node, tuple(path)).error(message)


def _plain(node: Node) -> Any:
    match node.value:
        case dict(mapping):
            return {key: _plain(child) for key, child in mapping.items()}
        case list(items):
            return [_plain(item) for item in items]
    return node.value


def _sentence(root: Node, error: Any) -> UserError:
    """pydantic's finding in the words of this command line."""
    path = tuple(str(part) for part in error["loc"])
    context = error.get("ctx", {})
    if "key" in context:
        path = (*path, str(context["key"]))
    return mistake(root, path, _words(error))


def _words(error: Any) -> str:
    context, got = error.get("ctx", {}), error["input"]
    match error["type"]:
        case "missing":
            return "expected this key, got none"
        case "unknown_key" | "own_words":
            return str(error["msg"])
        case "literal_error":
            valid = _QUOTED.findall(context["expected"])
            return f"unknown value {_shown(got)}{nearest(str(got), valid)}"
        case "value_error":
            return str(context["error"])
        case kind if kind in _EXPECTED:
            return f"{_EXPECTED[kind].format(**context)}, got {_shown(got)}"
    return str(error["msg"])


def _shown(value: Any) -> str:
    """A value in words, as a sentence ends with it."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
    return repr(value)
