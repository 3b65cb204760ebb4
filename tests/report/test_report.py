"""The page stands alone: nothing is fetched, every run and figure is in it, and it is sound."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from sim.cli import main
from sim.config import load
from sim.errors import UserError
from sim.experiment.design import design
from sim.experiment.grid import points
from sim.experiment.processes import processes
from sim.experiment.sweep import sweep
from sim.report.colors import CAUSES, COLLECTORS, MEANING
from sim.report.comparison import comparison, one_of_each
from sim.report.page import _heaps, page
from sim.report.pictures import SLICES, pictures
from sim.report.verdict import of_run
from sim.results import Result, Results, load_runs
from sim.results.names import words
from sim.simulation import simulate

ROOT = Path(__file__).parents[2]
VOID = {"meta", "br", "link", "img", "input"}


class Page(HTMLParser):
    """Tags that are open, ids, and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The same program under another GOGC."""
    config = load(ROOT / "configs" / "hbsteady.yaml", ["duration=100ms", "GOGC=400"])
    return simulate(config, out=tmp_path_factory.mktemp("runs") / "gogc400")


@pytest.fixture(scope="module")
def text(run: Result, other: Result) -> str:
    """The page of two runs."""
    return page(Results({run.name: run, other.name: other}))


def test_the_page_is_sound_and_fetches_nothing(text: str) -> None:
    parsed = Page(text)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(address.startswith("#") for address in parsed.addresses)
    assert {address.removeprefix("#") for address in parsed.addresses} <= set(parsed.ids)
    assert "prefers-color-scheme: dark" in text


def test_a_run_has_a_verdict_and_its_figures_in_words(run: Result, text: str) -> None:
    for line in of_run(run):
        assert str(escape(line)) in text
    for name, figure in run.summary().items():
        assert f"<dt>{escape(words(name))}</dt><dd>{figure}</dd>" in text


def test_what_a_run_has_is_drawn_and_nothing_else(run: Result, other: Result) -> None:
    assert {"heap", "gc_cpu", "pauses", "latency", "causes", "timeline"} <= set(pictures(run))
    assert "timeline" not in pictures(other)  # it recorded none
    drawn = pictures(run)
    assert drawn["pauses"].x_range is drawn["heap"].x_range


def test_a_colour_means_one_thing() -> None:
    assert len(set(MEANING.values())) == len(MEANING)
    told = [meaning for _, meaning in (*CAUSES.values(), *SLICES.values(), *COLLECTORS.values())]
    assert set(told) <= set(MEANING)


def test_heaps_of_a_sweep_share_one_scale(sweep_of_four: Results) -> None:
    heaps = list(_heaps(one_of_each(sweep_of_four)).values())
    assert [heap.title.text for heap in heaps] == ["GOGC=50", "GOGC=100"]
    assert heaps[0].y_range is heaps[1].y_range


def test_the_comparison_has_a_row_per_run(text: str) -> None:
    (table,) = [
        table
        for table in re.findall(r'<table class="sortable">.*?</table>', text, re.DOTALL)
        if "<button>run</button>" in table
    ]
    assert table.count("<tr>") == 3
    assert table.count("data-value") == 2 * table.count("<button>")
    assert "GC CPU" in table


def test_runs_of_no_sweep_have_a_verdict_and_names_in_the_trade_off(
    run: Result, other: Result
) -> None:
    side = comparison(Results({run.name: run, other.name: other}))
    assert side.tradeoff is not None
    names = [item.label.value for item in side.tradeoff.legend[0].items]
    assert len(names) == 2
    assert [line.partition(":")[0] for line in side.verdict] == [*names, "Rests on"]
    assert f"peak RSS {run.summary()['peak_rss']}" in " ".join(side.verdict)


def test_names_cannot_break_the_page(run: Result) -> None:
    evil = Result("<script>alert(1)</script>&", run._read)
    text = page(Results({evil.name: evil}))
    assert "<script>alert" not in text
    assert Page(text).open == []


def test_the_command_writes_the_page(
    run: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def typed(*arguments: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(["report", *arguments])
        return int(end.value.code or 0)

    assert typed(run.name, "-o", str(tmp_path / "r.html")) == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert typed(f"{tmp_path}/nothing-*") == 2
    assert typed(run.name, "-o", str(tmp_path / "r.html" / "r.html")) == 2
    assert typed(run.name, "-o", str(tmp_path / "r.pdf")) == 2
    err = capsys.readouterr().err
    assert "no folder that matches" in err
    assert "cannot be written" in err
    assert "expected a file that ends in .html" in err


@pytest.fixture(scope="module")
def sweep_of_four(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two settings, two seeds each."""
    folder = tmp_path_factory.mktemp("results") / "sweep-a"
    settings = design("grid", ["GOGC=50,100"])
    sets = ["duration=50ms"]
    sweep(points(ROOT / "configs" / "hbsteady.yaml", settings, 2, sets), folder, processes(1))
    return load_runs(f"{folder}/*")


def test_a_sweep_has_a_table_of_its_settings_beside_a_baseline(sweep_of_four: Results) -> None:
    text = page(sweep_of_four, ["GOGC=100"])
    settings, runs, *_ = re.findall(r'<table class="sortable">.*?</table>', text, re.DOTALL)
    assert ">Settings of sweep-a</h3>" in text
    assert re.findall(r"<tr><td[^>]*>(\d+)<", settings) == ["50", "100"]
    assert settings.index("%") < settings.index(">baseline<")
    assert re.findall(r"<tr><td[^>]*>([^<]+)<", runs)[0] == "GOGC=50 seed=1"
    assert text.count('<section id="run') == 2
    with pytest.raises(UserError, match="expected exactly one of the settings"):
        page(sweep_of_four, ["GOGC=75"])
