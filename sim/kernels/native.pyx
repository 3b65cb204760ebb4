# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The hot passes over spans as C: each is held against the numpy pass that stands beside its caller."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, exp, log1p, sqrt
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

import sys

import numpy as np

cdef extern from *:
    int __builtin_ctzll(unsigned long long)
    int __builtin_popcountll(unsigned long long)

ctypedef long long i64
ctypedef unsigned long long u64

cdef struct bitgen_t:  # numpy/random/bitgen.h
    void* state
    u64 (*next_uint64)(void*) noexcept
    unsigned int (*next_uint32)(void*) noexcept
    double (*next_double)(void*) noexcept
    u64 (*next_raw)(void*) noexcept


if sys.byteorder != "little":
    raise ImportError("bitmaps are read as words of little endian")

cdef int PAGE = 8192
cdef double MOST_BY_INVERSION = 30.0  # random_binomial
cdef int COUNT_BITS = 20  # sim.workload.layout
cdef int SWEEP_BUDGET = 100  # sim.go.refill


cdef class Vector:
    """Integers in a row that grow."""

    cdef i64* data
    cdef Py_ssize_t size, room

    def __dealloc__(self):
        free(self.data)

    cdef inline void push(self, i64 value) except *:
        if self.size == self.room:
            self.grow()
        self.data[self.size] = value
        self.size += 1

    cdef void grow(self) except *:
        room = max(256, 2 * self.room)
        data = <i64*> realloc(self.data, room * sizeof(i64))
        if data == NULL:
            raise MemoryError
        self.data, self.room = data, room

    cdef void copy_to(self, i64[::1] target, Py_ssize_t at, Py_ssize_t first, Py_ssize_t count):
        cdef Py_ssize_t i
        for i in range(count):
            target[at + i] = self.data[first + i]


cdef void push_all(object span_set, Vector spans) except *:
    """Append all of them to a set, and empty the vector."""
    cdef Py_ssize_t tail
    if spans.size:
        tail = span_set.reserve(spans.size)
        spans.copy_to(span_set.items, tail, 0, spans.size)
        spans.size = 0


cdef class Table:
    """Columns of the spans, while no row is added."""

    cdef i64[::1] allocated, nelems, live, sweep_gen, npages, slot_bytes
    cdef i64 generation, pages_swept, freed_objects, freed_bytes

    def __init__(self, heap):
        spans = heap.spans
        self.allocated, self.nelems, self.live = spans.allocated, spans.nelems, spans.live
        self.sweep_gen, self.npages = spans.sweep_gen, spans.npages
        self.slot_bytes = spans.slot_bytes
        self.generation = heap.sweeping.generation

    cdef inline void sweep(self, i64 span):
        """See MHeap.sweep."""
        cdef i64 freed = self.allocated[span] - self.live[span]
        self.allocated[span] = self.live[span]
        self.sweep_gen[span] = self.generation
        self.pages_swept += self.npages[span]
        self.freed_objects += freed
        self.freed_bytes += freed * self.slot_bytes[span]

    cdef void note_swept(self, stats) except *:
        stats.pages_swept += self.pages_swept
        stats.freed_objects += self.freed_objects
        stats.freed_bytes += self.freed_bytes


