"""What a user may say: typed configs from YAML, with file and line in every complaint."""

from sim.config.loading import check, load, load_program
from sim.config.plain import plain_program, resolved
from sim.config.policy import Policy, catalogue
from sim.config.run import NO_GC, RunConfig
from sim.config.schema import json_schema

__all__ = [
    "NO_GC",
    "Policy",
    "RunConfig",
    "catalogue",
    "check",
    "json_schema",
    "load",
    "load_program",
    "plain_program",
    "resolved",
]
