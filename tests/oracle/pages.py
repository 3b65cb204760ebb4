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
    """Pages as two arrays of 0 and 1."""

    used: bytearray = field(default_factory=bytearray)
    scavenged: bytearray = field(default_factory=bytearray)
    chunks: list[Chunk] = field(default_factory=list)
    gen: int = 0
    background: int = -1
    forced: int = -1
    marked: dict[bool, bool] = field(default_factory=lambda: {False: False, True: False})
    freed_high: int = -1

    def grow(self, chunks: int) -> None:
        self.used += bytes(PAGES * chunks)
        self.scavenged += b"\1" * (PAGES * chunks)
        self.chunks += [Chunk() for _ in range(chunks)]

    def alloc(self, npages: int) -> tuple[int, int] | None:
        first = self.used.find(bytes(npages))
        if first < 0:
            return None
        return first, sum(self.take(page) for page in range(first, first + npages)) * 8192

    def take(self, page: int) -> int:
        assert not self.used[page], "a page was allocated twice"
        was, self.used[page], self.scavenged[page] = self.scavenged[page], 1, 0
        chunk = self.chunks[page // PAGES]
        chunk.update(self.gen)
        chunk.in_use += 1
        if chunk.in_use == PAGES:
            chunk.has_free = False
        return was

    def free(self, page: int, npages: int) -> None:
        for p in range(page, page + npages):
            assert self.used[p], "a free page was freed"
            self.used[p] = 0
            chunk = self.chunks[p // PAGES]
            chunk.update(self.gen)
            chunk.in_use -= 1
            chunk.has_free = True
            self.freed_high = max(self.freed_high, p)
            if p > self.forced:
                self.forced, self.marked[True] = p, True

    def alloc_to_cache(self) -> tuple[int, int, int]:
        if all(self.used):
            return 0, 0, 0
        base = self.used.index(0) // 64 * 64
        free = [i for i in range(64) if not self.used[base + i]]
        scavenged = [i for i in free if self.take(base + i)]
        return base, sum(1 << i for i in free), sum(1 << i for i in scavenged)

    def flush(self, base: int, cache: int, scav: int) -> None:
        for i in range(64):
            if cache >> i & 1:
                self.free(base + i, 1)
            if scav >> i & 1:
                self.scavenged[base + i] = 1

    def next_gen(self) -> None:
        self.gen += 1
        if self.freed_high > self.background:
            self.background, self.marked[False] = self.freed_high, True
        self.freed_high = -1

    def find(self, force: bool) -> int:
        cursor = self.forced if force else self.background
        chunk = cursor // PAGES
        while chunk >= 0 and not self.chunks[chunk].eligible(self.gen, force):
            chunk -= 1
        if chunk == cursor // PAGES:
            return cursor
        if chunk < 0 and self.marked[force]:
            return -1
        found, self.marked[force] = (chunk * PAGES + PAGES - 1 if chunk >= 0 else -1), False
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
                self.scavenged[page] = 1
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
