"""The example configs, workloads and logs that come with gomemsim, by name.

Their sources are the folders `configs`, `workloads` and `data/logs` of the repository; an installed
package has them beside this file (`[tool.hatch.build.targets.wheel]` in pyproject.toml).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from sim.errors import UserError, nearest

Kind: TypeAlias = Literal["configs", "workloads", "logs"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parents[1]
_SOURCES: Final = {
    "configs": _ROOT / "configs",
    "workloads": _ROOT / "workloads",
    "logs": _ROOT / "data" / "logs",
}


def examples(kind: Kind) -> dict[str, Path]:
    """Name -> file of all examples of a kind, in the order of their names."""
    inside = _HERE / kind
    folder = inside if inside.is_dir() else _SOURCES[kind]
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".gctrace"))
    return {path.stem: path for path in files}


def find(name: str) -> Path | None:
    """The config of this name, or else the workload; None where there is neither."""
    return {**examples("workloads"), **examples("configs")}.get(name)


def named(name: str) -> Path:
    """The config of this name, or else the workload; UserError with the nearest name."""
    path = find(name)
    if path is None:
        known = {*examples("configs"), *examples("workloads")}
        raise UserError(f"there is no file and no example {name!r}{nearest(name, known)}")
    return path


def about(path: Path) -> str:
    """What an example is, in a line: its description, or the first sentence of its comment."""
    text = path.read_text(encoding="utf-8")
    described = re.search(r"^description: (.+)$", text, re.MULTILINE)
    if described:
        return described[1]
    comment = " ".join(re.findall(r"^# (?!yaml-language-server)(.+)$", text, re.MULTILINE))
    return re.split(r"(?<=[.?]) ", comment)[0]
