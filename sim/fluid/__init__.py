"""The rules of Go driven by rates: one run is a sequence of cycles, one cycle a few equations."""
