"""The REST API under /api/v1/: thin doors to the rooms, with the same rights and the same writers as the pages."""
