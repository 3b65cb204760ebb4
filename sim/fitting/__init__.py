"""Logs into programs, with what could not be known."""
