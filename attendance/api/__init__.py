"""The REST API under /api/v1/. Rights and functions are those of the pages."""
