"""The page of a scenario in a browser: it steps, plays, jumps, and fits a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sim
from sim.cli import main
from sim.cli.frames import Stepper


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a scenario with variants."""
    path = tmp_path_factory.mktemp("page") / "lost-object.html"
    with pytest.raises(SystemExit):
        main(["watch", "lost-object", "--html", str(path)])
    return path


def opened(browser: Any, page: Path, width: int = 1300, *, dark: bool = False) -> Any:
    """The page in a window of a width."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    browser.get(page.as_uri())
    return browser


def text(browser: Any, place: str) -> str:
    """What a part of the page says."""
    return str(browser.execute_script(f"return document.getElementById('{place}').innerText"))


def click(browser: Any, place: str) -> None:
    """Press a button."""
    browser.execute_script(f"document.getElementById('{place}').click()")


def test_the_page_steps_forth_and_back(browser: Any, page: Path) -> None:
    opened(browser, page)
    first = text(browser, "event")
    click(browser, "next")
    assert text(browser, "step") == "2 / 13"
    assert text(browser, "event") != first
    click(browser, "back")
    assert text(browser, "event") == first
    click(browser, "last")
    assert "loses c" in text(browser, "event")


def test_the_page_jumps_to_a_kind_of_event_and_draws_its_object_as_lost(
    browser: Any, page: Path
) -> None:
    opened(browser, page)
    browser.execute_script("document.getElementById('kind').value = 'lost'")
    click(browser, "jump")
    assert "c is white, so it is freed" in text(browser, "event")
    lost = "return document.querySelector('#rows .state-lost').innerText"
    assert browser.execute_script(lost) == "c"


def test_every_pointer_is_an_arrow(browser: Any, page: Path) -> None:
    opened(browser, page)
    arrows = browser.execute_script("return document.querySelectorAll('#arrows > path').length")
    assert arrows == 3  # p -> a, q -> b, b.next -> c


def test_another_variant_is_a_tab(browser: Any, page: Path) -> None:
    opened(browser, page)
    browser.execute_script("document.querySelectorAll('#variants button')[3].click()")
    click(browser, "last")
    assert "none of the 3,212 schedules" in text(browser, "event")


def test_hovering_tells_what_a_cell_is(browser: Any, page: Path) -> None:
    opened(browser, page)
    browser.execute_script(
        "document.querySelectorAll('#rows .cell')[1].dispatchEvent("
        "new PointerEvent('pointerover', {bubbles: true, clientX: 50, clientY: 50}))"
    )
    assert "next -> c" in text(browser, "hover")


@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_its_window_and_makes_no_mistakes(
    browser: Any, page: Path, width: int, *, dark: bool
) -> None:
    opened(browser, page, width, dark=dark)
    for _ in range(12):
        click(browser, "next")
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []


def test_keys_step_through_the_frames_of_the_terminal() -> None:
    frames = sim.watch("tricolour").frames
    stepper = Stepper(frames)
    stepper.press("n")
    stepper.press("n")
    stepper.press("b")
    assert stepper.at == 1
    stepper.kind = "barrier"
    stepper.press("j")
    assert frames[stepper.at].event.kind == "barrier"
    stepper.press("l")
    stepper.press("n")
    assert stepper.at == len(frames) - 1
    stepper.press("f")
    assert stepper.text.startswith(f"1/{len(frames)}  ")


def test_keys_that_are_typed_step_jump_and_quit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = iter(["n", "\x1b[C", "j", "b", "nn\x1b[D", "q"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.getchar", lambda: next(keys))
    monkeypatch.setattr("builtins.input", lambda _: "barrier")
    with pytest.raises(SystemExit):
        main(["watch", "tricolour"])
    out = capsys.readouterr().out
    shown = [line for line in out.splitlines() if "/18  " in line]
    assert [line.split("/")[0] for line in shown] == ["1", "2", "3", "8", "7", "8"]
    assert out.count("Marking begins with all objects white.") == 1


def test_a_terminal_gets_its_own_codes_and_ends_with_the_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    def ended() -> str:
        raise EOFError

    monkeypatch.setattr("typer.getchar", ended)
    with pytest.raises(SystemExit) as done:
        main(["watch", "tricolour"])
    out = capsys.readouterr().out
    assert not done.value.code
    assert "\x1b[1m" in out
    assert "\\x1b" not in out


def test_all_prints_every_frame_with_colours_queues_and_rules(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["watch", "tricolour", "--all"])
    out = capsys.readouterr().out
    for words in (
        "grey objects: c, a",
        "● g (left->c)",
        "weak invariant: holds",
        "mgc.go: gcStart",
    ):
        assert words in out


def test_a_notebook_shows_the_page_and_gives_tables() -> None:
    watched = sim.watch("stack-rescan")
    assert watched._repr_html_().startswith("<iframe")
    assert list(watched.events.columns) == ["variant", "step", "actor", "kind", "text", "rule"]
    assert watched.comparison["objects lost"].tolist() == [1, 0, 0]
    assert len(watched.figures) == len(watched.events)
