"""What a user may say: typed configs from YAML, with file and line in every complaint."""

from sim.config.load import load, load_program
from sim.config.policy import Policy
from sim.config.run import NO_GC, NO_LIMIT, RunConfig

__all__ = ["NO_GC", "NO_LIMIT", "Policy", "RunConfig", "load", "load_program"]
