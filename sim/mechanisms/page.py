"""A watched scenario as one HTML file that works offline: play, step, time line, hover."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

from sim.mechanisms.frame import KINDS, Frame, MemoryRow, figures_in, plain
from sim.pages import style

HEADLINE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">"""


def page(title: str, about: str, simplified: Sequence[str], tracks: Mapping[str, Any]) -> str:
    """The whole file; `tracks` are frames by variant."""
    data = json.dumps(packed(tracks), ensure_ascii=False, separators=(",", ":"))
    # A script element ends at the first "</", whatever it stands in.
    data = data.replace("<", "\\u003c")
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in about.strip().split("\n\n"))
    points = "".join(f"<li>{escape(text)}</li>" for text in simplified)
    return "\n".join(
        [
            HEADLINE,
            f"<title>{escape(title)}</title><style>{style()}{_file('page.css')}</style></head>",
            "<body><main>",
            f"<h1>{escape(title)}</h1>{paragraphs}",
            "<details><summary>What is simpler here than in a real runtime</summary>",
            f"<ul>{points}</ul></details>",
            _file("page.html"),
            f'<p class="quiet">gomemsim {escape(version("gomemsim"))}</p></main>',
            f'<script type="application/json" id="data">{data}</script>',
            f"<script>{_file('page.js')}</script></body></html>\n",
        ]
    )


def packed(tracks: Mapping[str, Sequence[Frame]]) -> dict[str, Any]:
    """Frames with every row, list of roots and the like written once and then by its number."""
    parts = _Parts()
    return {
        "kinds": KINDS,
        "figures": figures_in(frame for track in tracks.values() for frame in track),
        "tracks": {name: [parts.frame(frame) for frame in track] for name, track in tracks.items()},
        "parts": parts.values,
    }


class _Parts:
    """Parts of frames that were seen, by their number."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._known: dict[Hashable, int] = {}

    def frame(self, frame: Frame) -> dict[str, Any]:
        """A frame in numbers of parts."""
        return {
            "event": list(frame.event),
            "rows": [self.row(row) for row in frame.rows],
            "roots": self.number(frame.roots),
            "queues": self.number(tuple(frame.queues.items())),
            "figures": frame.figures,
            "checks": self.number(tuple(frame.checks.items())),
        }

    def row(self, row: MemoryRow) -> int:
        """The number of a row, whose cells are numbers of parts as well."""
        if row not in self._known:
            cells = [self.number(cell) for cell in row.cells]
            self._known[row] = len(self.values)
            self.values.append({"name": row.name, "note": row.note, "cells": cells})
        return self._known[row]

    def number(self, part: tuple[Any, ...]) -> int:
        """The number of a part; the same for equal ones."""
        if part not in self._known:
            self._known[part] = len(self.values)
            self.values.append(plain(part))
        return self._known[part]


def _file(name: str) -> str:
    return files("sim.mechanisms").joinpath(name).read_text(encoding="utf-8")
