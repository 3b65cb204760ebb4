"""Machine profiles from YAML, with the same care and the same sentences as configs.

A cost is written as a number, or as a mapping with its `value` and where it comes from.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import yaml

from sim.config.at import At
from sim.config.convert import convert, convert_mapping
from sim.config.tree import Node, read_yaml
from sim.errors import UserError, nearest
from sim.files import write
from sim.machine.profile import CLASSIC, SECTIONS, MachineProfile

PROVENANCE: Final = "provenance"
FAST: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""For files without mistakes: those of libyaml are told in other words."""


def shipped() -> dict[str, Path]:
    """The profiles that come with the package, by name."""
    folder = Path(str(files("sim.machine"))) / "profiles"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_profile(name: str) -> MachineProfile:
    """A profile by its shipped name or the path of a file; UserError says what is wrong where."""
    if name in shipped():
        return _shipped_profile(name)
    if not Path(name).is_file():
        raise UserError(f"there is no machine profile {name!r}{nearest(name, shipped())}")
    return _read(read_yaml(Path(name)), Path(name).stem)


def save_profile(profile: MachineProfile, path: Path) -> None:
    """Write a profile that `load_profile` can read; spreads and benchmarks are not kept."""
    sections = {section: getattr(profile, section) for section in (*SECTIONS, CLASSIC)}
    costs = {section: asdict(found) for section, found in sections.items() if found is not None}
    text = {PROVENANCE: profile.provenance, "costs": costs}
    write(path, yaml.safe_dump(text, sort_keys=False, allow_unicode=True))


@cache
def _shipped_profile(name: str) -> MachineProfile:
    return _read(read_yaml(shipped()[name], FAST), name)


def _read(tree: Node, name: str) -> MachineProfile:
    root = At(tree)
    parts = root.children("a mapping with the keys provenance and costs")
    for key, part in parts.items():
        if key not in (PROVENANCE, "costs"):
            raise part.unknown("key", key, (PROVENANCE, "costs"))
    root.require("costs", parts)
    costs = parts["costs"]
    plain = {key: replace(at.node, value=_costs(at)) for key, at in costs.children().items()}
    told = convert(parts[PROVENANCE], dict[str, str]) if PROVENANCE in parts else {}
    costs = replace(costs, node=replace(costs.node, value=plain))
    return convert_mapping(costs, MachineProfile, {"name": name, PROVENANCE: told})


def _costs(section: At) -> dict[str, Node]:
    """The costs of a section, without their provenance."""
    found = {}
    for name, cost in section.children("a mapping of costs").items():
        parts = cost.node.value
        found[name] = parts.get("value", cost.node) if isinstance(parts, dict) else cost.node
    return found
