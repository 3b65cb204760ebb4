"""`gomemsim sizeclasses`: the size classes of the allocator."""

from __future__ import annotations


def sizeclasses() -> None:
    """Print the size classes with their spans and waste, as Go documents them."""
    from sim.go.sizeclass import format_table, size_classes

    print(format_table(size_classes()))
