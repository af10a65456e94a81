"""`manage.py rebuild_templates [CLASS ...]`: make missing templates from the stored photographs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from attendance.faces import rebuild
from attendance.jobs import queue
from attendance.models import Job, SchoolClass


class Command(BaseCommand):
    help = (
        "Makes missing templates from the stored photographs, and changes the school to the engine's space."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("classes", nargs="*", metavar="CLASS", help="names of classes; everyone if none")

    def handle(self, *_args: Any, **options: Any) -> None:
        names = options["classes"]
        classes = list(SchoolClass.objects.filter(name__in=names))
        if unknown := set(names) - {row.name for row in classes}:
            message = f"There is no class “{min(unknown)}”."
            raise CommandError(message)
        job = rebuild.start(classes=classes, actor=None)
        # Run it here, unless a worker was quicker; in both cases the row tells how it ended.
        queue.run(job.pk)
        job.refresh_from_db()
        self._report(job)

    def _report(self, job: Job) -> None:
        if job.state == Job.State.RUNNING:
            self.stdout.write("A worker does it already. The admin's list of jobs shows how far it is.")
        elif job.state != Job.State.DONE:
            again = " A worker will try again." if job.state == Job.State.WAITING else ""
            message = f"It failed: {job.error}.{again}"
            raise CommandError(message)
        else:
            self.stdout.write(rebuild.summary(job.result))
