"""Pictures that are only looked at: identify, and group photographs that a person confirms."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api import shapes
from attendance.api.base import found, today
from attendance.api.documents import documented
from attendance.api.fields import Strict
from attendance.api.images import UploadView, bytes_of, turn
from attendance.api.marks import result_shown
from attendance.api.sessions import SessionView
from attendance.core import audit
from attendance.core.policy import Action
from attendance.live import still_images
from attendance.live.camera_marks import names_of
from attendance.models import SchoolClass, Session, Student
from attendance.register import rejected_matches


class PictureSent(Strict):
    picture = serializers.FileField(allow_empty_file=True)
    school_class = serializers.UUIDField()


class PicturesSent(Strict):
    pictures = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=3
    )


class Accepted(Strict):
    token = serializers.CharField(max_length=900_000)
    students = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=200)


class Identify(UploadView):
    queryset = SchoolClass.objects.all()

    @documented(request={"multipart/form-data": PictureSent}, responses=shapes.IdentifyShown)
    def post(self, _request: Request) -> Response:
        """Who of a class is in a picture. Nothing of it is stored and nobody is marked.

        A face has `student` where its one look lies under the one-look threshold with a margin (`confirming`);
        `uncertain` and `unknown` have none. `candidates` are the nearest two either way.
        """
        self.require(Action.IDENTIFY)
        sent = self.given(PictureSent)
        school_class = found(SchoolClass.objects.all(), sent["school_class"], "no_such_class")
        person = self.require(Action.IDENTIFY, school_class)
        with turn():
            sights, pictures = still_images.look(
                [bytes_of(sent["picture"])], class_id=school_class.pk, on=today()
            )
        audit.record(person, "identified", school_class, faces=len(sights))
        names = names_of({match.id for sight in sights for match in sight.decision.candidates})
        height, width = pictures[0].shape[:2]
        faces = [_face(sight, names) for sight in sights]
        return Response({"width": width, "height": height, "faces": faces})


class Group(UploadView):
    queryset = Session.objects.all()

    @documented(request={"multipart/form-data": PicturesSent}, responses=shapes.GroupShown)
    def post(self, _request: Request, session: UUID) -> Response:
        """Who of the class is in one to three pictures. Nobody is marked before `accept`.

        `found` has each face that is, or may be, somebody (`recognised`: proposed for you to confirm; `uncertain`);
        `unknown` counts the rest; `missing` are the students in none of the pictures.
        """
        self.require(Action.MARK)
        row = found(Session.objects.select_related("school_class"), session, "no_such_session")
        person = self.require(Action.MARK, row)
        sent = self.given(PicturesSent)
        with turn():
            data = [bytes_of(upload) for upload in sent["pictures"]]
            sights, _pictures = still_images.look(
                data, class_id=row.school_class_id, on=row.date, blocked=rejected_matches.of_session(row)
            )
        audit.record(person, "group_photograph", row, faces=len(sights))
        best = still_images.best_of_each(sights)
        names = names_of({match.id for sight in sights for match in sight.decision.candidates})
        members = Student.objects.in_class(row.school_class, row.date)
        answer = {
            "found": [_of_group(sight, names) for sight in sights if sight.decision.state != "unknown"],
            "unknown": sum(sight.decision.state == "unknown" for sight in sights),
            "missing": [{"id": str(s.pk), "name": s.name} for s in members if str(s.pk) not in best],
            "token": still_images.seal(best, session_id=row.pk, actor=person, now=timezone.now()),
        }
        return Response(answer)


class GroupAccept(SessionView):
    @documented(request=Accepted, responses=shapes.AcceptedShown)
    def post(self, _request: Request, session: UUID) -> Response:
        """Mark those whom you confirm; each answer as of a single mark."""
        self.session(session, Action.MARK)
        said = self.given(Accepted)
        done = still_images.accept(session_id=session, actor=self.person, now=timezone.now(), **said)
        return Response({"results": [{"student": key, **result_shown(each)} for key, each in done.items()]})


def _face(sight: still_images.Sight, names: dict[str, str]) -> dict[str, Any]:
    said, quality = sight.decision, sight.face.quality
    who = sight.proposed
    return {
        "box": list(sight.face.box),
        "score": round(float(sight.face.score), 4),
        "quality": round(float(quality.score), 4),
        "eye_distance": round(quality.eye_distance, 1),
        "sharpness": round(quality.sharpness, 1),
        "light": round(quality.light, 3),
        "state": said.state.value,
        "student": None if who is None else _named(who, names),
        "distance": said.distance,
        "confidence": said.confidence,
        "candidates": [{"student": _named(m.id, names), "distance": m.distance} for m in said.candidates],
    }


def _of_group(sight: still_images.Sight, names: dict[str, str]) -> dict[str, Any]:
    face = _face(sight, names)
    state = "recognised" if sight.proposed else face["state"]
    return {**face, "state": state, "picture": sight.picture}


def _named(key: str, names: dict[str, str]) -> dict[str, str]:
    return {"id": key, "name": names.get(key, "")}
