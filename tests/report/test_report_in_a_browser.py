"""The page in Chromium: it fetches nothing, sorts, tells figures on hover, and is legible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.config import load
from sim.report.page import page
from sim.results import Result, Results
from sim.simulation import simulate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(run: Result, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of three runs."""
    folder, runs = tmp_path_factory.mktemp("runs"), {run.name: run}
    for gogc in (50, 400):
        config = load(ROOT / "configs" / "hbsteady.yaml", ["duration=60ms", f"GOGC={gogc}"])
        found = simulate(config, out=folder / f"gogc{gogc}")
        runs[found.name] = found
    file = folder / "report.html"
    file.write_text(page(Results(runs)), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def opened(browser: Any, address: str) -> Any:
    """The browser, with the page just loaded and nothing told of what was before."""
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(address)
    return browser


def column(browser: Any, name: str) -> list[str]:
    """What stands below a head of the last table that sorts, as shown."""
    table = browser.find_elements("css selector", "table.sortable")[-1]
    heads = [head.text for head in table.find_elements("css selector", "th")]
    at = heads.index(name) + 1
    return [cell.text for cell in table.find_elements("css selector", f"td:nth-child({at})")]


def test_nothing_is_fetched_and_nothing_goes_wrong(opened: Any, address: str) -> None:
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert set(asked) == {address}
    assert opened.get_log("browser") == []


def test_a_click_sorts_by_number_and_another_turns_the_order(opened: Any) -> None:
    (head,) = [
        button
        for button in opened.find_elements("css selector", "table.sortable th button")
        if button.text == "gc_cycles"
    ]
    for descending in (False, True):
        head.click()
        shown = [int(text) for text in column(opened, "gc_cycles")]
        assert shown == sorted(shown, reverse=descending)
        assert len(set(shown)) == 3


def test_a_point_tells_its_figures_while_the_pointer_is_on_it(opened: Any) -> None:
    from selenium.webdriver import ActionChains

    told = opened.find_element("css selector", ".hover")
    assert not told.is_displayed()
    dots = opened.find_elements("css selector", "svg.tradeoff circle")
    assert len(dots) == 3
    for dot in dots:
        ActionChains(opened).move_to_element(dot).perform()
        assert told.is_displayed()
        assert told.text == dot.get_attribute("aria-label")
        assert "gc_cpu" in told.text
    ActionChains(opened).move_to_element(opened.find_element("css selector", "h1")).perform()
    assert not told.is_displayed()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_legible_in_both_themes(theme: str, opened: Any) -> None:
    feature = {"name": "prefers-color-scheme", "value": theme}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    script = """
      const body = getComputedStyle(document.body);
      const texts = [...document.querySelectorAll("figure svg text")];
      return [body.backgroundColor, [...new Set(texts.map((t) => getComputedStyle(t).fill))]];
    """
    paper, inks = opened.execute_script(script)
    assert brightness(paper) > 200 if theme == "light" else brightness(paper) < 50
    assert all(abs(brightness(ink) - brightness(paper)) > 90 for ink in inks)


def test_nothing_sticks_out_of_the_window(opened: Any) -> None:
    wide = "return [document.documentElement.scrollWidth, window.innerWidth]"
    inside, window = opened.execute_script(wide)
    assert inside <= window
    sizes = "return [...document.querySelectorAll('figure svg')].map((s) => s.clientHeight)"
    assert min(opened.execute_script(sizes)) > 200
    cut = """
      const drawing = document.querySelector("svg.tradeoff");
      const right = drawing.getBoundingClientRect().right;
      return [...drawing.querySelectorAll("text")]
        .filter((text) => text.getBoundingClientRect().right > right)
        .map((text) => text.textContent);
    """
    assert opened.execute_script(cut) == []


def brightness(color: str) -> float:
    red, green, blue = (int(part) for part in color.strip("rgba()").split(",")[:3])
    return 0.3 * red + 0.6 * green + 0.1 * blue
