"""Erasure of a student's data, and time limits after which data are deleted."""
