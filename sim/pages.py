"""The style that all pages share."""

from __future__ import annotations

from importlib.resources import files


def style() -> str:
    """Colours that follow the browser's light or dark theme, font and width, as CSS."""
    return files("sim").joinpath("pages.css").read_text(encoding="utf-8")
