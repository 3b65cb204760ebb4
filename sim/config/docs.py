"""Descriptions of keys: the docstrings below the fields of a dataclass."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from types import MappingProxyType
from typing import Any, cast


def describe(cls: type[Any]) -> str:
    """The first paragraph of a class's docstring, on one line."""
    paragraph = (inspect.getdoc(cls) or "").partition("\n\n")[0]
    return " ".join(paragraph.split())


def field_docs(cls: type[Any]) -> Mapping[str, str]:
    """Field name -> docstring below it, for the fields that have one."""
    return _field_docs(cast("Any", cls))  # types are hashable, which mypy does not know


@cache
def _field_docs(cls: Any) -> Mapping[str, str]:
    tree = ast.parse(dedent(inspect.getsource(cls)))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef))
    docs = {}
    for item, below in pairwise(body):
        match item, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                value=ast.Constant(value=str(doc))
            ):
                docs[name] = " ".join(doc.split())
    return MappingProxyType(docs)
