"""Decisions about a track: thresholds, margins, and one student per face."""
