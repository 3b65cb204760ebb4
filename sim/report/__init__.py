"""Runs as pictures and pages for people."""
