"""The page allocator: another choice of pages changes fragmentation, RSS and scavenging."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest

from sim.go.pagealloc import PageAlloc

GOLDEN = Path(__file__).parents[1] / "golden" / "pages.jsonl"
ROWS = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
SEQUENCES = {seq: list(rows) for seq, rows in groupby(ROWS, key=lambda row: row["seq"])}


def outcome(pages: PageAlloc, row: dict[str, int]) -> dict[str, int]:
    """What our allocator answers to one recorded operation."""
    match row["op"]:
        case "alloc":
            run = pages.alloc(row["npages"])
            return run._asdict() if run else {"page": -1, "scav_bytes": 0}
        case "free":
            pages.free(row["page"], row["npages"])
            return {}
        case "alloc_to_cache":
            cache = pages.alloc_to_cache()
            answer = {"page": cache.page, "cache": cache.cache, "scav": cache.scav}
            pages.flush(cache)
            return answer
        case _:
            return {"got_bytes": pages.scavenge(row["want_bytes"], force=True)}


@pytest.mark.parametrize("seq", SEQUENCES)
def test_every_recorded_operation_has_the_answer_of_the_real_runtime(seq):
    rows = SEQUENCES[seq]
    pages = PageAlloc(rows[0]["chunks"])
    for row in rows:
        ours = outcome(pages, row)
        assert ours == {key: row[key] for key in ours}, row
