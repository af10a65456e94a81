"""Enrolment photographs, templates, and the versions of galleries."""
