"""Pages of the reference, made from the code: nothing in them is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from generate.commands import commands
from generate.documents import documents
from generate.errors import errors
from generate.keys import config, workload
from generate.machines import machines
from generate.policies import policies
from generate.python import python
from generate.tables import figures, tables

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "workload": workload,
    "config": config,
    "commands": commands,
    "documents": documents,
    "tables": tables,
    "figures": figures,
    "python": python,
    "policies": policies,
    "machines": machines,
    "errors": errors,
}
"""By name of the page."""


def write_reference(folder: Path) -> None:
    """Write every page whose text has changed, so that a build reads no others again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        path, text = folder / f"{name}.md", make() + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
