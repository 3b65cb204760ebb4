"""Machine profiles: every cost with its meaning, and what the shipped profiles say."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from generate.markdown import code, table
from sim.config.docs import describe, field_docs
from sim.config.machine import load_profile, shipped
from sim.machine.profile import SECTIONS, MachineProfile


def machines() -> str:
    """A section a group of costs, a column a shipped profile."""
    names = [*shipped()]
    profiles = [load_profile(name) for name in names]
    parts = [
        "# Machine profiles",
        "`machine: NAME` in a config takes a shipped profile, `machine: my.yaml` one that `gomemsim"
        " calibrate` wrote on your machine. All costs are CPU ns of one core unless the name says"
        " otherwise; [where they come from](../calibration.md). Spread and benchmark of each value"
        " are in the files.",
    ]
    for name, group in SECTIONS.items():
        parts += [f"## {name}", describe(group), _group(name, group, names, profiles)]
    return "\n\n".join(parts)


def _group(name: str, group: type[Any], names: list[str], profiles: list[MachineProfile]) -> str:
    docs = field_docs(group)
    rows = [
        [
            code(f"{name}.{field.name}"),
            docs.get(field.name, ""),
            *(_number(getattr(getattr(profile, name), field.name)) for profile in profiles),
        ]
        for field in fields(group)
    ]
    return table(["cost", "meaning", *names], rows)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float | int) else str(value)
