//go:build goexperiment.greenteagc

package runtime

import "internal/runtime/gc/scan"

// ProbeScans returns what the last collection scanned: objects one by one, objects in visits to
// spans with few and with many marks, and the visits themselves.
func ProbeScans() (single, sparse, dense, sparseVisits, denseVisits uint64) {
	for _, s := range memstats.lastScanStats {
		single += s.sparseObjsScanned
		sparse += s.spanObjsSparseScanned
		dense += s.spanObjsDenseScanned
		sparseVisits += s.spansSparseScanned
		denseVisits += s.spansDenseScanned
	}
	return single, sparse, dense, sparseVisits, denseVisits
}

// ProbeVectorKernel tells whether this CPU scans well-filled spans with vector instructions.
func ProbeVectorKernel() bool { return scan.HasFastScanSpanPacked() }
