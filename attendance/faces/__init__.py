"""Enrolment photographs and templates."""
