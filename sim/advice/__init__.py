"""Numbers into sentences: what other settings would do, and which ones to take."""
