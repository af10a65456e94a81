"""The pages' addresses."""

from django.urls import path

from attendance.web import accounts, classes, group, live, pages, pairing, today

urlpatterns = [
    path("", today.today, name="today"),
    path("start/", today.start, name="start"),
    path("login/", accounts.login, name="login"),
    path("logout/", accounts.logout, name="logout"),
    path("password/", accounts.password, name="password"),
    path("sessions/<uuid:session_id>/", live.live, name="live"),
    path("sessions/<uuid:session_id>/begin/", live.begin, name="begin"),
    path("sessions/<uuid:session_id>/register/", live.watch, name="register"),
    path("sessions/<uuid:session_id>/group/", group.group, name="group"),
    path("sessions/<uuid:session_id>/hand-over/", live.hand_over, name="hand-over"),
    path("sessions/<uuid:session_id>/projector/", live.device_page, {"kind": "projector"}, name="projector"),
    path("sessions/<uuid:session_id>/kiosk/", live.device_page, {"kind": "kiosk"}, name="kiosk"),
    path("sessions/<uuid:session_id>/camera/", live.device_page, {"kind": "camera"}, name="camera"),
    path("sessions/<uuid:session_id>/board/", live.board, name="board"),
    path("sessions/<uuid:session_id>/leave/", live.leave, name="leave"),
    path("sessions/<uuid:session_id>/not-me/", live.not_me, name="not-me"),
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
