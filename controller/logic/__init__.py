"""Decisions on arrays: no clock, no I/O, no randomness."""
