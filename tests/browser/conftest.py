"""Provide a real installation and real browsers. The database is changed through pages and the API only."""

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
    """Add the marker `browser` and a timeout to each test of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """Run `make run` on an empty folder for all tests of this package."""
    running = launch(tmp_path_factory.mktemp("browser") / "var")
    running.wait_until_ready()
    yield running
    running.end()


@pytest.fixture(scope="package")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="package")
def clip_film(films: Path) -> Path:
    """Write the clip as a camera film, or the film that replaces it where the clip is not available."""
    return camera.from_clip(film().path, films / "hamilton.mjpeg")


@pytest.fixture(scope="package")
def browsers(installation: Launched) -> Iterator[Browsers]:
    """Start browsers by the film of their camera. Scope is the package: a running Playwright holds an event loop."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's chromium is absent (.ci/run installs it)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:

        def start(*arguments: str) -> Browser:
            return playwright.chromium.launch(executable_path=program, args=list(arguments))

        created = Browsers(start, f"http://127.0.0.1:{installation.port}")
        yield created
        created.close()


@pytest.fixture(scope="module", autouse=True)
def _close_contexts(browsers: Browsers) -> Iterator[None]:
    """Close the contexts that a module opened."""
    yield
    browsers.close_unkept()


@pytest.fixture(scope="package")
def office(installation: Launched, browsers: Browsers) -> Seat:
    """Log in as the administrator, with the one-time password of the first start."""
    one_time_password = installation.output().split("one-time password: ")[1].split()[0]
    seat = browsers.keep(browsers.seat())
    seat.page.goto("/login/")
    seat.take_screenshots("login")
    seat.log_in("admin", one_time_password, PASSWORD)
    return seat


@pytest.fixture(scope="package")
def restart(installation: Launched, office: Seat) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Return a function that stops the installation, calls its argument and restarts it on the same folder and port."""
    assert office.page.url  # the one-time password is read before the restart, which does not print it again
    running = [installation]

    def restart_after(while_stopped: Callable[[], None]) -> None:
        running[-1].end()
        while_stopped()
        running.append(launch(installation.output_file.parent, port=installation.port))
        running[-1].wait_until_ready()

    yield restart_after
    running[-1].end()


@pytest.fixture(scope="package")
def enrolled(office: Seat) -> Mapping[str, str]:
    """Enrol the people of `faces/people` with all their photographs; return their IDs by full name."""
    keys = add_people(office)
    office.take_screenshots("admin-photographs")
    return keys


@pytest.fixture(scope="package")
def teacher(browsers: Browsers, office: Seat) -> Seat:
    """Log in as `teacher` in a browser without a camera; `office.open_browser` opens others with that login."""
    seat = browsers.keep(browsers.seat())
    seat.log_in("teacher", add_user(office, "teacher", "teacher"), PASSWORD)
    return seat
