"""Group photographs: who may be in them, and the marks that a person confirms."""

from uuid import UUID

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import get_row
from attendance.api.documents import documented, serializer_of
from attendance.api.fields import StrictSerializer
from attendance.api.images import UploadView, upload_bytes, upload_slot
from attendance.api.sessions import SessionView
from attendance.core.policy import Action
from attendance.live import group_photographs
from attendance.live.group_photographs import AcceptedMarks, GroupProposals
from attendance.models import Session
from attendance.register.state import result_state


class GroupPhotographIn(StrictSerializer):
    pictures = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=3
    )


class AcceptanceIn(StrictSerializer):
    token = serializers.CharField(max_length=900_000)
    students = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=200)


class GroupPhotograph(UploadView):
    queryset = Session.objects.all()

    @documented(request={"multipart/form-data": GroupPhotographIn}, responses=serializer_of(GroupProposals))
    def post(self, _request: Request, session: UUID) -> Response:
        """Who of the class may be in one to three photographs. Nobody is marked before `accept`.

        `found` has the faces with candidates (`recognised`: proposed for you to confirm; `uncertain`); `unknown` counts
        the others; `missing` are the students in none of the photographs.
        """
        self.require(Action.MARK)
        row = get_row(Session.objects.select_related("school_class"), session, "no_such_session")
        person = self.require(Action.MARK, row)
        uploads = self.body(GroupPhotographIn)["pictures"]
        with upload_slot():
            data = [upload_bytes(upload) for upload in uploads]
            proposals = group_photographs.propose(row, data, actor=person, now=timezone.now())
        return Response(proposals)


class GroupPhotographAcceptance(SessionView):
    @documented(request=AcceptanceIn, responses=serializer_of(AcceptedMarks))
    def post(self, _request: Request, session: UUID) -> Response:
        """Mark the students whom you confirm. Each result is that of a single mark."""
        self.session(session, Action.MARK)
        results = group_photographs.accept(
            session_id=session, actor=self.person, now=timezone.now(), **self.body(AcceptanceIn)
        )
        answer: AcceptedMarks = {
            "results": [
                {**result_state(result), "student": student_id} for student_id, result in results.items()
            ]
        }
        return Response(answer)
