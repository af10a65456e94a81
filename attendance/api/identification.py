"""Identify: who of a class may be in an image."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import get_row, today
from attendance.api.documents import documented, serializer_of
from attendance.api.fields import StrictSerializer
from attendance.api.images import UploadView, upload_bytes, upload_slot
from attendance.core import audit
from attendance.core.policy import Action
from attendance.live import still_images
from attendance.live.still_images import IdentifiedImage
from attendance.models import SchoolClass


class IdentificationIn(StrictSerializer):
    picture = serializers.FileField(allow_empty_file=True)
    school_class = serializers.UUIDField()


class Identification(UploadView):
    queryset = SchoolClass.objects.all()

    @documented(request={"multipart/form-data": IdentificationIn}, responses=serializer_of(IdentifiedImage))
    def post(self, _request: Request) -> Response:
        """Who of a class may be in an image. Nothing of it is stored and nobody is marked.

        A face has `student` where its one sample is within the threshold for one sample, with a margin (`confirming`);
        `uncertain` and `unknown` have none. `candidates` are the nearest two in any case.
        """
        self.require(Action.IDENTIFY)
        body = self.body(IdentificationIn)
        school_class = get_row(SchoolClass.objects.all(), body["school_class"], "no_such_class")
        person = self.require(Action.IDENTIFY, school_class)
        with upload_slot():
            image = still_images.identify(upload_bytes(body["picture"]), class_id=school_class.pk, on=today())
        audit.record(person, "identified", school_class, faces=len(image["faces"]))
        return Response(image)
