"""YAML as a tree whose nodes know where they were written.

Scalars stay text: what `off`, `1.20` or `300us` means is decided by the annotation of the key, not
by YAML's guesses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from sim.errors import UserError
from sim.text import is_visible, quoted, short
from sim.units import MiB, format_bytes

Children: TypeAlias = "dict[str, Node]"
# A dot between digits belongs to a name such as go1.27.
_DOT: Final = re.compile(r"(?<!\d)\.|\.(?!\d)")
LARGEST: Final = MiB
"""Bytes of a file; what is meant for people is far smaller."""
MOST_NODES: Final = 100_000
"""Scalars, lists and mappings, those counted again that an alias stands for."""
DEEPEST: Final = 50
"""Levels of lists and mappings in each other."""
_GCTRACE: Final = re.compile(r"^gc \d+ @", re.MULTILINE)
"""A line of GODEBUG=gctrace=1."""
_NULL: Final = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Node:
    """A scalar (its text), nothing (None), a list or a mapping, and where it was written."""

    value: str | list[Node] | Children | None
    where: str
    """`FILE:LINE`, or what stands in its place for values that come from no file."""
    newest: str | None = None
    """The key that the last override set, if it set just one: it wins where one must be chosen."""

    def __post_init__(self) -> None:
        texts = self.value if isinstance(self.value, dict) else [self.value]
        for text in texts:
            if isinstance(text, str) and not is_visible(text):
                raise UserError(f"{self.where}: expected text that can be seen, got {quoted(text)}")

    def described(self) -> str:
        """The value as the `got` of an error message."""
        match self.value:
            case None:
                return "nothing"
            case dict():
                return "a mapping"
            case list():
                return "a list"
            case text:
                return quoted(text)


def locate(root: Node, path: Sequence[str]) -> Node:
    """The node at a key path, or the last one on the way to it."""
    node = root
    for key in path:
        children = _children(node)
        if key not in children:
            return node
        node = children[key]
    return node


def read_yaml(path: Path, loader: type[Any] = yaml.SafeLoader) -> Node:
    """The tree of a file; UserError names the file and the line of a mistake in the syntax."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1).decode()
    except FileNotFoundError:
        raise UserError(f"{path}: the file does not exist") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected UTF-8 text, got other bytes") from None
    except OSError as error:
        raise UserError(f"{path}: the file cannot be read: {error.strerror}") from None
    return parse_yaml(text, str(path), loader)


def parse_yaml(text: str, name: str, loader: type[Any] = yaml.SafeLoader) -> Node:
    """The tree of a text; places read `name:line`."""
    if len(text) > LARGEST:
        raise UserError(f"{name}: expected at most {format_bytes(LARGEST)} of YAML, got more")
    if _GCTRACE.search(text):
        raise UserError(
            f"{name}: expected YAML, got a log: `gomemsim fit` makes a workload of it, and"
            " `gomemsim whatif` predicts from it"
        )
    try:
        root = yaml.compose(text, Loader=loader)
    except RecursionError:
        raise UserError(f"{name}: expected at most {DEEPEST} levels, got more") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(
            f"{name}:{line}: expected YAML, got a syntax error: {error.problem}"
        ) from None
    except yaml.YAMLError as error:
        raise UserError(f"{name}: expected YAML, got {str(error).splitlines()[0]}") from None
    return Node({}, f"{name}:1") if root is None else _Reader(name).node(root, None, ())


def from_plain(value: Any, where: str) -> Node:
    """The tree of mappings, sequences and scalars that came from no file."""
    match value:
        case None:
            return Node(None, where)
        case Mapping():
            return Node({str(key): from_plain(item, where) for key, item in value.items()}, where)
        case bool():
            return Node(str(value).lower(), where)
        case str():
            return Node(value, where)
        case Sequence():
            return Node([from_plain(item, where) for item in value], where)
    return Node(str(value), where)


def assignment(text: str) -> Node:
    """The tree of `key.path=value`, the value being YAML."""
    key, equals, value = text.partition("=")
    where = f"--set {short(text)}"
    if not equals or not key.strip():
        raise UserError(f"{where}: expected key.path=value, got {quoted(text)}")
    if value.strip() in ("", "{}"):
        raise UserError(f"{where}: expected a value, got none; null sets the default")
    node = replace(_unplaced(parse_yaml(value, where), where), where=where)
    for name in reversed(_DOT.split(key.strip())):
        node = Node({name: node}, where)
    return node


def merge(base: Node, over: Node) -> Node:
    """`over` laid onto `base` as a JSON merge patch (RFC 7386): mappings merge, null removes.

    Digits as keys address the items of a list.
    """
    if not isinstance(over.value, dict) or not isinstance(base.value, dict | list):
        return over
    children = _children(base)
    for key, node in over.value.items():
        if isinstance(base.value, list) and key not in children:
            raise UserError(f"{node.where}: expected an index below {len(children)}, got {key!r}")
        if node.value is None:
            children.pop(key, None)
        else:
            children[key] = merge(children[key], node) if key in children else node
    if isinstance(base.value, list):
        return replace(base, value=list(children.values()))
    only = next(iter(over.value)) if len(over.value) == 1 else None
    return replace(base, value=children, newest=over.newest or only)


def _children(node: Node) -> Children:
    match node.value:
        case dict(mapping):
            return dict(mapping)
        case list(items):
            return {str(index): item for index, item in enumerate(items)}
    return {}


class _Reader:
    """From YAML's nodes to ours. Every use of an alias counts: ten lines can stand for billions."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def node(self, node: yaml.Node, line: int | None, parents: tuple[int, ...]) -> Node:
        where = f"{self._name}:{line or node.start_mark.line + 1}"
        self._check(node, where, parents)
        inside = (*parents, id(node))
        match node:
            case yaml.MappingNode():
                return Node(self._mapping(node, inside), where)
            case yaml.SequenceNode():
                return Node([self.node(item, None, inside) for item in node.value], where)
        return Node(None if node.tag == _NULL else str(node.value), where)

    def _check(self, node: yaml.Node, where: str, parents: tuple[int, ...]) -> None:
        self._count += 1
        if id(node) in parents:
            raise UserError(f"{where}: expected an end, got an alias of the node that contains it")
        if len(parents) > DEEPEST:
            raise UserError(f"{where}: expected at most {DEEPEST} levels, got more")
        if self._count > MOST_NODES:
            raise UserError(f"{where}: expected at most {MOST_NODES:,} values, got more")

    def _mapping(self, node: yaml.MappingNode, parents: tuple[int, ...]) -> Children:
        children: Children = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            where = f"{self._name}:{line}"
            if not isinstance(key, yaml.ScalarNode):
                raise UserError(f"{where}: expected a name as key, got a {key.id}")
            if key.value in children:
                raise UserError(f"{where}: {key.value}: expected every key once, got it twice")
            children[str(key.value)] = self.node(value, line, parents)
        return children


def _unplaced(node: Node, where: str) -> Node:
    """The tree with one place for all its nodes."""
    match node.value:
        case dict(mapping):
            return Node({key: _unplaced(child, where) for key, child in mapping.items()}, where)
        case list(items):
            return Node([_unplaced(child, where) for child in items], where)
    return Node(node.value, where)
