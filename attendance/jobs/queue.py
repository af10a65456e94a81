"""The queue of jobs: work that takes longer than a request.

A row holds the state of a job; Celery only wakes a worker, and a wake-up may be lost. `start` writes the row in the
caller's transaction and wakes a worker on commit. `run` claims the row, so that a job which was announced twice runs
once. `recover` wakes workers again for jobs that nobody began or whose worker died, which the heartbeat shows.
"""

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from attendance.core.errors import Refused
from attendance.models import Job, User

logger = logging.getLogger(__name__)

# A handler reports its progress more often than this, else another worker takes the job over.
STALLED_AFTER = dt.timedelta(seconds=60)
# A job that waits longer than this is announced again.
WAKE_AGAIN_AFTER = dt.timedelta(seconds=10)
MOST_ATTEMPTS = 3
# The task that runs a job, by name, because this package does not import `attendance.tasks`.
RUN_TASK = "attendance.tasks.run_job"

Handler = Callable[["Work"], Mapping[str, Any]]
_handlers: dict[str, Handler] = {}


class TakenOver(Exception):
    """Another worker has taken the job over: stop at once and write nothing more."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A job as its handler gets it. Handlers may run again after a crash, so repeating a step must do no harm."""

    job_id: UUID
    attempt: int
    payload: Mapping[str, Any]
    actor: User | None

    def progress(self, done: int, total: int) -> None:
        """Store the progress, which is also the heartbeat. Raises `TakenOver`."""
        if not _rows_of(self).update(progress=done, total=total, heartbeat_at=timezone.now()):
            raise TakenOver


def _rows_of(work: Work) -> QuerySet[Job]:
    """Return the row of the job, or no row where another worker has taken it over."""
    return Job.objects.filter(pk=work.job_id, state=Job.State.RUNNING, attempt=work.attempt)


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Return a decorator that registers the function that runs jobs of a kind."""

    def register(function: Handler) -> Handler:
        _handlers[kind] = function
        return function

    return register


def start(*, kind: str, payload: Mapping[str, Any], actor: User | None) -> Job:
    """Write a job in the caller's transaction, and wake a worker once it has committed."""
    job = Job.objects.create(kind=kind, payload=dict(payload), created_by=actor)
    transaction.on_commit(lambda: wake_worker(job.pk), robust=True)
    return job


def wake_worker(job_id: UUID) -> bool:
    """Send the job's id to a worker. Return False if the broker does not answer; `recover` then tries again."""
    try:
        current_app.send_task(RUN_TASK, (str(job_id),), retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("the broker does not answer, job %s is announced again later: %s", job_id, error)
        return False
    return True


def run(job_id: UUID) -> None:
    """Claim a job and run it. Do nothing if another worker has it, or if it is finished or deleted."""
    work = _claim(job_id)
    if work is None:
        return
    try:
        result = _handler(work)(work)
    except TakenOver:
        logger.warning("job %s was taken over by another worker", job_id)
    except Refused as refusal:
        _finish(work, Job.State.FAILED, error=refusal.message)
    except Exception as error:
        # The edge of the task: a fault in a handler must not leave the job running for ever.
        logger.exception("job %s failed", job_id)
        again = work.attempt < MOST_ATTEMPTS
        _finish(work, Job.State.WAITING if again else Job.State.FAILED, error=type(error).__name__)
    else:
        _finish(work, Job.State.DONE, result=dict(result))


def _handler(work: Work) -> Handler:
    kind = Job.objects.values_list("kind", flat=True).get(pk=work.job_id)
    if kind not in _handlers:
        raise Refused("no_such_job", f"Nothing here does jobs of the kind “{kind}”.")
    return _handlers[kind]


def _claim(job_id: UUID) -> Work | None:
    now = timezone.now()
    stalled = Q(state=Job.State.RUNNING, heartbeat_at__lt=now - STALLED_AFTER)
    unclaimed = Q(state=Job.State.WAITING) | stalled
    claimed = Job.objects.filter(unclaimed, pk=job_id, attempt__lt=MOST_ATTEMPTS).update(
        state=Job.State.RUNNING, attempt=F("attempt") + 1, started_at=now, heartbeat_at=now, error=""
    )
    if not claimed:
        return None
    job = Job.objects.select_related("created_by").get(pk=job_id)
    return Work(job.pk, job.attempt, job.payload, job.created_by)


def _finish(
    work: Work, state: Job.State, *, error: str = "", result: Mapping[str, Any] | None = None
) -> None:
    finished_at = None if state == Job.State.WAITING else timezone.now()
    _rows_of(work).update(state=state, error=error[:300], result=result or {}, finished_at=finished_at)


def recover(*, now: dt.datetime) -> int:
    """Wake workers for jobs that nobody began or whose worker died; jobs whose worker died too often fail.

    Return how many workers were woken.
    """
    stalled = Q(state=Job.State.RUNNING, heartbeat_at__lt=now - STALLED_AFTER)
    Job.objects.filter(stalled, attempt__gte=MOST_ATTEMPTS).update(
        state=Job.State.FAILED, error="Its worker stopped each time. See the log.", finished_at=now
    )
    not_begun = Q(state=Job.State.WAITING, created_at__lt=now - WAKE_AGAIN_AFTER)
    job_ids = list(
        Job.objects.filter(stalled | not_begun).order_by("created_at").values_list("pk", flat=True)
    )
    woken = 0
    for job_id in job_ids:
        if not wake_worker(job_id):
            break  # The broker does not answer; each further try would only wait for its timeout.
        woken += 1
    return woken
