"""The page itself: knobs, pictures and words as Bokeh models, for the server and for one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    ColumnDataSource,
    CustomJS,
    Div,
    LayoutDOM,
    LegendItem,
    Model,
    Slider,
    TextInput,
    Whisker,
)
from bokeh.plotting import figure

from sim.explore.knobs import Knob, Position
from sim.explore.views import MOST_CYCLES, View
from sim.report.bokeh import hover, inside, legend, plot
from sim.report.colors import GREY, MEANING

TALL: Final = 280
TRADEOFF: Final = "What memory buys"
CURVES: Final[dict[str, dict[str, Any]]] = {
    "RSS": {"line_width": 1.5},
    "goal": {"line_width": 1.5},
    "trigger": {"line_dash": "dashed"},
    "heap": {"line_width": 1.5},
    "live": {"line_width": 1.5},
    "GOMEMLIMIT": {"line_dash": "dotted", "line_width": 2},
    "container": {"line_width": 2},
}
STEPPED: Final = ("goal", "trigger", "live", "RSS")
KINDS: Final = {
    "assist": ("assists", "assist"),
    "background": ("dedicated + fractional", "dedicated"),
    "idle": ("idle mark workers", "idle mark worker"),
}
MARKED: Final = {
    "today": ("diamond", GREY, 16),
    "recommended": ("star", MEANING["live"], 18),
    "this": ("circle", MEANING["heap"], 14),
}
"""Points of the trade-off that have a name: mark, colour and size."""
COLUMNS: Final = {
    **dict.fromkeys(CURVES, ("x", "y")),
    "marking": ("left", "right"),
    "size": ("x",),
    "costs": ("name", *KINDS),
    **dict.fromkeys(("tried", "front", *MARKED), ("x", "y", "low", "high", "setting")),
}
"""By source, its columns."""
TEXTS: Final = ("verdict", "figures", "variables", "message")


class Page:
    """The models of one page. `show` puts a view on it."""

    def __init__(self, knobs: Mapping[str, Knob], position: Position) -> None:
        self.sources = {
            name: ColumnDataSource({column: [] for column in columns}, name=name)
            for name, columns in COLUMNS.items()
        }
        self.texts = {name: Div(text="", name=name, stylesheets=[inside()]) for name in TEXTS}
        self.knobs = knobs
        self.sliders = {name: _slider(name, knob, position) for name, knob in knobs.items()}
        self.fields = {name: _field(name, knob, position) for name, knob in knobs.items()}
        self.figures = [
            _heap(self.sources),
            _costs(self.sources["costs"]),
            _tradeoff(self.sources),
        ]

    @property
    def named(self) -> list[LegendItem]:
        """What legends name that need not be there, such as a limit: without it, no name."""
        names = {*CURVES, *MARKED, "this setting", "Pareto front"}
        legends = [found.legend[0] for found in self.figures]
        return [item for one in legends for item in one.items if item.label.value in names]

    def show(self, view: View) -> None:
        """Put columns and texts where they belong; what the view leaves out stays."""
        for name, columns in view.columns.items():
            self.sources[name].data = columns
        if "costs" in view.columns:
            costs = self.figures[1]
            costs.y_range.factors = list(reversed(view.columns["costs"]["name"]))
        for name, text in view.texts.items():
            self.texts[name].text = text
        for item in self.named:
            item.visible = any(len(mark.data_source.data["x"]) > 0 for mark in item.renderers)

    def busy(self, told: str) -> None:
        """Say in the trade-off how far it is worked out; nothing where it is."""
        self.figures[2].title.text = f"{TRADEOFF}\n{told}" if told else TRADEOFF

    def roots(self) -> dict[str, Model]:
        """The parts by the names under which the template places them."""
        for text in self.texts.values():
            text.sizing_mode = "stretch_width"
        controls = [
            row(self.sliders[name], self.fields[name], sizing_mode="stretch_width")
            for name in self.knobs
        ]
        heap, costs, tradeoff = self.figures
        copied = column(self.texts["variables"], _copy(self.texts["variables"]))
        parts: dict[str, LayoutDOM] = {
            "controls": column(*controls, sizing_mode="stretch_width"),
            **{name: self.texts[name] for name in ("verdict", "figures", "message")},
            "copied": copied,
            "heap_plot": heap,
            "costs_plot": costs,
            "tradeoff_plot": tradeoff,
        }
        for name, part in parts.items():
            part.name = name
        return dict(parts)


def _slider(name: str, knob: Knob, position: Position) -> Slider:
    return Slider(
        start=0,
        end=len(knob.values) - 1,
        step=1,
        value=knob.nearest(getattr(position, name)),
        title=knob.title,
        show_value=False,
        sizing_mode="stretch_width",
        name=f"{name}-slider",
        stylesheets=[inside()],
    )


def _field(name: str, knob: Knob, position: Position) -> TextInput:
    value = knob.name(getattr(position, name))
    return TextInput(value=value, width=90, name=f"{name}-field", stylesheets=[inside()])


def _copy(text: Div) -> Button:
    button = Button(label="Copy", width=70, name="copy", stylesheets=[inside()])
    code = "navigator.clipboard.writeText(text.text.replace(/<[^>]*>/g, ``))"
    button.js_on_event("button_click", CustomJS(args={"text": text}, code=code))
    return button


def _heap(sources: Mapping[str, ColumnDataSource]) -> figure:
    made = plot(
        "Heap over time (one run)", f"time [s], at most {MOST_CYCLES} cycles", "MiB", height=TALL
    )
    made.y_range.start = 0
    made.vstrip(
        x0="left",
        x1="right",
        source=sources["marking"],
        color=GREY,
        alpha=0.15,
        legend_label="marking",
    )
    for name, options in CURVES.items():
        draw = made.step if name in STEPPED else made.line
        more: dict[str, Any] = {"mode": "after"} if name in STEPPED else {}
        curve = draw(
            "x",
            "y",
            source=sources[name],
            color=MEANING[name],
            legend_label=name,
            **options,
            **more,
        )
        hover(made, [(name, "@y{0.0} MiB at @x{0.000} s")], [curve])
    legend(made)
    return made


def _costs(source: ColumnDataSource) -> figure:
    made = plot("GC CPU by kind", "% of the Ps", "", y_range=["today"], height=110)
    made.x_range.start = 0
    bars = made.hbar_stack(
        list(KINDS),
        y="name",
        height=0.7,
        source=source,
        color=[MEANING[meaning] for _, meaning in KINDS.values()],
        legend_label=[title for title, _ in KINDS.values()],
    )
    for kind, bar in zip(KINDS, bars, strict=True):
        hover(made, [(KINDS[kind][0], f"@{kind}{{0.00}} % of the Ps")], [bar])
    made.ygrid.visible = False
    legend(made)
    return made


def _tradeoff(sources: Mapping[str, ColumnDataSource]) -> figure:
    made = plot(TRADEOFF, "peak RSS [MiB]", "GC CPU [% of the Ps]", height=TALL)
    made.x_range.start = made.y_range.start = 0
    made.line("x", "y", source=sources["front"], color=GREY, legend_label="Pareto front")
    made.vspan(
        x="x",
        source=sources["size"],
        color=MEANING["container"],
        line_width=2,
        legend_label="container",
    )
    drawn = [made.scatter("x", "y", source=sources["tried"], color=GREY, size=6, alpha=0.6)]
    for name, (marker, color, size) in MARKED.items():
        drawn.append(
            made.scatter(
                "x",
                "y",
                source=sources[name],
                marker=marker,
                size=size,
                line_color=color,
                fill_color=color,
                fill_alpha=0.3 if name == "this" else 1.0,
                line_width=2,
                legend_label="this setting" if name == "this" else name,
            )
        )
    bounds = Whisker(
        base="y",
        lower="low",
        upper="high",
        source=sources["this"],
        dimension="width",
        line_color=MEANING["heap"],
    )
    bounds.upper_head.line_color = bounds.lower_head.line_color = MEANING["heap"]
    made.add_layout(bounds)
    told = [("", "@setting"), ("peak RSS", "@x{0} MiB"), ("GC CPU", "@y{0.0} %")]
    hover(made, told, drawn)
    legend(made)
    return made
