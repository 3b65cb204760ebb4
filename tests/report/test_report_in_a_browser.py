"""The page in Chromium: it fetches nothing, sorts, and is legible at both sizes and themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.config import load
from sim.report.page import page
from sim.results import Result, Results
from sim.simulation import simulate
from tests.chromium import asked_for, complaints, look

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(run: Result, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of three runs."""
    folder, runs = tmp_path_factory.mktemp("runs"), {run.name: run}
    for gogc in (25, 50):
        config = load(ROOT / "configs" / "hbsteady.yaml", ["duration=60ms", f"GOGC={gogc}"])
        found = simulate(config, out=folder / f"gogc{gogc}")
        runs[found.name] = found
    file = folder / "report.html"
    file.write_text(page(Results(runs)), encoding="utf-8")
    return file.as_uri()


def column(browser: Any, name: str) -> list[str]:
    """What stands below a head of the table of runs, as shown."""
    (table,) = [
        table
        for table in browser.find_elements("css selector", "table.sortable")
        if table.find_elements("css selector", "th")[0].text.startswith("run")
    ]
    heads = [head.text.split("\n")[0] for head in table.find_elements("css selector", "th")]
    at = heads.index(name) + 1
    return [cell.text for cell in table.find_elements("css selector", f"td:nth-child({at})")]


def test_nothing_is_fetched_and_nothing_goes_wrong(browser: Any, address: str) -> None:
    look(browser, address)
    assert set(asked_for(browser)) == {address}
    assert complaints(browser) == []


def test_a_click_sorts_by_number_and_another_turns_the_order(browser: Any, address: str) -> None:
    look(browser, address)
    for descending in (False, True):
        browser.execute_script("""
          [...document.querySelectorAll("table.sortable th button")]
            .find((button) => button.textContent == "GC cycles").click();
        """)
        shown = [int(cell) for cell in column(browser, "GC cycles")]
        assert shown == sorted(shown, reverse=descending)
        assert len(set(shown)) == 3


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_fit_the_window_and_are_legible_in_its_theme(
    theme: str, width: int, browser: Any, address: str
) -> None:
    look(browser, address, width=width, theme=theme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    script = """
      const axes = Bokeh.documents[0].roots().flatMap((root) => [...root.below, ...root.left])
        .filter((part) => part.type.endsWith("Axis"));
      return [getComputedStyle(document.body).backgroundColor,
              [...new Set(axes.map((axis) => axis.major_label_text_color))],
              Bokeh.documents[0].roots().map((root) => root.inner_width)];
    """
    paper, inks, widths = browser.execute_script(script)
    assert brightness(paper) > 200 if theme == "light" else brightness(paper) < 50
    assert all(abs(brightness(ink) - brightness(paper)) > 90 for ink in inks)
    assert min(widths) > 150


def brightness(color: str) -> float:
    parts = (
        [int(color[k : k + 2], 16) for k in (1, 3, 5)]
        if color[0] == "#"
        else [int(part) for part in color.strip("rgba()").split(",")[:3]]
    )
    return 0.3 * parts[0] + 0.6 * parts[1] + 0.1 * parts[2]
