"""Celery's application. A message only wakes a worker, which then reads the jobs table; no results are kept."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("rollcall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def set_schedule(sender: Celery, **_: Any) -> None:
    """Give the timer process (beat) the schedule that is declared beside the tasks."""
    from attendance.tasks import BEAT_SCHEDULE

    sender.conf.beat_schedule = BEAT_SCHEDULE


@worker_ready.connect
def start_maintenance(**_: Any) -> None:
    """Start the thread that publishes this worker's metrics beside those of the web servers."""
    from attendance.live import runtime
    from recognition.process import PROCESS

    PROCESS.start(runtime.MAINTENANCE)


@worker_shutdown.connect
def stop_process_parts(**_: Any) -> None:
    """Stop what tasks may have started: the engine's threads and the database threads."""
    from recognition.process import PROCESS

    PROCESS.stop()
