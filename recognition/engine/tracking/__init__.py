"""Tracking: the same face from frame to frame."""
