"""The command line: one file per command; parse, call, print."""

from sim.cli.app import main

__all__ = ["main"]
