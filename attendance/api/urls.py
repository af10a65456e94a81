"""The API's addresses, below /api/v1/."""

from django.urls import path, re_path

from attendance.api import classes, consents, marks, photographs, reviews, sessions, still_images, students
from attendance.api.errors import unknown_address

app_name = "api"
STUDENT = "students/<uuid:student>/"
SESSION = "sessions/<uuid:session>/"

urlpatterns = [
    path("students/", students.Students.as_view()),
    path(STUDENT, students.OneStudent.as_view()),
    path(f"{STUDENT}portrait/", students.Portrait.as_view(), name="portrait"),
    path(f"{STUDENT}photographs/", photographs.Photographs.as_view()),
    path(f"{STUDENT}consents/", consents.Consents.as_view()),
    path(f"{STUDENT}consents/withdraw/", consents.Withdrawal.as_view()),
    path(f"{STUDENT}erase/", consents.Erasure.as_view()),
    path("photographs/<uuid:photograph>/", photographs.OnePhotograph.as_view()),
    path(
        "photographs/<uuid:photograph>/image/",
        photographs.PhotographImage.as_view(),
        name="photograph-image",
    ),
    path("classes/", classes.Classes.as_view()),
    path("classes/<uuid:school_class>/", classes.OneClass.as_view()),
    path("memberships/", classes.Memberships.as_view()),
    path("memberships/<uuid:membership>/", classes.OneMembership.as_view()),
    path("codes/", classes.Codes.as_view()),
    path("sessions/", sessions.Sessions.as_view()),
    path("sessions/start/", sessions.StartNow.as_view()),
    path(SESSION, sessions.OneSession.as_view()),
    path(f"{SESSION}start/", sessions.Start.as_view()),
    path(f"{SESSION}sign/", sessions.Sign.as_view()),
    path(f"{SESSION}register/", sessions.Register.as_view()),
    path(f"{SESSION}latest/", sessions.Latest.as_view()),
    path(f"{SESSION}marks/remaining/", marks.RemainingMarks.as_view()),
    path(f"{SESSION}marks/<uuid:student>/", marks.StudentMark.as_view()),
    path(f"{SESSION}reviews/", reviews.Reviews.as_view()),
    path(f"{SESSION}pair/", reviews.Pair.as_view()),
    path(f"{SESSION}group/", still_images.Group.as_view()),
    path(f"{SESSION}group/accept/", still_images.GroupAccept.as_view()),
    path("marks/", marks.Marks.as_view()),
    path("marks/<uuid:mark>/", marks.OneMark.as_view()),
    path("marks/<uuid:mark>/history/", marks.History.as_view()),
    path("marks/<uuid:mark>/not-this-person/", marks.NotThisPerson.as_view()),
    path("evidence/<uuid:evidence>/image/", marks.EvidenceImage.as_view(), name="evidence-image"),
    path("reviews/<uuid:review>/decide/", reviews.Decide.as_view()),
    path("reviews/<uuid:review>/image/", reviews.ReviewImage.as_view()),
    path("pair/", reviews.UseCode.as_view()),
    path("identify/", still_images.Identify.as_view()),
    re_path("", unknown_address),
]
