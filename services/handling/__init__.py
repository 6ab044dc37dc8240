"""Handling: cases, clocks, findings, settlements, escalations, appeals."""
