"""The curve of waiting for locks over GOMAXPROCS."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import pandas as pd
from matplotlib.figure import Figure

MOST: Final = 5
"""Locks that are drawn, the ones most waited for."""


def curve(rows: pd.DataFrame, suffix: str) -> bytes:
    """Share of all CPU time that waits take, by lock: a picture in the format of the suffix."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    worst = rows[rows["lock"] != "all"].groupby("lock")["wait_ns"].sum().nlargest(MOST - 1)
    for mode, of_mode in rows.groupby("refills", sort=False):
        for lock in ("all", *worst.index):
            mine = of_mode[of_mode["lock"] == lock]
            procs = mine["setting"].str.removeprefix("GOMAXPROCS=").astype(int)
            style = "-" if mode == "batches" else "--"
            axes.plot(procs, 100 * mine["cpu_share"], style, marker="o", label=f"{lock} ({mode})")
    axes.set_xscale("log", base=2)
    axes.set_xlabel("GOMAXPROCS")
    axes.set_ylabel("waiting for locks, % of all CPU time")
    axes.legend(fontsize="small")
    drawn = BytesIO()
    about = {"Date": None} if suffix == ".svg" else None
    figure.savefig(drawn, format=suffix.lstrip("."), metadata=about)
    return drawn.getvalue()
