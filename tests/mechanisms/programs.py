"""Small random programs, as scenarios that the watcher runs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

VARIABLES = ("x", "y", "z")
GLOBALS = ("p", "q")
FIELDS = ("left", "right")


@st.composite
def steps(draw: st.DrawFn, most: int) -> list[dict[str, Any]]:
    """Steps that never follow nil: they only use what has just been made or is not nil for sure."""
    made: list[dict[str, Any]] = [{"allocate": {"name": name, "of": "node"}} for name in VARIABLES]
    for _ in range(draw(st.integers(1, most))):
        place = st.sampled_from(VARIABLES)
        field = st.sampled_from(FIELDS)
        kind = draw(st.sampled_from(["new", "link", "cut", "publish", "take", "text"]))
        at = f"{draw(place)}.{draw(field)}"
        match kind:
            case "new":
                made.append({"allocate": {"name": draw(place), "of": "node"}})
            case "link":
                made.append({"point": {"from": at, "to": draw(place)}})
            case "cut":
                made.append({"unpoint": at})
            case "publish":
                made.append({"point": {"from": draw(st.sampled_from(GLOBALS)), "to": draw(place)}})
            case "take":
                made.append({"point": {"from": at, "to": draw(st.sampled_from(GLOBALS))}})
            case "text":
                made.append({"allocate": {"name": "t", "of": "text"}})
                made.append({"point": {"from": at, "to": "t"}})
    return made


@st.composite
def scenarios(draw: st.DrawFn, most: int = 12) -> dict[str, Any]:
    """A program with two goroutines that collects while it runs."""
    main = draw(steps(most))
    at = draw(st.integers(0, len(main)))
    return {
        "title": "random",
        "types": {
            "node": {"size": "48B", "pointers": list(FIELDS)},
            "text": {"size": draw(st.sampled_from(["5B", "100B", "600B", "40KiB"]))},
        },
        "globals": list(GLOBALS),
        "functions": {
            "main": {"steps": [*main[:at], "trigger", *main[at:], {"wait": 3}]},
            "other": {"steps": draw(steps(most))},
        },
        "start": [{"function": "main"}, {"function": "other"}],
    }
