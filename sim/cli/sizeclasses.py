"""`gomemsim sizeclasses`: the size classes of the allocator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.files import write_json
from sim.cli.options import Json

if TYPE_CHECKING:
    from sim.go.sizeclass import SizeClassTable


def sizeclasses(json: Json = None) -> None:
    """Print the size classes with their spans and waste, as Go documents them."""
    from sim.go.sizeclass import format_table, size_classes

    classes = size_classes()
    if not write_json(json, lambda: _rows(classes)):
        print(format_table(classes))


def _rows(table: SizeClassTable) -> list[dict[str, object]]:
    """By size class from 1 on: class 0 stands for large objects."""
    return [
        {"sizeclass": number, **row._asdict()} for number, row in enumerate(table.classes) if number
    ]
