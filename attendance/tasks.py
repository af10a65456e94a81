"""The tasks that Celery workers run, and the schedule of Celery's timer (beat).

The schedule has intervals, not times of day, because many schools switch their server off at night.
"""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

# The import registers the handler of its kind of job.
from attendance.faces import rebuild  # noqa: F401
from attendance.jobs import queue
from attendance.privacy import retention


@shared_task(name=queue.RUN_TASK, ignore_result=True)
def run_job(job_id: str) -> None:
    queue.run(UUID(job_id))


@shared_task(name="attendance.tasks.recover_jobs", ignore_result=True)
def recover_jobs() -> None:
    queue.recover(now=timezone.now())


@shared_task(name="attendance.tasks.delete_expired", ignore_result=True)
def delete_expired() -> None:
    retention.delete_expired(now=timezone.now())


BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "recover jobs": {
        "task": "attendance.tasks.recover_jobs",
        "schedule": 10.0,
        # One pending message is enough; older ones expire.
        "options": {"expires": 10.0},
    },
    "delete expired data": {
        "task": "attendance.tasks.delete_expired",
        "schedule": 900.0,
        "options": {"expires": 900.0},
    },
}
