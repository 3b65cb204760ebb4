"""Pacers side by side: a table for a machine that is full, and one for a machine with spare CPU.

python docs/figures/pacers.py
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import sim

CONFIGS = Path(__file__).parents[2] / "configs"
PACERS = ("go1.5", "go1.17", "go1.18", "go1.27", "fixed-trigger")
DURATION = "3s"


def row(config: str, pacer: str, duration: str) -> dict[str, float]:
    """What a pacer makes of a config, once it has settled; shares are of the CPUs while marking."""
    sets = [f"gc.pacer={pacer}", f"duration={duration}"]
    result = sim.run(sim.read_config(CONFIGS / config, sets))
    cycles = result.cycles.iloc[len(result.cycles) // 3 :]
    cpu = (cycles["mark_term_ns"] - cycles["mark_ns"]).mul(cycles["procs"]).sum() / 100
    end = cycles["heap_end"] / cycles["heap_goal"]
    latency = result.requests["end_ns"] - result.requests["arrival_ns"]
    return {
        "cycles": len(result.cycles),
        "trigger / goal": (cycles["heap_start"] / cycles["heap_goal"]).median(),
        "end / goal": end.median(),
        "worst": end.max(),
        "workers %": (cycles["dedicated_ns"] + cycles["fractional_ns"]).sum() / cpu,
        "assists %": cycles["assist_ns"].sum() / cpu,
        "idle %": cycles["idle_ns"].sum() / cpu,
        "peak heap MiB": cycles["heap_end"].max() / (1 << 20),
        "p99 ms": latency.quantile(0.99) / 1e6,
    }


def table(config: str, pacers: tuple[str, ...] = PACERS, duration: str = DURATION) -> pd.DataFrame:
    """A row for every pacer."""
    return pd.DataFrame({pacer: row(config, pacer, duration) for pacer in pacers}).T


def main() -> None:
    """Print both tables as Markdown."""
    formats = ["", ".0f", ".2f", ".2f", ".2f", ".0f", ".0f", ".0f", ".0f", ".1f"]
    for config in ("garbage64.yaml", "quickstart.yaml"):
        print(f"\n`configs/{config}`:\n")
        print(table(config).to_markdown(floatfmt=formats))


if __name__ == "__main__":
    main()
