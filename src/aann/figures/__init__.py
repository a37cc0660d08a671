"""Figures: they read tables and draw; they never train or evaluate."""
