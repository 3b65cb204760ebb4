"""The page that answers: every move of a knob redraws it from a new replay of the log."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from sim.advice.prediction import Prediction
from sim.advice.scenario import Future as Scenario
from sim.errors import UserError
from sim.explore.knobs import Position, all_values, knobs
from sim.explore.page import Page
from sim.explore.predictor import Predictor, Tried
from sim.explore.views import Columns, View, cost_view, message, series, tradeoff_view, words
from sim.report.bokeh import follow_browser, style, template
from sim.units import Bytes

if TYPE_CHECKING:
    from bokeh.document import Document

SETTLED: Final = 120
"""ms without a move after which intervals are worth their time."""
NOT_BEGUN: Final = -1.0
"""Is done of a trade-off before a process has taken it up."""
OFTEN: Final = 500
"""ms between two looks at how far the trade-off is."""

Answer = TypeVar("Answer")


class PagePool(NamedTuple):
    """Processes that compute while the page answers."""

    pool: ProcessPoolExecutor
    done: Any
    """What part of the trade-off is worked out: a number that they share."""


Settled: TypeAlias = tuple[dict[str, Columns], Prediction]


_SHARED: Final[dict[str, Any]] = {}
"""Of a process of the pool: what it has in common with the page, set when it begins."""


def share_progress(done: Any) -> None:
    """Begin a process of the pool; `done` is a number that all processes share."""
    _SHARED["done"] = done


def _tried(predictor: Predictor, procs: int, scenario: Scenario, container: Bytes | None) -> Tried:
    def note(fraction: float) -> None:
        _SHARED["done"].value = fraction

    note(0.0)
    return predictor.tried(procs, scenario, container, note)


def _settled(predictor: Predictor, position: Position) -> Settled:
    """What takes its time: the whole run as columns, and what `whatif` says."""
    found, overheads, _ = predictor.once(position)
    return series(found, overheads, position), predictor.predict(position)


class Live:
    """One visitor of the page."""

    def __init__(
        self,
        document: Document,
        predictor: Predictor,
        today: Prediction,
        position: Position,
        workers: PagePool,
    ) -> None:
        self._document, self._predictor, self._workers = document, predictor, workers
        self._today, self._position = today, position
        self._tried = Tried([], None)
        self._shown = today
        self._redrawing = self._moving = False
        self._waiting: Any = None
        self._trying: Future[Tried] | None = None
        self._began = math.nan
        self.page = Page(knobs(all_values(predictor.fit, position.container)), position)
        for name in self.page.knobs:
            self.page.sliders[name].on_change("value", partial(self._slid, name))
            self.page.fields[name].on_change("value", partial(self._typed, name))
        self.page.show(tradeoff_view(self._tried, today, position.container))
        self._try_others()
        self._redraw()

    def _slid(self, name: str, _attribute: str, _old: float, stop: float) -> None:
        if not self._moving:
            knob = self.page.knobs[name]
            value = knob.values[round(stop)]
            self._set(name, value)
            self._without_echo(lambda: setattr(self.page.fields[name], "value", knob.name(value)))

    def _typed(self, name: str, _attribute: str, _old: str, text: str) -> None:
        if self._moving:
            return
        knob = self.page.knobs[name]
        try:
            value = knob.parse(text.strip())
            stop = knob.nearest(value)
        except (UserError, ValueError) as error:
            self.page.show(View({}, {"message": message(str(error))}))
            return
        self._set(name, value)
        self._without_echo(lambda: setattr(self.page.sliders[name], "value", stop))

    def _without_echo(self, change: Callable[[], None]) -> None:
        """Change a widget without taking that for a move of the visitor."""
        self._moving = True
        change()
        self._moving = False

    def _set(self, name: str, value: Any) -> None:
        before, self._position = self._position, self._position._replace(**{name: value})
        if before == self._position:
            return
        if name in {"procs", "traffic", "growth", "container"}:
            self._try_others()
        if not self._redrawing:  # many moves, one picture
            self._redrawing = True
            self._document.add_next_tick_callback(self._redraw)

    def _redraw(self) -> None:
        """At once, from one run or its beginning; the rest follows when the knobs rest."""
        self._redrawing, position = False, self._position
        found, overheads, prediction = self._predictor.at_once(position)
        fit = position.scenario.of(self._predictor.fit)
        told = words(fit, self._today, prediction, position.container, with_bounds=False)
        self.page.show(View(series(found, overheads, position), {**told, "message": ""}))
        self._show_costs(prediction)
        if self._waiting is not None:
            self._document.remove_timeout_callback(self._waiting)
        self._waiting = self._document.add_timeout_callback(self._ask, SETTLED)

    def _ask(self) -> None:
        self._waiting = None
        position = self._position
        settled = self._workers.pool.submit(_settled, self._predictor, position)
        self._later(settled, self._answer, position)

    def _answer(self, settled: Settled, position: Position) -> None:
        if position == self._position:
            columns, prediction = settled
            fit = position.scenario.of(self._predictor.fit)
            told = words(fit, self._today, prediction, position.container)
            self.page.show(View(columns, told))
            self._show_costs(prediction)

    def _show_costs(self, prediction: Prediction) -> None:
        self._shown = prediction
        self.page.show(cost_view(self._today, prediction, self._tried.recommended))

    def _try_others(self) -> None:
        position = self._position
        asked = (position.procs, position.scenario, position.container)
        if self._trying is None:
            self._looking = self._document.add_periodic_callback(self._tell_progress, OFTEN)
        else:
            self._trying.cancel()  # unless it has begun
        self._began, self._workers.done.value = math.nan, NOT_BEGUN
        self._tell_progress()
        self._trying = self._workers.pool.submit(_tried, self._predictor, *asked)
        self._later(self._trying, self._others, asked)

    def _tell_progress(self) -> None:
        """How far the trade-off is, and what is left of it."""
        done, now = self._workers.done.value, time.monotonic()
        if done != NOT_BEGUN and math.isnan(self._began):
            self._began = now
        left = (now - self._began) / done * (1 - done) if done > 0 else math.nan
        told = f", {left:.0f} s left" if left > 0 else ""
        self.page.busy(f"{max(done, 0.0):.0%} worked out{told}")

    def _others(self, tried: Tried, asked: tuple[Any, ...]) -> None:
        position = self._position
        if asked == (position.procs, position.scenario, position.container):
            self._tried, self._trying = tried, None
            self._document.remove_periodic_callback(self._looking)
            self.page.busy("")
            self.page.show(tradeoff_view(tried, self._today, position.container))
            self._show_costs(self._shown)

    def _later(
        self, future: Future[Answer], then: Callable[[Answer, Any], None], asked: Any
    ) -> None:
        """Take an answer into the page when it comes, in the thread of the page."""

        def done(finished: Future[Answer]) -> None:
            if finished.cancelled() or isinstance(finished.exception(), BrokenProcessPool):
                return  # another one is asked for, or the command ends
            if self._document.session_context is not None:
                answer = finished.result()
                self._document.add_next_tick_callback(lambda: then(answer, asked))

        future.add_done_callback(done)


def application(
    predictor: Predictor,
    today: Prediction,
    position: Position,
    workers: PagePool,
    about: dict[str, Any],
) -> Callable[[Document], None]:
    """What Bokeh's server calls for every visitor; `about` is for the template."""

    def visit(document: Document) -> None:
        live = Live(document, predictor, today, position, workers)
        for root in live.page.roots().values():
            document.add_root(root)
        follow_browser(document, live.page.figures)
        document.title = f"gomemsim: {about['name']}"
        document.template = template("explore.html")
        document.template_variables.update(css=style(), **about)

    return visit
