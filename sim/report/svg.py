"""Pictures as inline SVG, whose text and axes take the colour of the page around them."""

from __future__ import annotations

import io
import re
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from sim.report.panels import Panel
from sim.report.style import INK, text_as_it_is
from sim.results.result import Result

_INCHES: Final = (11.0, 3.6)


def picture(name: str, panel: Panel, run: Result) -> str:
    """One panel as an `svg` element; `name` keeps its ids apart from those of other pictures."""
    out = io.StringIO()
    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "gomemsim"}
    with text_as_it_is(), mpl.rc_context(settings):
        figure = Figure(figsize=_INCHES, layout="constrained")
        figure.patch.set_alpha(0)
        panel(figure.subplots(), run)
        figure.savefig(out, format="svg", metadata={"Date": None})
    drawn = out.getvalue()
    return _inline(drawn[drawn.index("<svg") :], name)


def _inline(svg: str, name: str) -> str:
    """Ids of its own, the ink of the page, and a width that follows the window."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace(INK, "currentColor")
