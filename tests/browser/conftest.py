"""A real installation and a real browser. Nothing here touches the database but through pages and the API."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import camera
from tests.browser.office import add_people, add_user
from tests.browser.screens import PASSWORD, PATIENCE_MS, Browsers, Seat
from tests.launcher.launching import Launched, launch
from tests.material import film


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test of this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """`make run` on an empty folder, for all tests of this package."""
    running = launch(tmp_path_factory.mktemp("browser") / "var")
    running.wait_until_ready()
    yield running
    running.end()


@pytest.fixture(scope="package")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where films for cameras lie."""
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="package")
def hamilton(films: Path) -> Path:
    """The whole clip as a camera, or the film that stands in for it."""
    return camera.from_clip(film().path, films / "hamilton.mjpeg")


@pytest.fixture(scope="package")
def browsers(installation: Launched) -> Iterator[Browsers]:
    """Browsers by the film that their camera plays. The package's own: a running Playwright holds an event loop."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's chromium is absent (.ci/run installs it)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:

        def start(*arguments: str) -> Browser:
            return playwright.chromium.launch(executable_path=program, args=list(arguments))

        made = Browsers(start, f"http://127.0.0.1:{installation.port}")
        yield made
        made.close()


@pytest.fixture(scope="module", autouse=True)
def _left_tidy(browsers: Browsers) -> Iterator[None]:
    """What a module opened ends with it."""
    yield
    browsers.leave()


@pytest.fixture(scope="package")
def office(installation: Launched, browsers: Browsers) -> Seat:
    """The administrator, logged in with the password of the first start."""
    once = installation.output().split("one-time password: ")[1].split()[0]
    seat = browsers.keep(browsers.seat())
    seat.page.goto("/login/")
    seat.picture("login")
    seat.log_in("admin", once, PASSWORD)
    return seat


@pytest.fixture(scope="package")
def restart(installation: Launched, office: Seat) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Ends the installation, does something meanwhile, and starts it again on the same folder and port."""
    assert office.page.url  # who read the one-time password: the next start does not say it again
    running = [installation]

    def again(meanwhile: Callable[[], None]) -> None:
        running[-1].end()
        meanwhile()
        running.append(launch(installation.output_file.parent, port=installation.port))
        running[-1].wait_until_ready()

    yield again
    running[-1].end()


@pytest.fixture(scope="package")
def enrolled(office: Seat) -> Mapping[str, str]:
    """The people of `faces/people` with all their photographs; their keys by their whole names."""
    keys = add_people(office)
    office.picture("admin-photographs")
    return keys


@pytest.fixture(scope="package")
def teacher(browsers: Browsers, office: Seat) -> Seat:
    """A teacher called `teacher`, logged in where there is no camera; `office.beside` sits down elsewhere."""
    seat = browsers.keep(browsers.seat())
    seat.log_in("teacher", add_user(office, "teacher", "teacher"), PASSWORD)
    return seat
