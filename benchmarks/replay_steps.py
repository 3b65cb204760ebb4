"""What fewer steps of the replay change in predictions, beside what another seed changes.

    python benchmarks/replay_steps.py LOG [STEPS,PIECES ...]

Fits the log and predicts GOGC=50 and off, without a limit and with 160 MiB. For the finest replay,
under two seeds, and for each pair of `STEPS` (sim/replay/mark_phase.py) and `MOST_PIECES`
(sim/replay/demand.py): root mean square difference from the finest one's mean, over settings and
both ends of the intervals, in percent, and CPU seconds. For the package without its compiled core.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from sim.advice.prediction import predict
from sim.advice.settings import grid
from sim.fitting.fit_log import fit_log
from sim.replay import demand, mark_phase

FIGURES = ("gc_cycles", "peak_heap_bytes", "gc_cpu_seconds", "assist_cpu_seconds")
FINEST = (20, 40)


def figures(log: Path, seed: int, steps: int, pieces: int) -> tuple[np.ndarray, float]:
    """Predicted figures, a row for each setting and end, and CPU seconds."""
    vars(mark_phase)["STEPS"], vars(demand)["MOST_PIECES"] = steps, pieces
    begun = time.process_time()
    fit = fit_log(log)
    settings = grid("50,off", "none,160MiB", str(fit.program.procs))
    predictions = predict(fit, settings, seed)
    rows = [
        [getattr(end, name) for name in FIGURES]
        for one in predictions
        for end in (one.middle, one.low, one.high)
    ]
    return np.array(rows), time.process_time() - begun


def main(log: str, *tried: str) -> None:
    """Measure and print."""
    (first, took), (second, _) = (figures(Path(log), seed, *FINEST) for seed in (1, 2))
    mean = (first + second) / 2
    least = 1e-6 * mean.max(axis=0)
    print("| steps | pieces | " + " | ".join(FIGURES) + " | CPU s |")
    print("|---|---|" + "--:|" * (len(FIGURES) + 1))

    def show(steps: object, pieces: object, found: np.ndarray, seconds: float) -> None:
        off = np.sqrt((((found - mean) / np.maximum(mean, least)) ** 2).mean(axis=0))
        print(f"| {steps} | {pieces} |", " | ".join(f"{100 * o:.1f}" for o in off), end="")
        print(f" | {seconds:.2f} |", flush=True)

    show(f"{FINEST[0]}, another seed", FINEST[1], second, took)
    for pair in tried or ("10,40", "5,40", "5,20", "3,10"):
        steps, pieces = (int(number) for number in pair.split(","))
        show(steps, pieces, *figures(Path(log), 1, steps, pieces))


if __name__ == "__main__":
    main(*sys.argv[1:])
