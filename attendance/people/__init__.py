"""Students, consents, classes, memberships and imports."""
