"""Predictions as a page that answers: sliders for settings, redrawn as they move."""
