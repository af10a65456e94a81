"""What Celery runs, and beat's schedule.

Intervals, not hours of the day: many schools switch their server off at night.
"""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

# Importing `rebuild` registers its kind of job.
from attendance.faces import rebuild  # noqa: F401
from attendance.jobs import queue
from attendance.privacy import retention


@shared_task(name=queue.RUN_TASK, ignore_result=True)
def run_job(job_id: str) -> None:
    queue.run(UUID(job_id))


@shared_task(name="attendance.tasks.sweep_jobs", ignore_result=True)
def sweep_jobs() -> None:
    queue.sweep(now=timezone.now())


@shared_task(name="attendance.tasks.keep_time_limits", ignore_result=True)
def keep_time_limits() -> None:
    retention.delete_expired(now=timezone.now())


BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep jobs": {
        "task": "attendance.tasks.sweep_jobs",
        "schedule": 10.0,
        # Of several that no worker has taken, one is enough.
        "options": {"expires": 10.0},
    },
    "keep time limits": {
        "task": "attendance.tasks.keep_time_limits",
        "schedule": 900.0,
        "options": {"expires": 900.0},
    },
}
