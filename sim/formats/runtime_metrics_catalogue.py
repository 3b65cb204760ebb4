"""All metrics of Go 1.27's runtime/metrics (runtime/metrics/description.go, internal/godebugs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.formats.runtime_metrics import Metric, MetricKind

_COUNTERS: Final = {
    "/cgo/go-to-c-calls:calls": "Calls from Go into C.",
    "/gc/cleanups/executed:cleanups": "Functions given to runtime.AddCleanup that have run.",
    "/gc/cleanups/queued:cleanups": "Functions given to runtime.AddCleanup that became due.",
    "/gc/cycles/automatic:gc-cycles": "Finished GC cycles that the runtime started by itself.",
    "/gc/cycles/forced:gc-cycles": "Finished GC cycles that the program asked for.",
    "/gc/cycles/total:gc-cycles": "Finished GC cycles of both kinds.",
    "/gc/finalizers/executed:finalizers": "Finalizers that have run.",
    "/gc/finalizers/queued:finalizers": "Finalizers that became due.",
    "/gc/heap/allocs:bytes": "Bytes allocated on the heap since program start.",
    "/gc/heap/allocs:objects": "Objects allocated on the heap; a block of tiny ones counts once.",
    "/gc/heap/frees:bytes": "Heap bytes that sweeping has freed.",
    "/gc/heap/frees:objects": "Heap objects that sweeping has freed; a tiny block counts once.",
    "/gc/heap/tiny/allocs:objects": "Tiny allocations, which share blocks of 16 bytes.",
    "/sched/goroutines-created:goroutines": "Goroutines started since program start.",
}
_GAUGES: Final = {
    "/gc/gogc:percent": "GOGC in force.",
    "/gc/gomemlimit:bytes": "GOMEMLIMIT in force; the largest int64 without one.",
    "/gc/heap/goal:bytes": "Heap size at which the current or next cycle is to end.",
    "/gc/heap/live:bytes": "Heap that the last cycle marked as reachable.",
    "/gc/heap/objects:objects": "Objects on the heap, alive or not yet swept.",
    "/gc/limiter/last-enabled:gc-cycle": "Last cycle in which the GC CPU limiter cut in; 0: none.",
    "/gc/scan/globals:bytes": "Global variables that may hold pointers.",
    "/gc/scan/heap:bytes": "Heap that may hold pointers.",
    "/gc/scan/stack:bytes": "Stack that the last cycle scanned.",
    "/gc/scan/total:bytes": "Sum of the three metrics of /gc/scan.",
    "/gc/stack/starting-size:bytes": "Stack that a new goroutine gets.",
    "/memory/classes/heap/free:bytes": "Free pages that the process still holds.",
    "/memory/classes/heap/objects:bytes": "Objects, alive or not yet swept.",
    "/memory/classes/heap/released:bytes": "Free pages given back to the operating system.",
    "/memory/classes/heap/stacks:bytes": "Pages set aside for goroutine stacks.",
    "/memory/classes/heap/unused:bytes": "Room in spans that holds no object.",
    "/memory/classes/metadata/mcache/free:bytes": "Room for mcaches, not in use.",
    "/memory/classes/metadata/mcache/inuse:bytes": "Mcaches.",
    "/memory/classes/metadata/mspan/free:bytes": "Room for span descriptors, not in use.",
    "/memory/classes/metadata/mspan/inuse:bytes": "Span descriptors.",
    "/memory/classes/metadata/other:bytes": "Other bookkeeping of the runtime.",
    "/memory/classes/os-stacks:bytes": "Stacks that the operating system allocated.",
    "/memory/classes/other:bytes": "Trace buffers, specials, debugging structures and the like.",
    "/memory/classes/profiling/buckets:bytes": "Stack traces kept for profiles.",
    "/memory/classes/total:bytes": "All memory mapped by the runtime: the sum of the classes.",
    "/sched/gomaxprocs:threads": "GOMAXPROCS in force.",
    "/sched/goroutines/not-in-go:goroutines": "Goroutines in a system call or in C.",
    "/sched/goroutines/runnable:goroutines": "Goroutines waiting for a processor.",
    "/sched/goroutines/running:goroutines": "Goroutines on a processor.",
    "/sched/goroutines/waiting:goroutines": "Goroutines blocked on I/O or on each other.",
    "/sched/goroutines:goroutines": "Goroutines that exist.",
    "/sched/threads/total:threads": "Threads that the runtime owns.",
}
_TIMES: Final = {
    "/cpu/classes/gc/mark/assist:cpu-seconds": "Marking done by goroutines that allocate.",
    "/cpu/classes/gc/mark/dedicated:cpu-seconds": "Marking by dedicated and fractional workers.",
    "/cpu/classes/gc/mark/idle:cpu-seconds": "Marking by Ps that had nothing else to do.",
    "/cpu/classes/gc/pause:cpu-seconds": "GC pauses times GOMAXPROCS.",
    "/cpu/classes/gc/total:cpu-seconds": "Sum of the metrics of /cpu/classes/gc.",
    "/cpu/classes/idle:cpu-seconds": "CPU time available and not used.",
    "/cpu/classes/scavenge/assist:cpu-seconds": "Returning memory at once, under a limit.",
    "/cpu/classes/scavenge/background:cpu-seconds": "Returning memory in the background.",
    "/cpu/classes/scavenge/total:cpu-seconds": "Sum of the metrics of /cpu/classes/scavenge.",
    "/cpu/classes/total:cpu-seconds": "GOMAXPROCS integrated over time: the sum of the classes.",
    "/cpu/classes/user:cpu-seconds": "The program's own code.",
    "/sync/mutex/wait/total:seconds": "Time goroutines were blocked on locks.",
}
_HISTOGRAMS: Final = {
    "/gc/heap/allocs-by-size:bytes": "Allocations by size.",
    "/gc/heap/frees-by-size:bytes": "Freed objects by size.",
    "/gc/pauses:seconds": "Old name of /sched/pauses/total/gc:seconds.",
    "/sched/latencies:seconds": "How long goroutines were runnable before they ran.",
    "/sched/pauses/stopping/gc:seconds": "From the wish to stop for GC until all Ps stood still.",
    "/sched/pauses/stopping/other:seconds": "The same for stops that are not for GC.",
    "/sched/pauses/total/gc:seconds": "From the wish to stop for GC until the program went on.",
    "/sched/pauses/total/other:seconds": "The same for stops that are not for GC.",
}
_GODEBUGS: Final = """
    allowmultiplevcs containermaxprocs cryptocustomrand embedfollowsymlinks execerrdot fips140ems
    gocachehash gocachetest gocacheverify gotestjsonbuildtext htmlmetacontenturlescape http2client
    http2server httpcookiemaxnum httplaxcontentlength httpmuxgo121 httpservecontentkeepheaders
    httpservecontentmaxranges installgoroot multipartmaxheaders multipartmaxparts multipathtcp
    netedns0 panicnil randautoseed randseednop rsa1024min tarinsecurepath tlsmaxrsasize tlssha1
    updatemaxprocs urlmaxqueryparams urlstrictcolons winreadlinkvolume winsymlink
    x509negativeserial x509rsacrt x509sha256skid x509sslcertoverrideplatform x509usefallbackroots
    x509usepolicies zipinsecurepath
"""


def _catalogue() -> Mapping[str, Metric]:
    godebugs = {
        f"/godebug/non-default-behavior/{name}:events": f"Times GODEBUG={name} made a difference."
        for name in _GODEBUGS.split()
    }
    metrics = [
        Metric(name, kind, cumulative, description)
        for descriptions, kind, cumulative in (
            (_COUNTERS | godebugs, MetricKind.UINT64, True),
            (_GAUGES, MetricKind.UINT64, False),
            (_TIMES, MetricKind.FLOAT64, True),
            (_HISTOGRAMS, MetricKind.HISTOGRAM, True),
        )
        for name, description in descriptions.items()
    ]
    return {metric.name: metric for metric in sorted(metrics)}


CATALOGUE: Final = _catalogue()
"""Name to metric, in the order of Go's metrics.All."""
