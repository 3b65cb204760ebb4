"""The live page and its file in Chromium: what is shown is what `whatif` says."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.advice.api import whatif
from sim.advice.whatif import FIGURES as KNOWN
from sim.advice.whatif import figure_of
from sim.cli import main
from sim.units import SECOND, format_bytes, format_duration, in_one_unit
from tests.chromium import asked_for, complaints, look

ROOT = Path(__file__).parents[2]
FIGURES = (
    "peak_rss_bytes",
    "gc_cpu_share",
    "gc_cpu_seconds",
    "peak_heap_bytes",
    "gc_cycles",
    "wall_seconds",
)
SHOWN = """
  const text = Bokeh.documents[0].get_model_by_name("figures").text;
  const page = new DOMParser().parseFromString(text, "text/html");
  return [...page.querySelectorAll("tr")].slice(1).map((row) =>
    [row.querySelector(".value").dataset.name, ...[...row.cells].map((cell) => cell.textContent)]);
"""


@pytest.fixture(scope="module")
def address(log: Path) -> Iterator[str]:
    """The live page, served by the command."""
    command = [sys.executable, "-m", "sim", "explore", str(log), "--no-browse", "--memory=256MiB"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        line = served.stdout.readline()
        found = re.search(r"http://localhost:\d+/", line)
        assert found, line
        yield found[0]
        served.send_signal(signal.SIGINT)
        assert served.wait(timeout=60) in {0, 130}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_though_nobody_reads_what_it_prints(log: Path, number: int) -> None:
    command = [sys.executable, "-m", "sim", "explore", str(log), "--no-browse"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        assert "localhost" in served.stdout.readline()
        served.stdout.close()
        served.send_signal(number)
        assert served.wait(timeout=60) == 0


def turn(browser: Any, knob: str, stop: int) -> None:
    """Move a slider, as a hand does with the keyboard or the mouse."""
    script = "Bokeh.documents[0].get_model_by_name(arguments[0]).value = arguments[1]"
    browser.execute_script(script, f"{knob}-slider", stop)


def shown(browser: Any) -> dict[str, list[str]]:
    """By figure: words, value, bounds and today's value."""
    return {name: told for name, *told in browser.execute_script(SHOWN)}


def until(true: Callable[[], bool], seconds: float = 60.0) -> float:
    """Wait; how long it took."""
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < seconds, "it never came"
        time.sleep(0.02)
    return time.monotonic() - begin


def settled(browser: Any) -> bool:
    """Whether the intervals have come."""
    rows = (
        shown(browser) if browser.execute_script("return window.Bokeh?.documents?.length") else {}
    )
    return bool(rows) and all(told[2] != "…" for told in rows.values())


@pytest.mark.slow
def test_a_move_shows_what_whatif_says_for_the_same_setting(
    browser: Any, address: str, log: Path
) -> None:
    look(browser, address)
    until(lambda: settled(browser))
    field = "return Bokeh.documents[0].get_model_by_name('gogc-field').value"
    turn(browser, "gogc", 14)
    until(lambda: browser.execute_script(field) == "200")
    until(lambda: settled(browser) and "GOGC=200" in text_of(browser, "variables"))
    (row,) = whatif(log, gogc="200").to_dict("records")
    told = shown(browser)
    for name in FIGURES:
        figures = [
            figure_of(row[key], KNOWN[name][1]) for key in (name, f"{name}_low", f"{name}_high")
        ]
        values, unit = [value for value, _ in figures], figures[0].unit
        middle, low, high = in_one_unit(values, unit)
        assert told[name][1:3] == [middle, f"{low} to {high}"]
    assert complaints(browser) == []


def in_words(name: str, value: float) -> str:
    """A figure as people read it; the unit is in its name."""
    if name.endswith("_seconds"):
        return format_duration(value * SECOND)
    return format_bytes(value) if name.endswith("_bytes") else f"{value:.0f}"


def text_of(browser: Any, name: str) -> str:
    script = "return Bokeh.documents[0].get_model_by_name(arguments[0]).text ?? ''"
    return str(browser.execute_script(script, name))


