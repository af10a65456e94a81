"""Undecided faces of a session, and what a person decides."""

from typing import Annotated, TypedDict
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView
from attendance.api.documents import documented, serializer_of
from attendance.api.fields import StrictSerializer
from attendance.api.images import IMAGE_RESPONSE, ImageView, image_response
from attendance.api.sessions import SessionView
from attendance.core.policy import Action
from attendance.live import review_queue
from attendance.live.review_queue import ReviewState
from attendance.models import Review
from attendance.register.description import MarkResult
from attendance.register.state import result_state


class ReviewsOut(TypedDict):
    count: int
    next: str | None
    previous: str | None
    results: list[ReviewState]


class ReviewDecisionIn(StrictSerializer):
    verdict = serializers.ChoiceField(choices=["student", "neither", "ignored"])
    student = serializers.UUIDField(required=False, allow_null=True, default=None, source="student_id")


class ReviewDecisionOut(TypedDict):
    result: Annotated[MarkResult | None, "Null where nobody is marked."]


class ReviewList(SessionView):
    @documented(responses=serializer_of(ReviewsOut))
    def get(self, _request: Request, session: UUID) -> Response:
        """The faces that wait for a person, oldest first (at most 50), with their candidates."""
        reviews = review_queue.waiting(self.session(session, Action.VIEW_FACES))
        answer: ReviewsOut = {"count": len(reviews), "next": None, "previous": None, "results": reviews}
        return Response(answer)


class ReviewDecision(ApiView):
    queryset = Review.objects.all()

    @documented(request=ReviewDecisionIn, responses=serializer_of(ReviewDecisionOut))
    def post(self, _request: Request, review: UUID) -> Response:
        """Decide who it is: a student, neither of the candidates, or ignored."""
        person = self.require(Action.MARK)
        result = review_queue.decide(
            review_id=review, actor=person, now=timezone.now(), **self.body(ReviewDecisionIn)
        )
        answer: ReviewDecisionOut = {"result": None if result is None else result_state(result)}
        return Response(answer)


class ReviewImage(ImageView):
    queryset = Review.objects.all()

    @documented(responses=IMAGE_RESPONSE)
    def get(self, _request: Request, review: UUID) -> HttpResponse:
        """The undecided face. Each view is noted in the audit record."""
        return image_response(review_queue.crop(review_id=review, actor=self.require(Action.VIEW_FACES)))
