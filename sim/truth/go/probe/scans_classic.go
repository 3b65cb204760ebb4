//go:build !goexperiment.greenteagc

package runtime

// ProbeScans returns what the last collection scanned: all objects one by one.
func ProbeScans() (single, sparse, dense, sparseVisits, denseVisits uint64) {
	for _, s := range memstats.lastScanStats {
		single += s.sparseObjsScanned
	}
	return single, 0, 0, 0, 0
}

// ProbeVectorKernel tells whether spans are scanned as a whole: here they never are.
func ProbeVectorKernel() bool { return false }
