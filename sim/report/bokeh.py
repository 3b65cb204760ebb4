"""Interactive pictures and pages on Bokeh: one look for the explorer, its files and the report.

A page is one HTML file with everything in it, or a document of Bokeh's server; both come from the
same template. Ink follows the browser's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from bokeh.embed import file_html
from bokeh.events import DocumentReady
from bokeh.models import CustomJS, HoverTool, InlineStyleSheet, Model
from bokeh.plotting import figure
from bokeh.resources import INLINE
from jinja2 import Environment, PackageLoader, Template

from sim.pages import style as shared

if TYPE_CHECKING:
    from bokeh.document import Document

TOOLS: Final = "xpan,box_zoom,reset,save"
HEIGHT: Final = 220
INK_LIGHT: Final = "#1d2330"
INK_DARK: Final = "#e4e7ee"

_FOLLOW = """
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const room = (f) => Math.min(f.inner_width || window.innerWidth, window.innerWidth) + 24;
const columns = (f, legend) => {
  const longest = Math.max(...legend.items.map((item) => (item.label.value ?? "").length));
  return Math.max(1, Math.floor(room(f) / (28 + 6 * longest)));
};
const inked = {
  Title: ["text_color"], Legend: ["label_text_color"], Grid: ["grid_line_color"],
  axis: ["axis_label_text_color", "major_label_text_color", "axis_line_color",
         "major_tick_line_color", "minor_tick_line_color"],
};
const follow = () => {
  const ink = inks[dark.matches ? 1 : 0];
  for (const f of figures) {
    for (const part of [f.title, ...f.left, ...f.right, ...f.above, ...f.below, ...f.center]) {
      const names = inked[part.type] ?? (part.type.endsWith("Axis") ? inked.axis : []);
      for (const name of names) part[name] = ink;
      if (part.type == "Legend") part.ncols = Math.min(columns(f, part), part.items.length);
    }
  }
};
follow();
dark.addEventListener("change", follow);
window.addEventListener("resize", () => setTimeout(follow, 300));
"""
"""What a picture cannot leave to CSS: it is a canvas."""


def plot(title: str, x: str, y: str, *, height: int = HEIGHT, **options: Any) -> figure:
    """An empty picture that is as wide as the page lets it; `height` is that inside the axes.

    Dragging scrolls the page on a phone, and so zooming is a tool to choose.
    """
    made = figure(
        title=title,
        x_axis_label=x,
        y_axis_label=y,
        frame_height=height,
        sizing_mode="stretch_width",
        tools=TOOLS,
        active_drag=None,
        toolbar_location="above",
        output_backend="canvas",
        background_fill_alpha=0,
        border_fill_alpha=0,
        outline_line_color=None,
        min_width=200,
        **options,
    )
    made.toolbar.logo = None
    made.grid.grid_line_alpha = 0.15
    made.title.text_font_size = "15px"
    made.axis.axis_label_text_font_style = "normal"
    made.axis.major_label_text_font_size = "12px"
    made.axis.axis_label_text_font_size = "13px"
    return made


def hover(made: figure, tooltips: Sequence[tuple[str, str]], renderers: Sequence[Any]) -> None:
    """Figures of what the pointer is on."""
    made.add_tools(HoverTool(tooltips=list(tooltips), renderers=list(renderers)))


def legend(made: figure) -> None:
    """What the colours are, below the picture so that it keeps its width; a click hides one."""
    if not made.legend:
        return
    found = made.legend[0]
    made.add_layout(found, "below")
    found.orientation = "horizontal"
    found.location = "center"
    found.ncols = "auto"
    found.click_policy = "hide"
    found.background_fill_alpha = 0
    found.border_line_color = None
    found.label_text_font_size = "12px"
    found.margin = 0
    found.padding = 2


def template(name: str) -> Template:
    """A template of a page, with the style of all pages."""
    environment = Environment(loader=PackageLoader("sim.report", "templates"), autoescape=True)
    return environment.get_template(name)


def inside() -> InlineStyleSheet:
    """The style inside of Bokeh's widgets, which that of the page does not reach."""
    return InlineStyleSheet(css=_read("widgets.css"))


def style() -> str:
    """The style sheet of all pages."""
    return shared() + _read("page.css")


def script() -> str:
    """What sorts the tables of a page: Bokeh's own tables cannot be read on a phone."""
    return _read("page.js")


def _read(name: str) -> str:
    return files("sim.report").joinpath("templates", name).read_text(encoding="utf-8")


def follow_browser(document: Document, figures: Sequence[figure]) -> None:
    """Let the ink of pictures follow the browser's theme, and their legends its width."""
    code = CustomJS(args={"figures": list(figures), "inks": [INK_LIGHT, INK_DARK]}, code=_FOLLOW)
    document.js_on_event(DocumentReady, code)


def one_file(
    roots: Mapping[str, Model], figures: Sequence[figure], page: str, title: str, **values: Any
) -> str:
    """A page as one HTML file that needs no network; `values` are for its template."""
    from bokeh.document import Document

    document = Document()
    for name, root in roots.items():
        root.name = name
        document.add_root(root)
    document.title = title
    follow_browser(document, figures)
    text: str = file_html(
        document,
        INLINE,
        title=title,
        template=template(page),
        template_variables={"css": style(), **values},
    )
    return text
