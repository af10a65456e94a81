"""Celery: the bell that tells a worker to look at the jobs table. It carries no data and keeps no results."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("rollcall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def ring_regularly(sender: Celery, **_: Any) -> None:
    """Beat's timetable stands with the tasks that it rings for."""
    from attendance.tasks import BEAT_SCHEDULE

    sender.conf.beat_schedule = BEAT_SCHEDULE


@worker_ready.connect
def share_figures(**_: Any) -> None:
    """The worker's figures stand beside those of the servers."""
    from attendance.live import runtime
    from recognition.process import PROCESS

    PROCESS.start(runtime.MAINTENANCE)


@worker_shutdown.connect
def end_threads(**_: Any) -> None:
    """Ends what a task may have started: the engine's threads and the database's."""
    from recognition.process import PROCESS

    PROCESS.stop()
