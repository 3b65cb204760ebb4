"""Stored runs: tables as DataFrames, and what they mean."""

from sim.results.compare import compare
from sim.results.load import load, load_run, load_runs
from sim.results.result import Result, Results

__all__ = ["Result", "Results", "compare", "load", "load_run", "load_runs"]
