"""The runtime under both modes: the cycle, its stops, memory accounts and what is recorded."""
