"""`gomemsim sizeclasses`: the size classes of the allocator."""

from __future__ import annotations

from sim.cli.files import write_json
from sim.cli.options import Json


def sizeclasses(json: Json = None) -> None:
    """Print the size classes with their spans and waste, as Go documents them."""
    from sim.go.sizeclass import format_table, size_classes

    classes = size_classes()
    if not write_json(json, lambda: [row._asdict() for row in classes]):
        print(format_table(classes))
