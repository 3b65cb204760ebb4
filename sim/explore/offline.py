"""The page as one file that needs no server: a grid is predicted beforehand, sliders stop on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, Final

from bokeh.models import CustomJS

from sim.advice.prediction import Prediction
from sim.advice.scenario import Future
from sim.explore.grid import Grid
from sim.explore.knobs import KINDS, Position, knobs
from sim.explore.page import Page
from sim.explore.predictor import Predictor, Tried
from sim.explore.views import View, cost_view, message, series, tradeoff_view, words
from sim.replay.setting import Setting
from sim.report.bokeh import one_file

ELSEWHERE: Final = "This combination is not on the page: `gomemsim explore` predicts it."
_TURN = """
window.gomemsim ??= JSON.parse(document.getElementById("grid").textContent);
const key = sliders.map((slider) => slider.value).join(",");
sliders.forEach((slider, k) => { fields[k].value = labels[k][slider.value]; });
const {columns, texts: told, scenario} = window.gomemsim.views[key];
const shown = {...(scenario == null ? {} : window.gomemsim.scenarios[scenario]), ...columns};
for (const source of sources) if (source.name in shown) source.data = shown[source.name];
const drawn = (item) => item.renderers.some((mark) => mark.data_source.get_length());
for (const item of named) item.visible = drawn(item);
for (const text of texts) if (text.name in told) text.text = told[text.name];
"""
"""Put the view of the stops on the page, as Page.show does."""


def offline(
    predictor: Predictor,
    grid: Grid,
    about: Mapping[str, Any],
    progress: Callable[[float], None] | None = None,
) -> str:
    """The page as one HTML file. Every figure is the one that `whatif` gives for its setting."""
    positions = [
        Position(**dict(zip(grid.values, chosen, strict=True)))
        for chosen in product(*grid.values.values())
    ]
    scenarios = list(dict.fromkeys(position.scenario for position in positions))
    today, predicted = predictor.today(), {}
    for done, scenario in enumerate(scenarios, 1):
        for found in predictor.predict_all(grid.settings, scenario):
            predicted[found.setting, scenario] = found
        if progress is not None:
            progress(done / len(scenarios))
    page = Page(knobs(grid.values), grid.start)
    stops = {position: _key(page, position) for position in positions}
    views = {
        position: _view(
            predictor,
            position,
            today,
            predicted.get((position.setting, position.scenario)),
            grid.recommended,
        )
        for position in positions
    }
    others = {scenario: _others(scenario, predicted, grid, today) for scenario in scenarios}
    _turn_on(page)
    page.show(others[grid.start.scenario])
    page.show(views[grid.start])
    return one_file(
        page.roots(),
        page.figures,
        "explore.html",
        f"gomemsim: {about['name']}",
        grid=_json(views, stops, scenarios, others),
        **about,
    )


def _view(
    predictor: Predictor,
    position: Position,
    today: Prediction,
    prediction: Prediction | None,
    recommended: Prediction | None,
) -> View:
    if prediction is None:
        return View({}, {"message": message(ELSEWHERE)})
    fit = position.scenario.of(predictor.fit)
    found, overheads, _ = predictor.once(position)
    costs = cost_view(today, prediction, recommended)
    told = words(fit, today, prediction, position.container)
    return View({**series(found, overheads, position), **costs.columns}, {**told, "message": ""})


def _others(
    scenario: Future,
    predicted: Mapping[tuple[Setting, Future], Prediction],
    grid: Grid,
    today: Prediction,
) -> View:
    """The trade-off among the settings of the grid, in one future."""
    there = [found for (_, future), found in predicted.items() if future == scenario]
    return tradeoff_view(Tried(there, grid.recommended), today, grid.start.container)


def _key(page: Page, position: Position) -> str:
    stops = [knob.nearest(getattr(position, name)) for name, knob in page.knobs.items()]
    return ",".join(map(str, stops))


def _turn_on(page: Page) -> None:
    """Let every slider show the view of its stop; fields only tell the value."""
    sliders, fields = list(page.sliders.values()), list(page.fields.values())
    for field in fields:
        field.disabled = True
    labels = [[KINDS[name][2](value) for value in knob.values] for name, knob in page.knobs.items()]
    turn = CustomJS(
        args={
            "sliders": sliders,
            "fields": fields,
            "labels": labels,
            "sources": list(page.sources.values()),
            "texts": list(page.texts.values()),
            "named": page.named,
        },
        code=_TURN,
    )
    for slider in sliders:
        slider.js_on_change("value", turn)


def _json(
    views: Mapping[Position, View],
    stops: Mapping[Position, str],
    scenarios: Sequence[Future],
    others: Mapping[Future, View],
) -> str:
    """For a script element: nothing in it can end it."""
    document = {
        "views": {
            stops[position]: {
                **view._asdict(),
                "scenario": scenarios.index(position.scenario) if view.columns else None,
            }
            for position, view in views.items()
        },
        "scenarios": [others[scenario].columns for scenario in scenarios],
    }
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")
