"""What Celery runs: thin doors to the rooms. Beat's timetable stands at the end.

Intervals, not hours of the day: many schools switch their server off at night.
"""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from attendance import (
    consents,
    encodings,
    evidence,
    jobs,
    lockout,
    rebuilding,  # noqa: F401 - its import registers its kind of job
    sessions,
)


@shared_task(name="attendance.tasks.run_job", ignore_result=True)
def run_job(job_id: str) -> None:
    jobs.run(UUID(job_id))


@shared_task(name="attendance.tasks.sweep_jobs", ignore_result=True)
def sweep_jobs() -> None:
    jobs.sweep(now=timezone.now())


@shared_task(name="attendance.tasks.keep_time_limits", ignore_result=True)
def keep_time_limits() -> None:
    """Remove what may no longer be kept: evidence, faces without a consent that holds, crops of forgotten sessions."""
    now = timezone.now()
    evidence.expire(now=now)
    consents.forget_expired(now=now)
    encodings.forget_old(now=now)
    sessions.forget_left_open(now=now)
    lockout.forget_old(now=now)


BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep jobs": {
        "task": "attendance.tasks.sweep_jobs",
        "schedule": 10.0,
        # Of bells that nobody heard one is enough.
        "options": {"expires": 10.0},
    },
    "keep time limits": {
        "task": "attendance.tasks.keep_time_limits",
        "schedule": 900.0,
        "options": {"expires": 900.0},
    },
}
