"""Pacers side by side: shipped workloads, and the idealised scenarios of Go's own tests."""
