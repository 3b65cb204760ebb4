"""A table is legible in every terminal: no line is cut, none is wrapped, nothing is lost."""

from __future__ import annotations

from sim.cli.tables import table

ROWS = [
    {"GOGC": "50", "GOMAXPROCS": "4", "peak RSS": "107MiB [107, 108]", "peak RSS +-": "baseline"},
    {"GOGC": "off", "GOMAXPROCS": "4", "peak RSS": "142MiB [141, 142]", "peak RSS +-": "+32.0%*"},
]
KEYS = ["GOGC", "GOMAXPROCS"]


def test_elsewhere_than_in_a_terminal_it_is_markdown() -> None:
    assert table(ROWS, KEYS, None).startswith("| GOGC")
    assert table(ROWS, KEYS, 200) == table(ROWS, KEYS, None)


def test_what_is_too_wide_is_told_figure_by_figure_with_its_difference() -> None:
    assert table(ROWS, KEYS, 60).splitlines() == [
        "peak RSS",
        "  GOGC=50   107MiB [107, 108]  baseline",
        "  GOGC=off  142MiB [141, 142]  +32.0%*",
    ]


def test_a_single_setting_keeps_its_name() -> None:
    assert "GOGC=50  GOMAXPROCS=4" in table(ROWS[:1], KEYS, 60)


def test_a_figure_that_no_row_has_says_so() -> None:
    rows = [{**row, "holds": ""} for row in ROWS]
    assert table(rows, KEYS, 60).endswith("holds\n  none")
