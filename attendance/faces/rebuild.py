"""Make templates from stored crops: where the engine has another space than the school, or one cannot be decrypted.

A new space is built beside the old one, photograph by photograph, and becomes the active one in one transaction when
no template is missing. Until then no face of the new space is compared with templates of the old one. Templates that
were made stay, so that a job continues where its last attempt ended.
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
    """Start a job that makes missing templates of the students in these classes today, or of all. Raises `Refused`."""
    policy.require(actor, Action.ENROL)
    class_ids = [str(row.pk) for row in classes]
    with transaction.atomic():
        job = queue.start(kind=KIND, payload={"classes": class_ids}, actor=actor)
        audit.record(actor, "templates_rebuilt", job, classes=len(class_ids))
    return job


@queue.handler(KIND)
def rebuild(work: queue.Work) -> Mapping[str, Any]:
    """Make missing templates; return how many were made, the unusable photographs, and whether the space is active."""
    space = Space.objects.get_or_create(name=engine().space)[0]
    classes, made, unusable, active = work.payload["classes"], 0, set[UUID](), False
    while not active:
        students = _students(classes)
        total = Photograph.objects.filter(student__in=students).count()
        remaining = [key for key in missing(students, space) if key not in unusable]
        for position, photograph in enumerate(remaining):
            work.progress(total - len(remaining) + position, total)
            if _make_template(photograph, space):
                made += 1
            else:
                unusable.add(photograph)
        work.progress(total, total)
        active = _activate(space, unusable, work.actor)
        if classes:
            break
        # Not active yet: another process has enrolled a student in the meantime, so repeat.
    if active:
        _update_confusable_pairs(work, total)
    return {"made": made, "unusable": len(missing(students, space)), "searched": active}


def summary(result: Mapping[str, Any]) -> str:
    """Return sentences about the result of `rebuild`."""
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
    class_ids = [UUID(key) for key in classes]
    if not class_ids:
        return students
    return students.expected(timezone.localdate(), SchoolClass.objects.filter(pk__in=class_ids))


def missing(students: QuerySet[Student], space: Space) -> list[UUID]:
    """Return the photographs of students without a template in a space, or with one that cannot be decrypted."""
    stored = Template.objects.filter(photograph=OuterRef("pk"), space=space).values("sealed")
    rows = Photograph.objects.filter(student__in=students).order_by("student", "pk")
    values = rows.annotate(sealed=Subquery(stored)).values_list("pk", "student", "sealed")
    return [
        photograph
        for photograph, student, sealed in values
        if sealed is None or not _can_decrypt(sealed, photograph, student, space.name)
    ]


def _can_decrypt(sealed: bytes | memoryview, photograph: UUID, student: UUID, space: str) -> bool:
    try:
        templates.unseal(sealed, photograph, student, space)
    except CannotOpen:
        return False
    return True


def _make_template(photograph_id: UUID, space: Space) -> bool:
    """Make and store a template. Return False if no face is found, or the photograph was deleted in the meantime."""
    photograph = Photograph.objects.select_related("crop").filter(pk=photograph_id).first()
    if photograph is None:
        return False
    try:
        crop = blob_store.read(photograph.crop, owner=photograph.student_id)
        face = _find_face(crop, space.name)
    except (CannotOpen, BadImage):
        face = None
    if face is None:
        return False
    with transaction.atomic():
        gallery_versions.lock_school()
        student = gallery_versions.lock_student(photograph.student_id)
        recognisable = Student.objects.recognisable(timezone.now()).filter(pk=photograph.student_id)
        if student is None or not recognisable.filter(photographs=photograph_id).exists():
            return False
        sealed = templates.seal(face.template, photograph_id, student.pk, space.name)
        Template.objects.update_or_create(
            photograph_id=photograph_id,
            space=space,
            defaults={"sealed": sealed, "student": student},
        )
        if Space.objects.filter(pk=space.pk, active=True).exists():
            gallery_versions.raise_versions([student.pk])
        photograph_cache.keep(student.pk, enrolment.digest_of(crop), space.name, face)
    return True


def _find_face(crop: bytes, space: str) -> Face | None:
    """Return the face of a crop. It was accepted at enrolment, so it is not checked again."""
    cached = photograph_cache.find(enrolment.digest_of(crop), space)
    if cached is not None:
        return cached
    rgb = decode(crop)
    main = enrolment.find_main_face(rgb)[0]
    return None if main is None else engine().encode(rgb, [main])[0]


def _activate(space: Space, unusable: set[UUID], actor: User | None) -> bool:
    """Make the space the active one if only unusable photographs lack a template. Return whether it is active."""
    with transaction.atomic():
        gallery_versions.lock_school()
        if Space.objects.filter(pk=space.pk, active=True).exists():
            return True
        students = Student.objects.recognisable(timezone.now())
        if set(missing(students, space)) - unusable:
            return False
        if unusable and not Template.objects.filter(space=space).exists():
            raise Refused("nothing_made", _("No face was found in any stored photo. Nothing was changed."))
        Space.objects.filter(active=True).update(active=False)
        Space.objects.filter(pk=space.pk).update(active=True)
        removed = Template.objects.exclude(space=space).delete()[0]
        gallery_versions.raise_versions([], list(SchoolClass.objects.values_list("pk", flat=True)))
        audit.record(actor, "space_changed", space, space=space.name, removed=removed)
        return True


def _update_confusable_pairs(work: queue.Work, total: int) -> None:
    """Find all confusable pairs again, which were found in the old space or without the new templates."""
    students = _students([]).filter(photographs__isnull=False).distinct()
    for student_id in list(students.values_list("pk", flat=True)):
        work.progress(total, total)
        with transaction.atomic():
            gallery_versions.lock_school()
            confusable_pairs.update_pairs(student_id)
