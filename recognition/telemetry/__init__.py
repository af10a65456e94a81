"""Figures of the running processes: times, counters, and the text of /metrics."""
