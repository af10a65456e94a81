"""Students, consents, classes and memberships."""
