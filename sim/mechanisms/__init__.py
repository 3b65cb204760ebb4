"""Mechanisms one object at a time: where an allocation goes, and small heaps to watch."""
