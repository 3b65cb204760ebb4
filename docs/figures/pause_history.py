"""The pauses of Go's versions on one program: table to standard output, plot to docs/images.

python docs/figures/pause_history.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

import sim

mpl.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parents[1]
ERAS = {
    "1.3: marks with the world stopped": ("none", "{fixed-trigger: 1.0}"),
    "1.5: concurrent, stacks scanned again": ("dijkstra", "go1.5"),
    "1.8: hybrid barrier": ("hybrid", "go1.5"),
    "1.17: two goals for the heap": ("hybrid", "go1.17"),
    "1.18: pacer with stacks and globals": ("hybrid", "go1.18"),
    "1.27": ("hybrid", "go1.27"),
}


def pauses_ms(barrier: str, pacer: str) -> np.ndarray:
    """All pauses of a run under the policies of an era, in ms."""
    config = sim.read_config(
        DOCS.parent / "configs/pause-history.yaml",
        [f"gc.barrier={barrier}", f"gc.pacer={pacer}"],
    )
    return sim.run(config).pauses["total_ns"].to_numpy() / 1e6


def main() -> None:
    """Simulate every era."""
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    print("| Go | pauses | median ms | p99 ms | longest ms |\n|---|---|---|---|---|")
    for row, (era, policies) in enumerate(ERAS.items()):
        pauses = pauses_ms(*policies)
        median, p99 = np.quantile(pauses, [0.5, 0.99])
        print(f"| {era} | {len(pauses)} | {median:.3f} | {p99:.3f} | {pauses.max():.3f} |")
        spread = np.linspace(-0.25, 0.25, len(pauses))
        axes.plot(pauses, row + spread, ".", alpha=0.6)
    axes.set(xscale="log", xlabel="pause in ms", yticks=range(len(ERAS)), yticklabels=list(ERAS))
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    (DOCS / "images").mkdir(exist_ok=True)
    figure.savefig(DOCS / "images/pause_history.png", dpi=150)


if __name__ == "__main__":
    main()
