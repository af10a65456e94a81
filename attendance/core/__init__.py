"""Errors, rights, audit record, clock and encrypted storage, which all other packages use."""
