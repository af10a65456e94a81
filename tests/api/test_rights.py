"""The status of each address for each role, and the rows of each list."""

import pytest
from rest_framework.test import APIClient

from attendance import register
from attendance.models import Source, User
from tests.api.conftest import Client
from tests.world import World

PEOPLE = ("administrator", "registrar", "teacher", "other_teacher", "viewer", "nobody")
READ = {
    "students/": (200, 200, 200, 200, 200, 401),
    "students/{ann}/": (200, 200, 200, 403, 200, 401),
    "students/{ann}/photographs/": (200, 200, 200, 403, 403, 401),
    "students/{ann}/portrait/": (404, 404, 404, 403, 403, 401),
    "students/{ann}/consents/": (200, 200, 403, 403, 403, 401),
    "classes/": (200, 200, 200, 200, 200, 401),
    "classes/{class}/": (200, 200, 200, 403, 200, 401),
    "memberships/": (200, 200, 200, 200, 200, 401),
    "codes/": (200, 200, 200, 200, 200, 401),
    "sessions/": (200, 200, 200, 200, 200, 401),
    "sessions/{session}/": (200, 200, 200, 403, 200, 401),
    "sessions/{session}/register/": (200, 200, 200, 403, 200, 401),
    "sessions/{session}/latest/": (200, 200, 200, 403, 200, 401),
    "sessions/{session}/reviews/": (200, 200, 200, 403, 403, 401),
    "marks/": (200, 200, 200, 200, 200, 401),
    "marks/{mark}/": (200, 200, 200, 403, 200, 401),
    "marks/{mark}/history/": (200, 200, 200, 403, 200, 401),
    "students/{nothing}/": (404, 404, 404, 404, 404, 401),
    "sessions/{nothing}/": (404, 404, 404, 404, 404, 401),
    "evidence/{nothing}/image/": (404, 404, 404, 404, 403, 401),
    "photographs/{nothing}/image/": (404, 404, 404, 404, 403, 401),
    "reviews/{nothing}/image/": (404, 404, 404, 404, 403, 401),
}
WRITE = {
    ("post", "students/"): (400, 400, 403, 403, 403, 401),
    ("patch", "students/{ann}/"): (200, 200, 403, 403, 403, 401),
    ("post", "students/{ann}/consents/"): (400, 400, 403, 403, 403, 401),
    ("post", "students/{ann}/erase/"): (400, 400, 403, 403, 403, 401),
    ("post", "classes/"): (400, 400, 403, 403, 403, 401),
    ("patch", "classes/{class}/"): (200, 200, 403, 403, 403, 401),
    ("post", "memberships/"): (400, 400, 403, 403, 403, 401),
    ("post", "sessions/"): (400, 400, 400, 400, 403, 401),
    ("post", "sessions/start/"): (400, 400, 400, 400, 403, 401),
    ("post", "sessions/{session}/start/"): (200, 200, 200, 403, 403, 401),
    ("put", "sessions/{session}/marks/{ann}/"): (400, 400, 400, 403, 403, 401),
    ("delete", "sessions/{session}/marks/{bea}/"): (200, 200, 200, 403, 403, 401),
    ("post", "sessions/{session}/marks/remaining/"): (400, 400, 400, 403, 403, 401),
    ("post", "sessions/{session}/pair/"): (400, 400, 400, 403, 403, 401),
    ("post", "sessions/{session}/group/accept/"): (400, 400, 400, 403, 403, 401),
    ("post", "reviews/{nothing}/decide/"): (400, 400, 400, 400, 403, 401),
    ("delete", "photographs/{nothing}/"): (404, 404, 403, 403, 403, 401),
    ("post", "sessions/{session}/sign/"): (200, 200, 200, 403, 403, 401),
}


@pytest.fixture
def addresses(world: World) -> dict[str, str]:
    result = register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code="/",
            source=Source.TEACHER,
            actor=world.teacher,
            now=world.now,
        )
    )
    assert result.mark is not None
    return {
        "ann": str(world.ann.pk),
        "bea": str(world.bea.pk),
        "class": str(world.school_class.pk),
        "session": str(world.session.pk),
        "mark": str(result.mark.pk),
        "nothing": "01900000-0000-7000-8000-000000000000",
    }


def person(world: World, name: str) -> User | None:
    user: User | None = getattr(world, name, None)
    return user


@pytest.mark.parametrize("who", PEOPLE)
def test_reading_is_answered_by_role(
    world: World, addresses: dict[str, str], client_of: Client, who: str
) -> None:
    client = client_of(person(world, who))
    place = PEOPLE.index(who)
    found = {path: client.get("/api/v1/" + path.format(**addresses)).status_code for path in READ}
    assert found == {path: statuses[place] for path, statuses in READ.items()}


@pytest.mark.parametrize("who", PEOPLE)
def test_writing_is_answered_by_role(
    world: World, addresses: dict[str, str], client_of: Client, who: str
) -> None:
    client = client_of(person(world, who))
    place = PEOPLE.index(who)
    found = {}
    for method, path in WRITE:
        answer = getattr(client, method)("/api/v1/" + path.format(**addresses), {}, format="json")
        found[method, path] = answer.status_code
        if answer.status_code >= 400:
            assert set(answer.json()) == {"code", "message", "extra"}
    assert found == {key: statuses[place] for key, statuses in WRITE.items()}


def ids(client: APIClient, path: str) -> set[str]:
    return {row["id"] for row in client.get(f"/api/v1/{path}").json()["results"]}


def test_teachers_see_only_their_own_classes(
    world: World, addresses: dict[str, str], client_of: Client
) -> None:
    one, other = client_of(world.teacher), client_of(world.other_teacher)
    assert ids(one, "students/") == {str(s.pk) for s in world.students}
    assert ids(other, "students/") == {str(world.eve.pk)}
    assert ids(one, "classes/") == {str(world.school_class.pk)}
    assert ids(other, "classes/") == {str(world.other_class.pk)}
    assert ids(one, "sessions/") == {str(world.session.pk)}
    assert ids(other, "sessions/") == set()
    assert ids(one, "marks/") == {addresses["mark"]}
    assert ids(other, "marks/") == set()
    assert len(ids(one, "memberships/")) == 4
    assert len(ids(other, "memberships/")) == 1


def test_contact_details_are_answered_to_the_office_only(world: World, client_of: Client) -> None:
    world.ann.contact_email = "home@example.org"
    world.ann.save()
    path = f"/api/v1/students/{world.ann.pk}/"
    assert client_of(world.registrar).get(path).json()["contact_email"] == "home@example.org"
    assert client_of(world.teacher).get(path).json()["contact_email"] is None
