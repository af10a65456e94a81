"""Erasure and time limits."""
