"""The answers that rooms make themselves, as the schema describes them; tests hold real answers against it."""

from rest_framework import serializers

from attendance.api.documents import shape
from attendance.models import Attempt, Category, DeviceKind, OnPremises, Session, Source, Status
from attendance.register import Outcome
from recognition.engine.types import State

STATUSES, SOURCES = Status.choices, Source.choices
CATEGORIES, ON_PREMISES = Category.choices, OnPremises.choices
FACE_STATES = [each.value for each in State]

Named = shape("Named", id=serializers.UUIDField(), name=serializers.CharField())

MarkState = shape(
    "MarkState",
    mark=serializers.UUIDField(help_text="The mark's id."),
    code=serializers.CharField(allow_null=True, help_text="Null: taken back."),
    status=serializers.ChoiceField(STATUSES, allow_null=True),
    category=serializers.ChoiceField(CATEGORIES, allow_null=True),
    on_premises=serializers.ChoiceField(ON_PREMISES, allow_null=True),
    at=serializers.DateTimeField(help_text="Of the last change."),
    source=serializers.ChoiceField(SOURCES),
    by=serializers.CharField(allow_null=True, help_text="Null: the camera, or a device."),
    note=serializers.CharField(),
    revision=serializers.IntegerField(),
    minutes_late=serializers.IntegerField(allow_null=True),
    evidence=serializers.BooleanField(),
)
RESULT = {
    "outcome": serializers.ChoiceField([each.value for each in Outcome]),
    "reason": serializers.CharField(help_text="Empty where the mark was written."),
    "mark": MarkState(allow_null=True),
    "version": serializers.IntegerField(help_text="Of the register."),
}
MarkResult = shape("MarkResult", **RESULT)
AcceptedResult = shape("AcceptedResult", student=serializers.UUIDField(), **RESULT)
AcceptedShown = shape("GroupAccepted", results=AcceptedResult(many=True))
RemainingShown = shape(
    "RemainingMarked", marked=serializers.IntegerField(), version=serializers.IntegerField()
)
NotThisPersonShown = shape(
    "NotThisPerson",
    outcome=serializers.CharField(help_text="`taken_back`."),
    blocked=serializers.BooleanField(
        help_text="Whether the face is kept from this student until the session closes; false where no picture "
        "of it is left, or the session is closed."
    ),
)

SessionState = shape(
    "SessionState",
    **{
        "id": serializers.UUIDField(),
        "class": Named(),
        "title": serializers.CharField(),
        "state": serializers.ChoiceField(Session.State.choices),
        "was_signed": serializers.BooleanField(help_text="Then each change needs a reason."),
        "date": serializers.DateField(),
        "starts_at": serializers.DateTimeField(),
        "ends_at": serializers.DateTimeField(),
    },
)
RegisterStudent = shape(
    "RegisterStudent",
    id=serializers.UUIDField(),
    name=serializers.CharField(),
    number=serializers.CharField(allow_null=True, help_text="The school's own."),
    portrait=serializers.CharField(allow_null=True, help_text="An address, for those who may see faces."),
    recognisable=serializers.BooleanField(),
    by_hand=serializers.ChoiceField(
        ["left", "no_consent", "no_photograph", "photograph_again"],
        allow_null=True,
        help_text="Why the camera cannot know the student; null where it can.",
    ),
    left_on=serializers.DateField(allow_null=True),
    photographs=serializers.IntegerField(),
    mark=MarkState(allow_null=True),
)
RegisterCode = shape(
    "RegisterCode",
    letter=serializers.CharField(),
    name=serializers.CharField(),
    status=serializers.ChoiceField(STATUSES),
    category=serializers.ChoiceField(CATEGORIES),
    on_premises=serializers.ChoiceField(ON_PREMISES),
    for_teachers=serializers.BooleanField(),
)
ChosenCodes = shape(
    "ChosenCodes",
    present=serializers.CharField(allow_null=True),
    late=serializers.CharField(allow_null=True),
    not_seen=serializers.CharField(allow_null=True),
)
Counts = shape(
    "RegisterCounts",
    expected=serializers.IntegerField(),
    **{name: serializers.IntegerField() for name in (*Status.values, "unmarked")},
)
AttemptShown = shape(
    "RegisterAttempt",
    student=Named(),
    source=serializers.ChoiceField(SOURCES),
    reason=serializers.ChoiceField(Attempt.Reason.choices),
    count=serializers.IntegerField(),
    last_at=serializers.DateTimeField(),
)
RegisterShown = shape(
    "Register",
    type=serializers.ChoiceField(["register"]),
    version=serializers.IntegerField(),
    session=SessionState(),
    codes=RegisterCode(many=True),
    chosen_codes=ChosenCodes(),
    counts=Counts(),
    students=RegisterStudent(many=True),
    reviews=serializers.IntegerField(help_text="Faces that wait for a person."),
    attempts=AttemptShown(many=True),
)


