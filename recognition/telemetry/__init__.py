"""Timings and counters."""
