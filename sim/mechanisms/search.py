"""All schedules of a small program and the collector: does one lose an object?

Breadth first over the stages of the race, so the schedule that is found is among the shortest. All
steps go forward, so the stages form a graph without cycles, and the schedules can be counted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from sim.errors import UserError
from sim.mechanisms.barrier import WriteBarrier
from sim.mechanisms.code import Code
from sim.mechanisms.race import Move, Race, RacePhase
from sim.mechanisms.script import Scenario

MOST_STAGES: Final = 30_000
"""More take minutes: the program is too large to be searched."""


@dataclass(frozen=True)
class SearchResult:
    """What a search over all schedules says."""

    stages: int
    """Different stages of the race that were looked at."""
    schedules: int
    """Different orders of the steps up to the end of marking; 0 where the search ended early."""
    lost: tuple[str, ...]
    """Objects that are reachable and freed in the schedule found; none if no schedule loses one."""
    moves: tuple[Move, ...]
    """That schedule up to the end of marking, or one of them all where none loses an object."""
    doomed: int
    """Stages that break the weak invariant."""


def search(
    scenario: Scenario, code: Code, barrier: WriteBarrier, most: int = MOST_STAGES
) -> SearchResult:
    """Look at every schedule, or up to the first that loses an object.

    UserError if there are more than `most` stages.
    """
    start = Race(scenario, code, barrier)
    came: dict[object, tuple[object, Move] | None] = {start.key(): None}
    onward: dict[object, list[object]] = {}
    waiting = deque([start])
    ends, doomed = [], 0
    while waiting:
        race = waiting.popleft()
        key = race.key()
        onward[key] = []
        if race.phase is RacePhase.OVER:
            ends.append(key)
            if race.marking.lost():
                lost = tuple(race.names[ref] for ref in sorted(race.marking.lost()))
                return SearchResult(len(came), 0, lost, _path(came, key), doomed)
            continue
        doomed += race.phase is RacePhase.MARK and bool(race.marking.doomed())
        for move in race.moves():
            after = race.copy()
            after.do(move)
            reached = after.key()
            onward[key].append(reached)
            if reached not in came:
                came[reached] = (key, move)
                waiting.append(after)
        if len(came) > most:
            raise UserError(f"the search came to more than {most} stages: use a smaller program")
    return SearchResult(
        len(came), _schedules(onward, start.key()), (), _path(came, ends[-1]), doomed
    )


def _path(came: dict[object, tuple[object, Move] | None], key: object) -> tuple[Move, ...]:
    moves = []
    while (step := came[key]) is not None:
        key, move = step
        moves.append(move)
    return tuple(reversed(moves))


def _schedules(onward: dict[object, list[object]], start: object) -> int:
    """Paths from the start to stages without a way on."""
    counts: dict[object, int] = {}
    waiting = [start]
    while waiting:
        key = waiting[-1]
        missing = [after for after in onward[key] if after not in counts]
        if missing:
            waiting += missing
            continue
        counts[waiting.pop()] = sum(counts[after] for after in onward[key]) or 1
    return counts[start]
