"""Measurements: each promise beside its floor, in the same run, as a ratio."""
