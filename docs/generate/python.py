"""The Python API: signatures and docstrings, which are Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import sim
import sim.testing
from sim.results.result import Result
from sim.results.summary import Summary


def python() -> str:
    """The functions of `sim`, what they return, and the kit for plug-ins."""
    parts = ["# Python", inspect.getdoc(sim) or "", "## Functions"]
    parts += [_function(f"sim.{name}", getattr(sim, name)) for name in sim.__all__]
    parts += ["## What a run returns"]
    parts += [_class("sim.results.Result", Result), _class("sim.results.Summary", Summary)]
    parts += ["## For authors of plug-ins", inspect.getdoc(sim.testing) or ""]
    parts += [
        _function(f"sim.testing.{name}", found)
        for name in sim.testing.__all__
        if inspect.isfunction(found := getattr(sim.testing, name))
    ]
    return "\n\n".join(parts)


def _function(name: str, function: Callable[..., Any]) -> str:
    return _directive("function", name + _signature(function), inspect.getdoc(function))


def _class(name: str, cls: type[Any]) -> str:
    members = [
        _member(member, found)
        for member, found in vars(cls).items()
        if not member.startswith("_") and inspect.getdoc(found)
    ]
    text = "\n\n".join([inspect.getdoc(cls) or "", *filter(None, members)])
    return _directive("class", name, text)


def _member(name: str, found: Any) -> str | None:
    if isinstance(found, property) or hasattr(found, "func"):
        return _directive("attribute", name, inspect.getdoc(found))
    if inspect.isfunction(found):
        return _directive("method", name + _signature(found), inspect.getdoc(found))
    return None


def _signature(function: Callable[..., Any]) -> str:
    """Parameters and defaults; types are left to the reader's editor."""
    found = inspect.signature(function)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in found.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    text = str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r"<[^>]*>", "...", text)


def _directive(kind: str, head: str, text: str | None) -> str:
    fence = ":" * (5 if kind == "class" else 4)
    return f"{fence}{{py:{kind}}} {head}\n{text or ''}\n{fence}"
