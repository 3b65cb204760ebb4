"""From a scenario to what there is to watch: frames, events, figures, a comparison of variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from sim.config.tree import Node, from_plain, locate, merge
from sim.errors import UserError, nearest
from sim.mechanisms.addresses import AddressSpace, address_frames
from sim.mechanisms.frame import Frame
from sim.mechanisms.gotrack import go_frames
from sim.mechanisms.loading import read_tree, validated
from sim.mechanisms.movingtrack import moving_frames
from sim.mechanisms.racetrack import race_frames
from sim.mechanisms.requests import Requests
from sim.mechanisms.requesttrack import request_frames
from sim.mechanisms.script import Scenario, Story

DEFAULT: Final = "settings"
"""The variant of a scenario that has none."""


@dataclass(frozen=True)
class Watched:
    """A scenario that has run, under one variant of its settings or several."""

    scenario: Story
    tracks: dict[str, tuple[Frame, ...]]
    """Frames by variant."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Frames of the first variant."""
        return next(iter(self.tracks.values()))

    @property
    def events(self) -> pd.DataFrame:
        """One row an event: variant, step (from 1), actor, kind, text, rule."""
        rows = [
            {"variant": name, "step": step, **frame.event._asdict()}
            for name, frames in self.tracks.items()
            for step, frame in enumerate(frames, start=1)
        ]
        return pd.DataFrame(rows)

    @property
    def figures(self) -> pd.DataFrame:
        """One row a frame: variant, step, and the figures; their names end with the unit."""
        rows = [
            {"variant": name, "step": step, **frame.figures}
            for name, frames in self.tracks.items()
            for step, frame in enumerate(frames, start=1)
        ]
        return pd.DataFrame(rows)

    @property
    def comparison(self) -> pd.DataFrame:
        """One row a variant: its figures at the end, and how many events of each kind it had."""
        ends = {name: frames[-1].figures for name, frames in self.tracks.items()}
        counts = pd.crosstab(self.events["variant"], self.events["kind"]).add_prefix("events: ")
        table = pd.DataFrame.from_dict(ends, orient="index").join(counts)
        return table.loc[list(self.tracks)]

    def page(self) -> str:
        """One HTML file that works offline: play, step, time line, hover."""
        from sim.mechanisms.page import page

        scenario = self.scenario
        return page(scenario.title, scenario.about, scenario.simplified, self.tracks)

    def _repr_html_(self) -> str:
        from html import escape

        return f'<iframe srcdoc="{escape(self.page())}" width="100%" height="760"></iframe>'


def watch(source: Path | str | Mapping[str, object], variant: str | None = None) -> Watched:
    """Run a scenario: shipped by its name, a file, a YAML text, or a mapping of the same keys.

    `variant` chooses one of its variants; otherwise all of them run. UserError names file, line and
    key of the first mistake.
    """
    root = from_plain(source, "scenario") if isinstance(source, Mapping) else read_tree(source)
    scenario = validated(root, kind_of(root))
    names = list(scenario.variants) or [DEFAULT]
    if variant is not None and variant not in names:
        raise UserError(f"there is no variant {variant!r}{nearest(variant, names)}")
    chosen = names if variant is None else [variant]
    return Watched(scenario, {name: _track(_variant(root, name)) for name in chosen})


def _variant(root: Node, name: str) -> Node:
    """The scenario with the settings of one of its variants."""
    changes = locate(root, ("variants", name))
    if name == DEFAULT or not isinstance(changes.value, dict):
        return root
    return merge(root, Node({"settings": changes}, changes.where))


def kind_of(root: Node) -> type[Story]:
    """Which kind of scenario a tree is, by the key that only it has."""
    keys = root.value if isinstance(root.value, dict) else {}
    return AddressSpace if "memory" in keys else Requests if "requests" in keys else Scenario


def _track(root: Node) -> tuple[Frame, ...]:
    kind = kind_of(root)
    if kind is Requests:
        return request_frames(validated(root, Requests), root)
    if kind is AddressSpace:
        return address_frames(validated(root, AddressSpace))
    scenario = validated(root, Scenario)
    if scenario.search:
        return race_frames(scenario, root)
    if scenario.settings.collector == "go":
        return go_frames(scenario, root)
    return moving_frames(scenario, root)
