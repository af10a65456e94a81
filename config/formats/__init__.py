"""Dates and times as pages show them: Django's own English formats use a 12-hour clock."""
