"""Templates anew: out of the crops that are kept, when the engine's space is not the school's, or one does not open.

A new space is built aside, photograph by photograph, and becomes the searched one in one transaction once nothing is
missing. Until then nothing of the old space is searched with faces of the new one, so nobody is named wrongly. What was
made stays, so a job that is taken up again goes on where the last attempt ended.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.core import audit, blob_store, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import confusable_pairs, enrolment, gallery_versions, photograph_cache, templates
from attendance.jobs import queue
from attendance.models import Job, Photograph, SchoolClass, Space, Student, Template, User
from recognition.crypto import CannotOpen
from recognition.engine.errors import BadImage
from recognition.engine.images.image import decode
from recognition.engine.types import Face
from recognition.shared_engine import engine

KIND = "rebuild_templates"


def start(*, classes: Iterable[SchoolClass] = (), actor: User | None) -> Job:
    """Begin to make the missing templates of those who are in these classes today; of everyone where none is given."""
    policy.require(actor, Action.ENROL)
    chosen = [str(row.pk) for row in classes]
    with transaction.atomic():
        job = queue.start(kind=KIND, payload={"classes": chosen}, actor=actor)
        audit.record(actor, "templates_rebuilt", job, classes=len(chosen))
    return job


@queue.handler(KIND)
def rebuild(work: queue.Work) -> Mapping[str, Any]:
    """How many templates were made, how many photographs cannot be used any more, and whether the space is searched."""
    space = Space.objects.get_or_create(name=engine().space)[0]
    classes, made, in_vain, searched = work.payload["classes"], 0, set[UUID](), False
    while not searched:
        students = _students(classes)
        total = Photograph.objects.filter(student__in=students).count()
        left = [key for key in missing(students, space) if key not in in_vain]
        for at, photograph in enumerate(left):
            work.progress(total - len(left) + at, total)
            if _remade(photograph, space):
                made += 1
            else:
                in_vain.add(photograph)
        work.progress(total, total)
        searched = _searched(space, in_vain, work.actor)
        if classes:
            break
        # Else an older process has enrolled somebody meanwhile: once more.
    if searched:
        _renew_lookalikes(work, total)
    return {"made": made, "unusable": len(missing(students, space)), "searched": searched}


def summary(result: Mapping[str, Any]) -> str:
    """What `rebuild` gave, in sentences."""
    made, unusable = result["made"], result["unusable"]
    sentences = [ngettext("%(n)d template was made.", "%(n)d templates were made.", made) % {"n": made}]
    if unusable:
        text = ngettext(
            "%(n)d photo can no longer be used: replace it.",
            "%(n)d photos can no longer be used: replace them.",
            unusable,
        )
        sentences.append(text % {"n": unusable})
    if not result["searched"]:
        sentences.append(_("They are used once the templates of the other classes are ready."))
    return " ".join(sentences)


def _students(classes: Iterable[str]) -> QuerySet[Student]:
    students = Student.objects.recognisable(timezone.now())
    chosen = [UUID(key) for key in classes]
    if not chosen:
        return students
    return students.expected(timezone.localdate(), SchoolClass.objects.filter(pk__in=chosen))


def missing(students: QuerySet[Student], space: Space) -> list[UUID]:
    """The photographs of these students that have no template in a space, or one that does not open."""
    kept = Template.objects.filter(photograph=OuterRef("pk"), space=space).values("sealed")
    rows = Photograph.objects.filter(student__in=students).order_by("student", "pk")
    found = rows.annotate(sealed=Subquery(kept)).values_list("pk", "student", "sealed")
    return [
        photograph
        for photograph, student, sealed in found
        if sealed is None or not _opens(sealed, photograph, student, space.name)
    ]


def _opens(sealed: bytes | memoryview, photograph: UUID, student: UUID, space: str) -> bool:
    try:
        templates.unseal(sealed, photograph, student, space)
    except CannotOpen:
        return False
    return True


def _remade(photograph_id: UUID, space: Space) -> bool:
    """Make and store a template; False where no face is found any more, or the photograph is gone meanwhile."""
    photograph = Photograph.objects.select_related("crop").filter(pk=photograph_id).first()
    if photograph is None:
        return False
    try:
        picture = blob_store.read(photograph.crop, owner=photograph.student_id)
        face = _face(picture, space.name)
    except (CannotOpen, BadImage):
        face = None
    if face is None:
        return False
    with transaction.atomic():
        gallery_versions.lock_school()
        student = gallery_versions.lock_student(photograph.student_id)
        stays = Student.objects.recognisable(timezone.now()).filter(pk=photograph.student_id)
        if student is None or not stays.filter(photographs=photograph_id).exists():
            return False
        sealed = templates.seal(face.template, photograph_id, student.pk, space.name)
        Template.objects.update_or_create(
            photograph_id=photograph_id,
            space=space,
            defaults={"sealed": sealed, "student": student},
        )
        if Space.objects.filter(pk=space.pk, active=True).exists():
            gallery_versions.raise_versions([student.pk])
        photograph_cache.keep(student.pk, enrolment.digest_of(picture), space.name, face)
    return True


def _face(picture: bytes, space: str) -> Face | None:
    """The face of a crop: it was accepted once, so it passes no gates again."""
    known = photograph_cache.find(enrolment.digest_of(picture), space)
    if known is not None:
        return known
    rgb = decode(picture)
    main = enrolment.find(rgb)[0]
    return None if main is None else engine().encode(rgb, [main])[0]


def _searched(space: Space, in_vain: set[UUID], actor: User | None) -> bool:
    """Whether this space is the searched one: it becomes so when nobody lacks anything in it that can be made."""
    with transaction.atomic():
        gallery_versions.lock_school()
        if Space.objects.filter(pk=space.pk, active=True).exists():
            return True
        everyone = Student.objects.recognisable(timezone.now())
        if set(missing(everyone, space)) - in_vain:
            return False
        if in_vain and not Template.objects.filter(space=space).exists():
            raise Refused("nothing_made", _("No face was found in any stored photo. Nothing was changed."))
        Space.objects.filter(active=True).update(active=False)
        Space.objects.filter(pk=space.pk).update(active=True)
        gone = Template.objects.exclude(space=space).delete()[0]
        gallery_versions.raise_versions([], list(SchoolClass.objects.values_list("pk", flat=True)))
        audit.record(actor, "space_changed", space, space=space.name, removed=gone)
        return True


def _renew_lookalikes(work: queue.Work, total: int) -> None:
    """Who looks alike was found in the old space, or without a template that is there now."""
    for student_id in list(_students([]).filter(photographs__isnull=False).distinct().values_list("pk")):
        work.progress(total, total)
        with transaction.atomic():
            gallery_versions.lock_school()
            confusable_pairs.update_pairs(*student_id)
