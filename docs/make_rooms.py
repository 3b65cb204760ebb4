"""The rooms of the package and the arrows between them: `python docs/make_rooms.py`.

Draws docs/images/rooms.svg from the imports as they are, and writes the figures of the structure
into docs/architecture.md. Layers are those of the contract in pyproject.toml. With a folder, such
as a checkout of another commit, it prints the figures of that one.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

import grimp
import matplotlib as mpl
from matplotlib import pyplot as plt

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "architecture.md"
PICTURE: Final = ROOT / "docs" / "images" / "rooms.svg"
FOUNDATIONS: Final = 4
"""Lowest layers, whose rooms everybody imports: the picture leaves those arrows out."""
WHOLE_RUN: Final = ("World", "Runtime", "Run", "Events", "Fluid", "Parts")
"""Types that hold all parts of a run, today's and those that there were before."""
PART: Final = re.compile(r"(?<=<!-- structure -->\n).*(?=<!-- end -->)", re.DOTALL)


def layers() -> list[list[str]]:
    """Rooms by layer, from the top."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][0]
    return [[room.strip() for room in row.split("|")] for row in contract["layers"]]


def arrows() -> Counter[tuple[str, str]]:
    """How many imports lead from one room to another."""
    graph, found = grimp.build_graph("sim", include_external_packages=False), Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = tuple(name.split(".")[1] if "." in name else "" for name in (module, imported))
            if all(pair) and pair[0] != pair[1]:
                found[pair] += 1
    return found


def structure(root: Path) -> dict[str, int]:
    """The figures of a checkout."""
    files = sorted((root / "sim").rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    classes = [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    return {
        "files": len(files),
        "lines": sum(text.count("\n") for text in texts),
        "classes": len(classes),
        "names of several classes": sum(n > 1 for n in Counter(classes).values()),
        "functions": len(functions),
        "functions that take a whole run": sum(map(takes_a_run, functions)),
    }


def takes_a_run(function: ast.FunctionDef) -> bool:
    """Whether it is handed all parts of a run at once."""
    args = (*function.args.args, *function.args.kwonlyargs)
    return any(arg.annotation and ast.unparse(arg.annotation) in WHOLE_RUN for arg in args)


def table(figures: dict[str, int]) -> str:
    """The figures as markdown."""
    return "| | |\n|---|--:|\n" + "".join(f"| {what} | {n:,} |\n" for what, n in figures.items())


def draw(found: Counter[tuple[str, str]]) -> None:
    """Rooms in rows, one a layer; a line for each arrow, the wider the more imports."""
    mpl.rcParams["svg.hashsalt"] = "rooms"
    rows = layers()
    place = {
        room: ((i + 0.5) / len(row) * 10, len(rows) - y)
        for y, row in enumerate(rows)
        for i, room in enumerate(row)
    }
    figure, axes = plt.subplots(figsize=(10, 11))
    foundations = {room for row in rows[-FOUNDATIONS:] for room in row}
    for (above, below), number in found.items():
        if above in place and below in place and below not in foundations:
            (x0, y0), (x1, y1) = place[above], place[below]
            width = 0.4 + number**0.5 / 4
            axes.plot([x0, x1], [y0, y1], color="#7a8ba3", lw=width, alpha=0.35, zorder=1)
    for room, (x, y) in place.items():
        axes.text(
            x,
            y,
            room,
            ha="center",
            va="center",
            fontsize=11,
            zorder=2,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "#2a6f97"},
        )
    axes.set(xlim=(0, 10), ylim=(0.3, len(rows) + 0.7))
    axes.axis("off")
    figure.savefig(PICTURE, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draw and write, or print the figures of another checkout."""
    if len(sys.argv) > 1:
        print(table(structure(Path(sys.argv[1]))), end="")
        return
    found = arrows()
    draw(found)
    text = PAGE.read_text(encoding="utf-8")
    figures = table(structure(ROOT) | {"arrows between rooms": len(found)})
    PAGE.write_text(PART.sub(lambda _: figures, text), encoding="utf-8")


if __name__ == "__main__":
    main()
