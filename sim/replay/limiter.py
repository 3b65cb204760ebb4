"""The GC CPU limiter in a fluid run: it sees the time of a run in steps."""

from __future__ import annotations

from sim.go.limiter import GCCPULimiter


class TimedLimiter:
    """Go's limiter with a clock of its own; times are ns."""

    def __init__(self, procs: int) -> None:
        self._procs = procs
        self._limiter = GCCPULimiter(procs)
        self._now = 0.0
        self.limited = 0.0
        """Time of marking in which nobody had to assist."""

    @property
    def limiting(self) -> bool:
        """Nobody assists now."""
        return self._limiter.limiting

    def between_cycles(self, time: float, idle_cpus: float) -> None:
        """Time without marking, on average so many Ps idle."""
        self._limiter.add_idle_time(int(time * idle_cpus))
        self._pass(time)
        self._limiter.update(int(self._now))

    def start_mark(self, pause: float) -> None:
        """The pause before marking."""
        self._transition(pause, enable_gc=True)

    def end_mark(self, pause: float) -> None:
        """The pause after marking."""
        self._transition(pause, enable_gc=False)

    def mark(self, time: float, assist: float, idle: float) -> None:
        """Marking went on for `time`; CPU-ns of assists, and of idle workers or idle Ps."""
        self.limited += time if self._limiter.limiting else 0.0
        self._limiter.add_assist_time(int(assist))
        self._limiter.add_idle_time(int(idle))
        self._pass(time)
        if self._limiter.need_update(int(self._now)):
            self._limiter.update(int(self._now))

    def _transition(self, pause: float, *, enable_gc: bool) -> None:
        self._limiter.start_gc_transition(enable_gc, int(self._now))
        self._pass(pause)
        self._limiter.finish_gc_transition(int(self._now))

    def _pass(self, time: float) -> None:
        self._now += time