@pytest.mark.slow
def test_the_trade_off_says_how_far_it_is_until_it_is_there(browser: Any, address: str) -> None:
    recorder = """
      window.titles = [];
      setInterval(() => {
        const plot = window.Bokeh?.documents?.[0]?.get_model_by_name("tradeoff_plot");
        if (plot) window.titles.push(plot.title.text);
      }, 20);
    """
    command = "Page.addScriptToEvaluateOnNewDocument"
    added = browser.execute_cdp_cmd(command, {"source": recorder})
    try:
        look(browser, address)
        until(lambda: browser.execute_script("return window.titles.at(-1)") == "What memory buys")
        titles = browser.execute_script("return window.titles")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    working = re.compile(r"What memory buys\n\d+% worked out(, \d+ s left)?")
    assert any(working.fullmatch(title) for title in titles), set(titles)


@pytest.mark.slow
def test_a_legend_names_what_is_drawn(browser: Any, address: str) -> None:
    named = """
      const {below} = Bokeh.documents[0].get_model_by_name("heap_plot");
      const legend = below.find((part) => part.type == "Legend");
      return legend.items.filter((item) => item.visible).map((item) => item.label.value);
    """
    look(browser, address)
    until(lambda: settled(browser))
    assert "container" in browser.execute_script(named)
    assert "GOMEMLIMIT" not in browser.execute_script(named)
    turn(browser, "limit", 3)
    until(lambda: "GOMEMLIMIT" in browser.execute_script(named))


@pytest.mark.slow
def test_nothing_but_the_loopback_is_asked(browser: Any, address: str) -> None:
    look(browser, address)
    until(lambda: settled(browser))
    own = address.removeprefix("http://").rstrip("/")
    assert {re.split(r"//|/", url)[1] for url in asked_for(browser)} == {own}


@pytest.mark.slow
def test_a_mistake_in_a_field_is_a_sentence_and_keeps_the_picture(
    browser: Any, address: str
) -> None:
    look(browser, address)
    until(lambda: settled(browser))
    before = shown(browser)
    script = "Bokeh.documents[0].get_model_by_name('limit-field').value = '512MB'"
    browser.execute_script(script)
    until(lambda: "did you mean 512MiB" in text_of(browser, "message"))
    assert shown(browser) == before


@pytest.fixture(scope="module")
def file(log: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The page as a file, and the JSON of the same command."""
    folder = tmp_path_factory.mktemp("page")
    page, predictions = folder / "page.html", folder / "predictions.json"
    with pytest.raises(SystemExit) as end:
        main(
            [
                "whatif",
                str(log),
                "--gogc",
                "100,200",
                "--html",
                str(page),
                "--json",
                str(predictions),
                "-q",
            ]
        )
    assert not end.value.code
    return page, json.loads(predictions.read_text())


@pytest.mark.slow
def test_the_file_works_offline_and_its_sliders_show_the_predictions(
    browser: Any, file: tuple[Path, Any]
) -> None:
    page, predictions = file
    look(browser, page.as_uri())
    until(lambda: settled(browser))
    for stop, prediction in enumerate(predictions):
        turn(browser, "gogc", stop)
        until(
            lambda gogc=prediction["gogc"]: (
                f"GOGC={gogc}<" in text_of(browser, "variables")
                or f"GOGC={gogc}\n" in text_of(browser, "variables")
            )
        )
        assert shown(browser)["gc_cycles"][1] == str(prediction["gc_cycles"])
    assert asked_for(browser) == [page.as_uri()]
    assert complaints(browser) == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_fits_the_window_and_its_ink_the_theme(
    browser: Any, file: tuple[Path, Any], width: int, theme: str
) -> None:
    look(browser, file[0].as_uri(), width=width, theme=theme)
    until(lambda: settled(browser))
    inside = browser.execute_script("return document.documentElement.scrollWidth")
    assert inside <= width
    script = """
      const figure = Bokeh.documents[0].get_model_by_name("heap_plot");
      return [getComputedStyle(document.body).backgroundColor,
              ...figure.below.filter((part) => part.type.endsWith("Axis"))
                             .map((axis) => axis.major_label_text_color)];
    """
    paper, ink = browser.execute_script(script)
    light = sum(int(part) for part in re.findall(r"\d+", paper)[:3]) > 3 * 128
    assert light == (theme == "light")
    assert (int(ink[1:3], 16) < 128) == light
