"""The API's addresses, below /api/v1/."""

from django.urls import path, re_path

from attendance.api import (
    classes,
    consents,
    group_photographs,
    identification,
    mark_history,
    marks,
    pairing,
    photographs,
    reviews,
    sessions,
    students,
)
from attendance.api.errors import unknown_address

app_name = "api"
STUDENT = "students/<uuid:student>/"
SESSION = "sessions/<uuid:session>/"

urlpatterns = [
    path("students/", students.StudentList.as_view()),
    path(STUDENT, students.StudentDetail.as_view()),
    path(f"{STUDENT}portrait/", students.StudentPortrait.as_view(), name="portrait"),
    path(f"{STUDENT}photographs/", photographs.PhotographList.as_view()),
    path(f"{STUDENT}consents/", consents.ConsentList.as_view()),
    path(f"{STUDENT}consents/withdraw/", consents.ConsentWithdrawal.as_view()),
    path(f"{STUDENT}erase/", consents.StudentErasure.as_view()),
    path("photographs/<uuid:photograph>/", photographs.PhotographDetail.as_view()),
    path(
        "photographs/<uuid:photograph>/image/",
        photographs.PhotographImage.as_view(),
        name="photograph-image",
    ),
    path("classes/", classes.ClassList.as_view()),
    path("classes/<uuid:school_class>/", classes.ClassDetail.as_view()),
    path("memberships/", classes.MembershipList.as_view()),
    path("memberships/<uuid:membership>/", classes.MembershipDetail.as_view()),
    path("codes/", classes.CodeList.as_view()),
    path("sessions/", sessions.SessionList.as_view()),
    path("sessions/start/", sessions.SessionStart.as_view()),
    path(SESSION, sessions.SessionDetail.as_view()),
    path(f"{SESSION}start/", sessions.SessionOpening.as_view()),
    path(f"{SESSION}sign/", sessions.SessionSigning.as_view()),
    path(f"{SESSION}register/", sessions.RegisterDetail.as_view()),
    path(f"{SESSION}latest/", sessions.LatestResults.as_view()),
    path(f"{SESSION}marks/remaining/", marks.RemainingMarks.as_view()),
    path(f"{SESSION}marks/<uuid:student>/", marks.StudentMarkDetail.as_view()),
    path(f"{SESSION}reviews/", reviews.ReviewList.as_view()),
    path(f"{SESSION}pair/", pairing.SessionPairing.as_view()),
    path(f"{SESSION}group/", group_photographs.GroupPhotograph.as_view()),
    path(f"{SESSION}group/accept/", group_photographs.GroupPhotographAcceptance.as_view()),
    path("marks/", marks.MarkList.as_view()),
    path("marks/<uuid:mark>/", marks.MarkDetail.as_view()),
    path("marks/<uuid:mark>/history/", mark_history.MarkHistory.as_view()),
    path("marks/<uuid:mark>/not-this-person/", marks.MarkRejection.as_view()),
    path("evidence/<uuid:evidence>/image/", mark_history.EvidenceImage.as_view(), name="evidence-image"),
    path("reviews/<uuid:review>/decide/", reviews.ReviewDecision.as_view()),
    path("reviews/<uuid:review>/image/", reviews.ReviewImage.as_view()),
    path("pair/", pairing.DevicePairing.as_view()),
    path("identify/", identification.Identification.as_view()),
    re_path("", unknown_address),
]
