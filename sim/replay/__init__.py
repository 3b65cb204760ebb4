"""The program of a log, replayed under another setting through Go's pacer and limiter."""
