"""Work that outlasts a request. The row is the truth; Celery is only the bell, and a bell may be missed.

`start` writes a row in the caller's transaction and rings on commit. `run` claims the row, so that a bell rung twice
runs nothing twice; a worker that died is found by its heartbeat, and `sweep` rings again.
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

STALLED_AFTER = dt.timedelta(seconds=60)
"""A handler tells of its progress well within this time, else another worker takes the job over."""
UNHEARD_AFTER = dt.timedelta(seconds=10)
MOST_ATTEMPTS = 3
# The task that runs a job; jobs are below the tasks, so it is called by name.
RUN_TASK = "attendance.tasks.run_job"

Handler = Callable[["Work"], Mapping[str, Any]]
_handlers: dict[str, Handler] = {}


class TakenOver(Exception):
    """Another worker has the job now: stop at once and write nothing more."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A job as its handler sees it. A handler may be run again after a crash: what it did already must do no harm."""

    job_id: UUID
    attempt: int
    payload: Mapping[str, Any]
    actor: User | None

    def progress(self, done: int, total: int) -> None:
        """Say how far it is, which is also the heartbeat. Raises `TakenOver`."""
        if not _own(self).update(progress=done, total=total, heartbeat_at=timezone.now()):
            raise TakenOver


def _own(work: Work) -> QuerySet[Job]:
    return Job.objects.filter(pk=work.job_id, state=Job.State.RUNNING, attempt=work.attempt)


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register what runs jobs of a kind."""

    def keep(function: Handler) -> Handler:
        _handlers[kind] = function
        return function

    return keep


def start(*, kind: str, payload: Mapping[str, Any], actor: User | None) -> Job:
    """Write a job in the caller's transaction, and ring for it once that has committed."""
    job = Job.objects.create(kind=kind, payload=dict(payload), created_by=actor)
    transaction.on_commit(lambda: ring(job.pk), robust=True)
    return job


def ring(job_id: UUID) -> bool:
    """Tell a worker. False where the broker did not answer: the sweep rings again."""
    try:
        current_app.send_task(RUN_TASK, (str(job_id),), retry=False, ignore_result=True)
    except (OperationalError, OSError) as fault:
        logger.warning("job %s waits for the next sweep, the bell is out of order: %s", job_id, fault)
        return False
    return True


def run(job_id: UUID) -> None:
    """Claim a job and do it. Claimed by somebody else, finished or gone: nothing happens."""
    work = _claim(job_id)
    if work is None:
        return
    try:
        result = _handler(work)(work)
    except TakenOver:
        logger.warning("job %s was taken over by another worker", job_id)
    except Refused as refusal:
        _finish(work, Job.State.FAILED, error=refusal.message)
    except (
        Exception
    ) as fault:  # the edge of the task: a handler's bug must not leave the job running for ever
        logger.exception("job %s failed", job_id)
        again = work.attempt < MOST_ATTEMPTS
        _finish(work, Job.State.WAITING if again else Job.State.FAILED, error=type(fault).__name__)
    else:
        _finish(work, Job.State.DONE, result=dict(result))


def _handler(work: Work) -> Handler:
    kind = Job.objects.values_list("kind", flat=True).get(pk=work.job_id)
    if kind not in _handlers:
        raise Refused("no_such_job", f"Nothing here does jobs of the kind “{kind}”.")
    return _handlers[kind]


def _claim(job_id: UUID) -> Work | None:
    now = timezone.now()
    free = Q(state=Job.State.WAITING) | Q(state=Job.State.RUNNING, heartbeat_at__lt=now - STALLED_AFTER)
    claimed = Job.objects.filter(free, pk=job_id, attempt__lt=MOST_ATTEMPTS).update(
        state=Job.State.RUNNING, attempt=F("attempt") + 1, started_at=now, heartbeat_at=now, error=""
    )
    if not claimed:
        return None
    job = Job.objects.select_related("created_by").get(pk=job_id)
    return Work(job.pk, job.attempt, job.payload, job.created_by)


def _finish(
    work: Work, state: Job.State, *, error: str = "", result: Mapping[str, Any] | None = None
) -> None:
    ended = None if state == Job.State.WAITING else timezone.now()
    _own(work).update(state=state, error=error[:300], result=result or {}, finished_at=ended)


def sweep(*, now: dt.datetime) -> int:
    """Ring for every job that nobody began or whose worker died; give up those that died too often."""
    stalled = Q(state=Job.State.RUNNING, heartbeat_at__lt=now - STALLED_AFTER)
    Job.objects.filter(stalled, attempt__gte=MOST_ATTEMPTS).update(
        state=Job.State.FAILED, error="Its worker stopped each time. See the log.", finished_at=now
    )
    unheard = Q(state=Job.State.WAITING, created_at__lt=now - UNHEARD_AFTER)
    waiting = list(Job.objects.filter(stalled | unheard).order_by("created_at").values_list("pk", flat=True))
    rung = 0
    for job_id in waiting:
        if not ring(job_id):
            break  # The broker is away; each further try would only wait for its timeout.
        rung += 1
    return rung
