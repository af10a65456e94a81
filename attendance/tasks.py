"""Work that Celery's beat rings for."""

from typing import Any

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {}