def box(of: str) -> serializers.ListField:
    """Four pixels of that picture."""
    words = f"Left, top, right, bottom: pixels of {of}."
    return serializers.ListField(
        child=serializers.IntegerField(), min_length=4, max_length=4, help_text=words
    )


SeenShown = shape(
    "SeenFace",
    box=box("the frame as it was sent"),
    track=serializers.IntegerField(help_text="The same number from frame to frame of this camera."),
    state=serializers.ChoiceField(FACE_STATES),
    student=Named(allow_null=True, help_text="Null unless recognised."),
    distance=serializers.FloatField(allow_null=True, help_text="For those who may see faces."),
    confidence=serializers.FloatField(allow_null=True, help_text="For those who may see faces."),
    looks=serializers.IntegerField(),
)
CameraShown = shape(
    "CameraSees",
    camera=serializers.CharField(),
    at=serializers.DateTimeField(),
    faces=SeenShown(many=True),
    ms=serializers.DictField(child=serializers.FloatField(), help_text="Milliseconds of the stages."),
)
LatestShown = shape("LatestResults", session=serializers.UUIDField(), cameras=CameraShown(many=True))

Candidate = shape("FaceCandidate", student=Named(), distance=serializers.FloatField())
FACE = {
    "box": box("the picture, turned upright"),
    "score": serializers.FloatField(help_text="The detector's."),
    "quality": serializers.FloatField(),
    "eye_distance": serializers.FloatField(help_text="Pixels of the picture between the eyes."),
    "sharpness": serializers.FloatField(help_text="Variance of the Laplacian of the grey face."),
    "light": serializers.FloatField(help_text="Mean grey of the face, from 0 to 1."),
    "state": serializers.ChoiceField(FACE_STATES),
    "student": Named(allow_null=True),
    "distance": serializers.FloatField(allow_null=True),
    "confidence": serializers.FloatField(allow_null=True),
    "candidates": Candidate(many=True),
}
FaceShown = shape("Face", **FACE)
IdentifyShown = shape(
    "Identified",
    width=serializers.IntegerField(),
    height=serializers.IntegerField(),
    faces=FaceShown(many=True),
)
GroupFace = shape(
    "GroupFace", picture=serializers.IntegerField(help_text="Which of the pictures, from 0."), **FACE
)
GroupShown = shape(
    "GroupFound",
    found=GroupFace(many=True),
    unknown=serializers.IntegerField(),
    missing=Named(many=True),
    token=serializers.CharField(help_text="For `accept`; encrypted, good for half an hour."),
)

ReviewCandidate = shape(
    "ReviewCandidate", student=Named(), distance=serializers.FloatField(), portrait=serializers.CharField()
)
ReviewShown = shape(
    "Review",
    id=serializers.UUIDField(),
    seen_at=serializers.DateTimeField(),
    camera=serializers.CharField(),
    looks=serializers.IntegerField(),
    image=serializers.CharField(),
    candidates=ReviewCandidate(many=True),
)
ReviewsShown = shape(
    "Reviews",
    count=serializers.IntegerField(),
    next=serializers.CharField(allow_null=True),
    previous=serializers.CharField(allow_null=True),
    results=ReviewShown(many=True),
)
DecidedShown = shape("Decided", result=MarkResult(allow_null=True, help_text="Null where nobody is marked."))
PairingShown = shape(
    "PairingCode",
    url=serializers.CharField(),
    code=serializers.CharField(),
    expires_at=serializers.DateTimeField(),
    svg=serializers.CharField(help_text="The address as a QR code."),
)
PairedShown = shape(
    "PairedDevice", session=serializers.UUIDField(), kind=serializers.ChoiceField(DeviceKind.choices)
)
