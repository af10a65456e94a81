"""Enrolment photos and templates."""
