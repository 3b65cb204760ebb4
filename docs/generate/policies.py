"""What can be named in YAML: every policy with its parameters."""

from __future__ import annotations

from itertools import groupby

from generate.keys import parameters
from generate.markdown import code
from sim.config import catalogue

WHERE = {
    "arrivals": "`load.NAME.arrivals` of a workload: when requests come.",
    "barrier": "`gc.barrier` of a config: what a pointer write does while marking.",
    "distribution": "sizes and durations of a workload.",
    "marker": "`gc.marker` of a config: in which order and at what cost objects are marked.",
    "pacer": "`gc.pacer` of a config: when to start a cycle and how hard to assist.",
}


def policies() -> str:
    """A section a kind, a part a policy."""
    parts = [
        "# Policies",
        "Each is named by its key, with its parameters as a mapping, or by the bare name where all"
        " have defaults: `pacer: go1.18`, `pacer: {fixed-trigger: {part: 0.7}}`. Your own stand"
        " beside them: [plug-ins](../plugins.md).",
    ]
    for kind, entries in groupby(catalogue(), key=lambda entry: entry.kind):
        parts += [f"## {kind}", f"Stands behind {WHERE[kind]}"]
        for entry in entries:
            parts += [f"### {code(entry.name)}", entry.about, *parameters(kind, entry.name)]
    return "\n\n".join(parts)
