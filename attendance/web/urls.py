"""The pages' addresses."""

from django.urls import path

from attendance.web import accounts, classes, group_photographs, pages, pairing, sessions, today

urlpatterns = [
    path("", today.today, name="today"),
    path("start/", today.start, name="start"),
    path("login/", accounts.login, name="login"),
    path("logout/", accounts.logout, name="logout"),
    path("password/", accounts.password, name="password"),
    path("sessions/<uuid:session_id>/", sessions.live, name="live"),
    path("sessions/<uuid:session_id>/begin/", sessions.begin, name="begin"),
    path("sessions/<uuid:session_id>/register/", sessions.register_page, name="register"),
    path("sessions/<uuid:session_id>/group/", group_photographs.group_photograph, name="group"),
    path("sessions/<uuid:session_id>/hand-over/", sessions.hand_over, name="hand-over"),
    path(
        "sessions/<uuid:session_id>/projector/", sessions.device_page, {"kind": "projector"}, name="projector"
    ),
    path("sessions/<uuid:session_id>/kiosk/", sessions.device_page, {"kind": "kiosk"}, name="kiosk"),
    path("sessions/<uuid:session_id>/camera/", sessions.device_page, {"kind": "camera"}, name="camera"),
    path("sessions/<uuid:session_id>/board/", sessions.board, name="board"),
    path("sessions/<uuid:session_id>/leave/", sessions.leave, name="leave"),
    path("sessions/<uuid:session_id>/not-me/", sessions.not_me, name="not-me"),
    path("pair/", pairing.pair, name="pair"),
    path("classes/", classes.class_list, name="classes"),
    path("classes/<uuid:class_id>/", classes.class_detail, name="class"),
    path("students/<uuid:student_id>/", classes.student_detail, name="student"),
    path("privacy/", pages.privacy, name="privacy"),
    path("offline/", pages.offline, name="offline"),
    path("texts/", pages.texts, name="texts"),
    path("service-worker.js", pages.service_worker, name="service-worker"),
    path("manifest.webmanifest", pages.manifest, name="manifest"),
]
