"""Settings, URLs, health checks and the entry points of the server and of Celery."""