cdef class Refills:
    """The passes of sim.go.mcache.Refills, class by class."""

    cdef object heap
    cdef Table table
    cdef const i64[::1] classes, nelems, slot_size, span_pages
    cdef i64[::1] number, fresh_number, heap_live
    cdef i64[:, ::1] cached, missing
    cdef Vector used, slots, fresh_used, fresh_slots, pool, full, partial

    def __init__(self, caches, classes, demand):
        heap = caches.heap
        self.heap, self.cached = heap, caches.cached
        self.classes, self.missing = classes, demand.copy()
        self.nelems, self.slot_size = heap.nelems, heap.slot_size
        self.span_pages = heap.span_pages
        self.heap_live = np.zeros(len(classes), dtype=np.int64)
        self.number = np.zeros(len(classes), dtype=np.int64)
        self.fresh_number = np.zeros(len(classes), dtype=np.int64)
        self.used, self.slots, self.pool = Vector(), Vector(), Vector()
        self.fresh_used, self.fresh_slots = Vector(), Vector()
        self.full, self.partial = Vector(), Vector()
        self.table = Table(heap)

    def from_sets(self, counts):
        """From the caches, then from the mcentrals."""
        cdef Py_ssize_t at
        cdef bint sweeps = not self.heap.sweeping.done
        cdef i64[::1] partial = counts.partial, swept = counts.swept
        cdef i64[::1] in_vain = counts.in_vain, sweeps_in_vain = counts.sweeps_in_vain
        cdef i64 span_class, slots
        for at in range(self.classes.shape[0]):
            span_class = self.classes[at]
            central = self.heap.centrals[span_class]
            self.from_caches(at, span_class)
            while (slots := self.slots_needed(at)) > 0:
                self.pool.size = 0
                slots -= self.pop(central.partial_swept, slots)
                partial[at] += self.pool.size
                if sweeps and slots > 0:
                    self.sweep(central, at, slots, swept, in_vain, sweeps_in_vain)
                if not self.pool.size:
                    break
                self.share_out(at, span_class, 0, self.used, self.slots)
                push_all(central.partial_swept, self.partial)
            push_all(central.full_swept, self.full)
        self.table.note_swept(self.heap.stats)

    def needed(self):
        """How many fresh spans each class needs, where it needs slots."""
        cdef Py_ssize_t at, p
        cdef i64 nelems
        found = np.zeros(self.classes.shape[0], dtype=np.int64)
        cdef i64[::1] number = found
        for at in range(self.classes.shape[0]):
            nelems = self.nelems[self.classes[at]]
            for p in range(self.missing.shape[1]):
                number[at] += (self.missing[at, p] + nelems - 1) // nelems
        return found

    def from_heap(self, i64[::1] spans, i64[::1] number):
        """Use fresh spans, so many of each class; the table may have grown since."""
        cdef Py_ssize_t at, i, first = 0
        self.table = Table(self.heap)
        for at in range(self.classes.shape[0]):
            if not number[at]:
                continue
            self.pool.size = 0
            for i in range(first, first + number[at]):
                self.pool.push(spans[i])
            first += number[at]
            central = self.heap.centrals[self.classes[at]]
            self.share_out(at, self.classes[at], 1, self.fresh_used, self.fresh_slots)
            push_all(central.full_swept, self.full)
            push_all(central.partial_swept, self.partial)

    def taken(self):
        """Spans by class; the spans and slots that were taken, class after class; heap_live."""
        cdef Py_ssize_t at, done = 0, old = 0, new = 0
        total = self.used.size + self.fresh_used.size
        spans, slots = np.empty(total, dtype=np.int64), np.empty(total, dtype=np.int64)
        cdef i64[::1] spans_ = spans, slots_ = slots
        for at in range(self.classes.shape[0]):
            self.used.copy_to(spans_, done, old, self.number[at])
            self.slots.copy_to(slots_, done, old, self.number[at])
            done, old = done + self.number[at], old + self.number[at]
            self.fresh_used.copy_to(spans_, done, new, self.fresh_number[at])
            self.fresh_slots.copy_to(slots_, done, new, self.fresh_number[at])
            done, new = done + self.fresh_number[at], new + self.fresh_number[at]
        number = np.asarray(self.number) + np.asarray(self.fresh_number)
        return number, spans, slots, np.asarray(self.heap_live)

    cdef i64 slots_needed(self, Py_ssize_t at):
        cdef Py_ssize_t p
        cdef i64 slots = 0
        for p in range(self.missing.shape[1]):
            slots += self.missing[at, p]
        return slots

    cdef void from_caches(self, Py_ssize_t at, i64 span_class) except *:
        cdef Py_ssize_t p
        cdef i64 held, left, some
        for p in range(self.missing.shape[1]):
            held = self.cached[span_class, p]
            if held < 0:
                continue
            left = self.table.nelems[held] - self.table.allocated[held]
            some = min(self.missing[at, p], left)
            if some > 0:
                self.table.allocated[held] += some
                self.used.push(held)
                self.slots.push(some)
                self.number[at] += 1
            if self.missing[at, p] > left:
                self.full.push(held)
                self.cached[span_class, p] = -1
            self.missing[at, p] -= some

    cdef i64 pop(self, object waiting, i64 slots) except -1:
        """The shortest run with enough free slots, or all; its free slots."""
        cdef Py_ssize_t head = waiting.head, tail = waiting.tail
        cdef i64[::1] items = waiting.items
        cdef i64 found = 0, span
        while head < tail and found < slots:
            span = items[head]
            found += self.table.nelems[span] - self.table.allocated[span]
            self.pool.push(span)
            head += 1
        waiting.head = head
        return found

    cdef void sweep(
        self,
        object central,
        Py_ssize_t at,
        i64 slots,
        i64[::1] swept,
        i64[::1] in_vain,
        i64[::1] sweeps_in_vain,
    ) except *:
        """Sweep until enough slots are free or the budget is spent (refill.sweep_and_take)."""
        cdef Table table = self.table
        cdef i64 nelems = self.nelems[self.classes[at]], span, left, step, found
        cdef i64 budget = (SWEEP_BUDGET + 1) * ((slots + nelems - 1) // nelems)
        cdef i64 vain = 0, sequences = 0
        cdef bint goes_on = False
        cdef Py_ssize_t head, tail, end
        cdef i64[::1] items
        for unswept in (central.partial_unswept, central.full_unswept):
            head, tail, items = unswept.head, unswept.tail, unswept.items
            step = (slots + nelems - 1) // nelems
            while slots > 0 and budget > 0 and head < tail:
                end = min(head + min(budget, step), tail)
                budget -= end - head
                step *= 2
                found = 0
                while head < end:
                    span = items[head]
                    head += 1
                    if table.sweep_gen[span] >= table.generation:
                        continue
                    table.sweep(span)
                    swept[at] += 1
                    left = table.nelems[span] - table.allocated[span]
                    if left:
                        self.pool.push(span)
                        found += left
                    else:
                        vain += 1
                        sequences += not goes_on
                        self.full.push(span)
                    goes_on = not left
                slots -= found
            unswept.head = head
        in_vain[at] += vain
        sweeps_in_vain[at] += sequences + vain // SWEEP_BUDGET

    cdef void share_out(
        self, Py_ssize_t at, i64 span_class, bint fresh, Vector used, Vector slots
    ) except *:
        """Every P in need goes through the pool; its last span stays in its cache."""
        cdef i64[::1] allocated = self.table.allocated, nelems = self.table.nelems
        cdef Py_ssize_t p, next_ = 0
        cdef i64 in_use = 0, missing, held, span, some
        for p in range(self.missing.shape[1]):
            missing = self.missing[at, p]
            if not missing or next_ == self.pool.size:
                continue
            held = self.cached[span_class, p]
            while missing and next_ < self.pool.size:
                if held >= 0:
                    self.full.push(held)
                held = span = self.pool.data[next_]
                next_ += 1
                in_use += allocated[span]
                some = min(missing, nelems[span] - allocated[span])
                allocated[span] += some
                missing -= some
                used.push(span)
                slots.push(some)
            self.cached[span_class, p] = held
            self.missing[at, p] = missing
        if fresh:
            self.fresh_number[at] += next_
        else:
            self.number[at] += next_
        self.heap_live[at] += next_ * self.span_pages[span_class] * PAGE
        self.heap_live[at] -= self.slot_size[span_class] * in_use
        while next_ < self.pool.size:
            span = self.pool.data[next_]
            next_ += 1
            if nelems[span] > allocated[span]:
                self.partial.push(span)
            else:
                self.full.push(span)


def sweep_into_sets(heap, i64[::1] spans):
    """Sweep spans in a row; those with live slots go into swept sets, the dead ones come back."""
    cdef Table table = Table(heap)
    cdef Vector full = Vector(), partial = Vector(), dead = Vector()
    cdef i64[::1] classes = heap.spans.span_class
    cdef Py_ssize_t i
    cdef i64 span, span_class = -1
    for i in range(spans.shape[0]):
        span = spans[i]
        table.sweep(span)
        if not table.live[span]:
            dead.push(span)
            continue
        if classes[span] != span_class:
            flush_sets(heap, span_class, full, partial)
            span_class = classes[span]
        if table.nelems[span] > table.allocated[span]:
            partial.push(span)
        else:
            full.push(span)
    flush_sets(heap, span_class, full, partial)
    table.note_swept(heap.stats)
    found = np.empty(dead.size, dtype=np.int64)
    dead.copy_to(found, 0, 0, dead.size)
    return found


cdef void flush_sets(heap, i64 span_class, Vector full, Vector partial) except *:
    if full.size or partial.size:
        central = heap.centrals[span_class]
        push_all(central.full_swept, full)
        push_all(central.partial_swept, partial)


# -- pages -----------------------------------------------------------------------------------


cdef int CHUNK_PAGES = 512
cdef int WORDS = 8  # of a chunk


cdef void load(object bitmap, u64* words) except *:
    """A bitmap of a chunk as words."""
    cdef bytes raw = bitmap.to_bytes(64, "little")
    memcpy(words, <const char*> raw, 64)


cdef object bitmap_of(u64* words):
    return int.from_bytes((<char*> words)[:64], "little")


cdef inline u64 window(u64* words, Py_ssize_t first):
    """64 bits from one on; the word behind must be there."""
    cdef Py_ssize_t word = first >> 6
    cdef int shift = first & 63
    if not shift:
        return words[word]
    return words[word] >> shift | words[word + 1] << (64 - shift)


cdef inline void clear(u64* words, Py_ssize_t first, u64 mask):
    """Clear the bits of a mask that begins at one."""
    cdef Py_ssize_t word = first >> 6
    cdef int shift = first & 63
    words[word] &= ~(mask << shift)
    if shift:
        words[word + 1] &= ~(mask >> (64 - shift))


def take_runs(pages, Py_ssize_t npages, Py_ssize_t count):
    """See sim.go.pageruns.take_runs, but for all of the heap: fewer if there is no more room."""
    cdef list used = pages.used, scavenged = pages.scavenged
    cdef int[::1] bounds = pages.bounds
    cdef Py_ssize_t chunks = len(used), chunk = pages.low, place, found = 0, last = -1, spill, taken
    cdef u64 free_[17]
    cdef u64 scav[17]
    cdef u64 mask = ~<u64> 0 if npages == 64 else (<u64> 1 << npages) - 1
    cdef u64 there, returned
    cdef Vector where = Vector(), number = Vector()
    page, released = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    cdef i64[::1] page_ = page, released_ = released
    free_[16] = scav[16] = 0
    while found < count:
        while chunk < chunks and bounds[chunk] < npages:
            chunk += 1
        if chunk >= chunks:
            break
        load_free(used, chunk, chunks, free_)
        load(scavenged[chunk], scav)
        memset(scav + WORDS, 0, 64)
        if chunk + 1 < chunks:
            load(scavenged[chunk + 1], scav + WORDS)
        returned = 0
        place = taken = spill = 0
        while found < count:
            place = next_bit(free_, place)
            if place >= CHUNK_PAGES:
                break
            there = window(free_, place) & mask
            if there != mask:
                place += 1 + __builtin_ctzll(~there)
                continue
            clear(free_, place, mask)
            there = window(scav, place) & mask
            if there:
                clear(scav, place, mask)
            returned |= there
            page_[found] = chunk * CHUNK_PAGES + place
            released_[found] = __builtin_popcountll(there)
            found += 1
            place += npages
            taken += npages
            spill = max(place - CHUNK_PAGES, 0)
            last = chunk
        if place >= CHUNK_PAGES:
            bounds[chunk] = min(bounds[chunk], npages - 1)
        if taken:
            store_taken(used, scavenged, chunk, free_, scav, returned != 0)
            count_pages(where, number, chunk, taken - spill)
            if spill:
                store_taken(used, scavenged, chunk + 1, free_ + WORDS, scav + WORDS, returned != 0)
                count_pages(where, number, chunk + 1, spill)
        chunk += 1
    if npages == 1 and last >= 0:
        pages.low = last
    return page[:found], released[:found], array_of(where), array_of(number)


cdef inline Py_ssize_t next_bit(u64* words, Py_ssize_t first):
    """The first set bit of a chunk from one on, or CHUNK_PAGES."""
    cdef Py_ssize_t word = first >> 6
    if first >= CHUNK_PAGES:
        return CHUNK_PAGES
    cdef u64 bits = words[word] >> (first & 63) << (first & 63)
    while not bits:
        word += 1
        if word == WORDS:
            return CHUNK_PAGES
        bits = words[word]
    return (word << 6) + __builtin_ctzll(bits)


cdef void load_free(list used, Py_ssize_t chunk, Py_ssize_t chunks, u64* words) except *:
    """Free pages of a chunk and of the next one, if there is one."""
    cdef Py_ssize_t i
    load(used[chunk], words)
    memset(words + WORDS, 255, 64)
    if chunk + 1 < chunks:
        load(used[chunk + 1], words + WORDS)
    for i in range(2 * WORDS):
        words[i] = ~words[i]


cdef void store_taken(
    list used, list scavenged, Py_ssize_t chunk, u64* words, u64* scav, bint returned
) except *:
    cdef u64 taken[8]
    cdef Py_ssize_t i
    for i in range(WORDS):
        taken[i] = ~words[i]
    used[chunk] = bitmap_of(taken)
    if returned:
        scavenged[chunk] = bitmap_of(scav)


cdef void count_pages(Vector where, Vector number, Py_ssize_t chunk, i64 pages) except *:
    if where.size and where.data[where.size - 1] == chunk:
        number.data[number.size - 1] += pages
    else:
        where.push(chunk)
        number.push(pages)


cdef object array_of(Vector values):
    found = np.empty(values.size, dtype=np.int64)
    values.copy_to(found, 0, 0, values.size)
    return found


def bitmaps_of(i64[::1] first, i64[::1] npages):
    """Some runs of pages by chunk: chunks, pages in each, their bitmaps.

    ValueError if they overlap.
    """
    cdef Py_ssize_t i, chunk, low = first[0], high = 0, place, left, some
    cdef int shift
    cdef u64 mask
    for i in range(first.shape[0]):
        low, high = min(low, first[i]), max(high, first[i] + npages[i])
    low = low // CHUNK_PAGES
    high = (high + CHUNK_PAGES - 1) // CHUNK_PAGES
    bitmaps = np.zeros((high - low) * WORDS, dtype=np.uint64)
    cdef u64[::1] words = bitmaps
    for i in range(first.shape[0]):
        place, left = first[i] - low * CHUNK_PAGES, npages[i]
        while left:
            shift = place & 63
            some = min(left, 64 - shift)
            mask = (~<u64> 0 if some == 64 else (<u64> 1 << some) - 1) << shift
            if words[place >> 6] & mask:
                raise ValueError
            words[place >> 6] |= mask
            place, left = place + some, left - some
    cdef Vector where = Vector(), number = Vector()
    cdef list found = []
    for chunk in range(high - low):
        left = 0
        for i in range(chunk * WORDS, chunk * WORDS + WORDS):
            left += __builtin_popcountll(words[i])
        if left:
            where.push(low + chunk)
            number.push(left)
            found.append(bitmap_of(&words[chunk * WORDS]))
    return array_of(where), array_of(number), found


# -- fresh spans -----------------------------------------------------------------------------


def spread_evenly(i64[::1] number, unsigned char[::1] chosen):
    """The place of its class for every span: those of the chosen classes, spread evenly.

    See sim.go.refill.fresh_spans.
    """
    cdef Py_ssize_t at, i, best
    cdef double lowest
    places = np.flatnonzero(np.asarray(chosen) * np.asarray(number))
    mine = np.asarray(number)[places]
    cdef i64[::1] places_ = places, number_ = mine, rank = np.zeros(len(places), dtype=np.int64)
    cdef double[::1] keys = 0.5 / mine
    which = np.empty(mine.sum(), dtype=np.int64)
    cdef i64[::1] which_ = which
    for i in range(which_.shape[0]):
        best, lowest = 0, keys[0]
        for at in range(1, keys.shape[0]):
            if keys[at] < lowest:
                best, lowest = at, keys[at]
        which_[i] = places_[best]
        rank[best] += 1
        keys[best] = (rank[best] + 0.5) / number_[best] if rank[best] < number_[best] else INFINITY
    return which


def by_class(i64[::1] which, i64[::1] number, i64[::1] spans, i64[::1] into, i64[::1] faulted, i64[::1] total):
    """Put spans behind each other class by class, and sum up what the OS has to provide."""
    cdef Py_ssize_t i, at
    cdef i64 behind = 0
    cdef i64[::1] next_ = np.cumsum(number) - number
    for i in range(which.shape[0]):
        at = which[i]
        into[next_[at]] = spans[i]
        next_[at] += 1
        total[at] += faulted[i]


# -- rows of the ledger ----------------------------------------------------------------------


def lay_out(room, i64[::1] objects, i64[::1] bursts, i64[::1] group, i64[::1] order, double[::1] phase):
    """See sim.workload.layout.lay_out: rows as (span, part, objects) in one number each, in no order.

    `order` is that of the bursts of all parts, which lie behind each other.
    """
    cdef i64[::1] slots = room.slots, number = room.number
    cdef Py_ssize_t parts = objects.shape[0], part, i, at, g, edge = 0, here = 0
    cdef i64 before = 0, some
    cdef int part_bits = (<object> parts).bit_length()
    cdef i64 behind = 0, offset, length, end, begin, passed = 0, start
    cdef double spare
    cdef i64[::1] first = np.cumsum(bursts) - bursts
    cdef i64[::1] part_of = np.repeat(np.arange(parts), bursts)
    cdef i64[::1] edges = np.cumsum(slots)
    groups = number.shape[0]
    cdef i64[::1] count = np.zeros(groups, dtype=np.int64), wanted = np.zeros(groups, dtype=np.int64)
    cdef Vector rows = Vector()
    for part in range(parts):
        count[group[part]] += bursts[part]
        wanted[group[part]] += objects[part]
    i = 0
    for g in range(groups):
        start = behind
        here += number[g]
        behind = edges[here - 1] if here else 0
        spare = <double> (behind - start - wanted[g]) / <double> max(count[g], 1)
        for at in range(count[g]):
            part = part_of[order[i]]
            offset = order[i] - first[part]
            length = objects[part] // bursts[part] + (offset < objects[part] % bursts[part])
            i += 1
            passed += length
            end = passed - before + start + <i64> ((at + phase[g]) * spare)
            begin = end - length
            while edges[edge] <= begin:
                edge += 1
            while edge and edges[edge - 1] > begin:
                edge -= 1
            while True:  # span by span
                some = min(end, edges[edge]) - max(begin, edges[edge] - slots[edge])
                if some:
                    rows.push((<i64> edge << part_bits | part) << COUNT_BITS | some)
                if edges[edge] >= end:
                    break
                edge += 1
        before += wanted[g]
    return array_of(rows)


def sum_rows(i64[::1] rows, Py_ssize_t parts):
    """Rows of `lay_out` in order: spans, parts and objects, one for every pair of the first two."""
    cdef int part_bits = (<object> parts).bit_length()
    cdef Py_ssize_t i, at = -1
    cdef i64 pair, last = -1
    found = np.empty((3, rows.shape[0]), dtype=np.int64)
    cdef i64[:, ::1] found_ = found
    for i in range(rows.shape[0]):
        pair = rows[i] >> COUNT_BITS
        if pair != last:
            at, last = at + 1, pair
            found_[0, at] = pair >> part_bits
            found_[1, at] = pair & ((<i64> 1 << part_bits) - 1)
            found_[2, at] = 0
        found_[2, at] += rows[i] & ((1 << COUNT_BITS) - 1)
    return found[:, : at + 1]


def one_row_a_span(list parts):
    """See sim.workload.population: spans, kinds and objects, and the objects by kind."""
    cdef i64[::1] span, kind, number, objects, kinds
    cdef Py_ssize_t i, spans = 0, most = 0, at = 0
    for rows in parts:
        span, kind = rows.span, rows.kind
        for i in range(span.shape[0]):
            spans, most = max(spans, span[i] + 1), max(most, kind[i] + 1)
    objects, kinds = np.zeros(spans, dtype=np.int64), np.empty(spans, dtype=np.int64)
    by_kind = np.zeros(most, dtype=np.int64)
    for rows in parts:
        span, kind, number = rows.span, rows.kind, rows.objects
        for i in range(span.shape[0]):
            objects[span[i]] += number[i]
            kinds[span[i]] = kind[i]
    there = Vector()
    found = np.empty((3, spans), dtype=np.int64)
    cdef i64[:, ::1] found_ = found
    cdef i64[::1] by_kind_ = by_kind
    for i in range(spans):
        if objects[i]:
            found_[0, at], found_[1, at], found_[2, at] = i, kinds[i], objects[i]
            by_kind_[kinds[i]] += objects[i]
            at += 1
    return found[0, :at], found[1, :at], found[2, :at], by_kind


def spans_per_kind(list parts, i64[::1] rank):
    """See sim.workload.ledger.Ledger.spans_per_kind."""
    cdef i64[::1] span, kind
    cdef Py_ssize_t i, spans = 0, ranks = 0
    for i in range(rank.shape[0]):
        ranks = max(ranks, rank[i] + 1)
    for rows in parts:
        span = rows.span
        for i in range(span.shape[0]):
            spans = max(spans, span[i] + 1)
    cdef short[::1] there = np.full(spans * ranks, -1, dtype=np.int16)
    for rows in parts:
        span, kind = rows.span, rows.kind
        for i in range(span.shape[0]):
            there[span[i] * ranks + rank[kind[i]]] = kind[i]
    found = np.zeros(rank.shape[0], dtype=np.int64)
    cdef i64[::1] found_ = found
    for i in range(there.shape[0]):
        if there[i] >= 0:
            found_[there[i]] += 1
    return found


# -- chance ----------------------------------------------------------------------------------


def binomial(rng, i64[::1] n, double p):
    """`rng.binomial(n, p)`: the same draws, with what depends on n alone worked out once.

    Source: numpy/random/src/distributions/distributions.c, random_binomial_inversion.
    """
    cdef bitgen_t* bits = <bitgen_t*> PyCapsule_GetPointer(
        rng.bit_generator.capsule, "BitGenerator"
    )
    cdef double rare = p if p <= 0.5 else 1.0 - p, q = 1.0 - rare, u, px, mean
    cdef Py_ssize_t i, most = 0
    cdef i64 number, x
    for i in range(n.shape[0]):
        most = max(most, n[i])
    most = min(most, <Py_ssize_t> (MOST_BY_INVERSION / max(rare, 1e-5)))
    cdef i64[::1] bounds = np.full(most + 1, -1)  # by n, once it has come
    cdef double[::1] none = np.empty(most + 1)
    found = np.zeros(n.shape[0], dtype=np.int64)
    cdef i64[::1] found_ = found
    for i in range(n.shape[0]):
        number = n[i]
        if number == 0 or p == 0.0:
            continue
        if number > most or rare * number > MOST_BY_INVERSION:
            found_[i] = rng.binomial(number, p)
            continue
        if bounds[number] < 0:
            mean = number * rare
            none[number] = exp(number * log1p(-rare))
            bounds[number] = <i64> min(<double> number, mean + 10.0 * sqrt(mean * q + 1))
        x, px, u = 0, none[number], bits.next_double(bits.state)
        while u > px:
            x += 1
            if x > bounds[number]:
                x, px, u = 0, none[number], bits.next_double(bits.state)
            else:
                u -= px
                px = ((number - x + 1) * rare * px) / (x * q)
        found_[i] = x if p <= 0.5 else number - x
    return found


def all_there(double hold, const double[::1] think, Py_ssize_t customers):
    """See sim.engine.queueing: how likely the lock is held, and the mean wait."""
    cdef Py_ssize_t i, others
    cdef double rate, met, response
    busy, wait = np.zeros(think.shape[0]), np.zeros(think.shape[0])
    cdef double[::1] busy_ = busy, wait_ = wait
    for i in range(think.shape[0]):
        met, response = 0.0, hold
        for others in range(1, customers):
            rate = others / (response + think[i])
            met = min(rate * hold, 1.0)
            response = hold * (1 + rate * response - met / 2)
        busy_[i], wait_[i] = met, response - hold
    return busy, wait


def some_in_part(double hold, const double[::1] think, const double[::1] customers, Py_ssize_t most):
    """The same where each lock has a number of customers of its own, the last of them in part."""
    cdef Py_ssize_t i, present
    cdef double rate, met, response, there
    busy, wait = np.zeros(think.shape[0]), np.zeros(think.shape[0])
    cdef double[::1] busy_ = busy, wait_ = wait
    for i in range(think.shape[0]):
        response = hold
        for present in range(2, most + 1):
            rate = (present - 1) / (response + think[i])
            met = min(rate * hold, 1.0)
            response = hold * (1 + rate * response - met / 2)
            there = min(max(customers[i] - present + 1, 0.0), 1.0)
            busy_[i] = (1 - there) * busy_[i] + there * met
            wait_[i] = (1 - there) * wait_[i] + there * (response - hold)
    return busy, wait
