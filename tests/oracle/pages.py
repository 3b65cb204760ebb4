"""The page allocator again, a page and a chunk at a time: slow, and too simple to be wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

PAGES = 512
DENSE = 496


@dataclass
class Chunk:
    """What the scavenger remembers of a chunk (runtime/mgcscavenge.go: scavChunkData)."""

    in_use: int = 0
    last_in_use: int = 0
    gen: int = 0
    has_free: bool = False

    def update(self, gen: int) -> None:
        if self.gen != gen:
            self.last_in_use, self.gen = self.in_use, gen

    def eligible(self, gen: int, force: bool) -> bool:
        if not self.has_free or force:
            return self.has_free
        if self.gen == gen:
            return self.in_use < DENSE and self.last_in_use < DENSE
        return self.in_use < DENSE


@dataclass
class NaivePages:
    """Pages as two lists of Booleans."""

    used: list[bool] = field(default_factory=list)
    scavenged: list[bool] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    gen: int = 0
    background: int = -1
    forced: int = -1
    freed_high: int = -1

    def grow(self, chunks: int) -> None:
        self.used += [False] * (PAGES * chunks)
        self.scavenged += [True] * (PAGES * chunks)
        self.chunks += [Chunk() for _ in range(chunks)]

    def alloc(self, npages: int) -> tuple[int, int] | None:
        length = 0
        for page, used in enumerate(self.used):
            length = 0 if used else length + 1
            if length == npages:
                first = page - npages + 1
                return first, sum(self.take(p) for p in range(first, first + npages)) * 8192
        return None

    def take(self, page: int) -> bool:
        assert not self.used[page], "a page was allocated twice"
        was, self.used[page], self.scavenged[page] = self.scavenged[page], True, False
        chunk = self.chunks[page // PAGES]
        chunk.update(self.gen)
        chunk.in_use += 1
        if chunk.in_use == PAGES:
            chunk.has_free = False
        return was

    def free(self, page: int, npages: int) -> None:
        for p in range(page, page + npages):
            assert self.used[p], "a free page was freed"
            self.used[p] = False
            chunk = self.chunks[p // PAGES]
            chunk.update(self.gen)
            chunk.in_use -= 1
            chunk.has_free = True
            self.freed_high = max(self.freed_high, p)
            self.forced = max(self.forced, p)

    def alloc_to_cache(self) -> tuple[int, int, int]:
        if all(self.used):
            return 0, 0, 0
        base = self.used.index(False) // 64 * 64
        free = [i for i in range(64) if not self.used[base + i]]
        scavenged = [i for i in free if self.take(base + i)]
        return base, sum(1 << i for i in free), sum(1 << i for i in scavenged)

    def flush(self, base: int, cache: int, scav: int) -> None:
        for i in range(64):
            if cache >> i & 1:
                self.free(base + i, 1)
            if scav >> i & 1:
                self.scavenged[base + i] = True

    def next_gen(self) -> None:
        self.gen += 1
        self.background = max(self.background, self.freed_high)
        self.freed_high = -1

    def find(self, force: bool) -> int:
        cursor = self.forced if force else self.background
        chunk = cursor // PAGES
        while chunk >= 0 and not self.chunks[chunk].eligible(self.gen, force):
            chunk -= 1
        if chunk < 0:
            found = -1
        else:
            found = cursor if chunk == cursor // PAGES else chunk * PAGES + PAGES - 1
        if force:
            self.forced = found
        else:
            self.background = found
        return found

    def scavenge(self, nbytes: int, force: bool) -> int:
        released = 0
        while released < nbytes and (at := self.find(force)) >= 0:
            run = self.candidate(at, -(-(nbytes - released) // 8192))
            for page in run:
                self.scavenged[page] = True
            if not run:
                self.chunks[at // PAGES].has_free = False
            released += len(run) * 8192
        return released

    def candidate(self, at: int, most: int) -> range:
        bottom = at // PAGES * PAGES
        top = bottom + at % PAGES // 64 * 64 + 63
        while top >= bottom and not self.releasable(top):
            top -= 1
        low = top
        while low >= bottom and self.releasable(low):
            low -= 1
        low, end = low + 1, top + 1
        start = max(low, end - most)
        huge = start // 256 * 256
        if -(-start // 256) * 256 <= end and huge >= low:
            start = huge
        return range(start, end)

    def releasable(self, page: int) -> bool:
        return not self.used[page] and not self.scavenged[page]
