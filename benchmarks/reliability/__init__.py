"""Faults, hostile input and extreme programs, at random: `python -m benchmarks.reliability`."""
