"""Errors, rights, audit, clock and encrypted storage that every other package uses."""
