"""The state of the run at one instant, under the names of Go's runtime/metrics.

Columns that begin with `sim:` are what only a model can know.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.record.column import Column, go_metric


class Sample(NamedTuple):
    """State and counters at regular instants: metrics of Go, and `sim:` columns of the model.

    What the fluid mode does not know is null.
    """

    at_ns: Annotated[int, Column("ns", "when")]

    heap_free: Annotated[int, go_metric("/memory/classes/heap/free:bytes")]
    heap_objects: Annotated[int, go_metric("/memory/classes/heap/objects:bytes")]
    heap_released: Annotated[int, go_metric("/memory/classes/heap/released:bytes")]
    heap_stacks: Annotated[int, go_metric("/memory/classes/heap/stacks:bytes")]
    heap_unused: Annotated[int, go_metric("/memory/classes/heap/unused:bytes")]
    mcache_free: Annotated[int | None, go_metric("/memory/classes/metadata/mcache/free:bytes")]
    mcache_inuse: Annotated[int, go_metric("/memory/classes/metadata/mcache/inuse:bytes")]
    mspan_free: Annotated[int | None, go_metric("/memory/classes/metadata/mspan/free:bytes")]
    mspan_inuse: Annotated[int, go_metric("/memory/classes/metadata/mspan/inuse:bytes")]
    metadata_other: Annotated[int, go_metric("/memory/classes/metadata/other:bytes")]
    os_stacks: Annotated[int | None, go_metric("/memory/classes/os-stacks:bytes")]
    other: Annotated[int, go_metric("/memory/classes/other:bytes")]
    profiling_buckets: Annotated[int, go_metric("/memory/classes/profiling/buckets:bytes")]
    total: Annotated[int, go_metric("/memory/classes/total:bytes")]

    allocs_bytes: Annotated[int, go_metric("/gc/heap/allocs:bytes")]
    allocs_objects: Annotated[int, go_metric("/gc/heap/allocs:objects")]
    frees_bytes: Annotated[int, go_metric("/gc/heap/frees:bytes")]
    frees_objects: Annotated[int | None, go_metric("/gc/heap/frees:objects")]
    tiny_allocs: Annotated[int | None, go_metric("/gc/heap/tiny/allocs:objects")]
    heap_goal: Annotated[int, go_metric("/gc/heap/goal:bytes")]
    heap_marked: Annotated[int, go_metric("/gc/heap/live:bytes")]
    objects: Annotated[int, go_metric("/gc/heap/objects:objects")]
    finalizers_queued: Annotated[int, go_metric("/gc/finalizers/queued:finalizers")]
    finalizers_executed: Annotated[int, go_metric("/gc/finalizers/executed:finalizers")]
    cycles_automatic: Annotated[int, go_metric("/gc/cycles/automatic:gc-cycles")]
    cycles_forced: Annotated[int, go_metric("/gc/cycles/forced:gc-cycles")]
    cycles_total: Annotated[int, go_metric("/gc/cycles/total:gc-cycles")]
    gogc: Annotated[int, go_metric("/gc/gogc:percent")]
    gomemlimit: Annotated[int, go_metric("/gc/gomemlimit:bytes")]
    limiter_last_enabled: Annotated[int, go_metric("/gc/limiter/last-enabled:gc-cycle")]
    scan_globals: Annotated[int, go_metric("/gc/scan/globals:bytes")]
    scan_heap: Annotated[int, go_metric("/gc/scan/heap:bytes")]
    scan_stack: Annotated[int, go_metric("/gc/scan/stack:bytes")]
    scan_total: Annotated[int, go_metric("/gc/scan/total:bytes")]
    stack_starting_size: Annotated[int, go_metric("/gc/stack/starting-size:bytes")]

    cpu_assist: Annotated[float, go_metric("/cpu/classes/gc/mark/assist:cpu-seconds")]
    cpu_dedicated: Annotated[float, go_metric("/cpu/classes/gc/mark/dedicated:cpu-seconds")]
    cpu_gc_idle: Annotated[float, go_metric("/cpu/classes/gc/mark/idle:cpu-seconds")]
    cpu_pause: Annotated[float, go_metric("/cpu/classes/gc/pause:cpu-seconds")]
    cpu_gc_total: Annotated[float, go_metric("/cpu/classes/gc/total:cpu-seconds")]
    cpu_idle: Annotated[float, go_metric("/cpu/classes/idle:cpu-seconds")]
    cpu_scavenge_assist: Annotated[float, go_metric("/cpu/classes/scavenge/assist:cpu-seconds")]
    cpu_scavenge_background: Annotated[
        float, go_metric("/cpu/classes/scavenge/background:cpu-seconds")
    ]
    cpu_scavenge_total: Annotated[float, go_metric("/cpu/classes/scavenge/total:cpu-seconds")]
    cpu_total: Annotated[float, go_metric("/cpu/classes/total:cpu-seconds")]
    cpu_user: Annotated[float, go_metric("/cpu/classes/user:cpu-seconds")]

    gomaxprocs: Annotated[int, go_metric("/sched/gomaxprocs:threads")]
    goroutines: Annotated[int, go_metric("/sched/goroutines:goroutines")]
    goroutines_created: Annotated[int | None, go_metric("/sched/goroutines-created:goroutines")]
    goroutines_runnable: Annotated[int | None, go_metric("/sched/goroutines/runnable:goroutines")]
    goroutines_running: Annotated[int, go_metric("/sched/goroutines/running:goroutines")]
    goroutines_waiting: Annotated[int, go_metric("/sched/goroutines/waiting:goroutines")]

    phase: Annotated[str, Column("text", "GC phase: off, mark or mark-termination", "sim:phase")]
    heap_live: Annotated[
        int, Column("bytes", "heap_live of the pacer, which triggers", "sim:heap/live:bytes")
    ]
    trigger: Annotated[
        int, Column("bytes", "heap_live that starts the next cycle", "sim:heap/trigger:bytes")
    ]
    reachable: Annotated[
        int | None, Column("bytes", "what the program can reach", "sim:heap/reachable:bytes")
    ]
    rss: Annotated[int, Column("bytes", "resident memory of the process", "sim:rss:bytes")]
