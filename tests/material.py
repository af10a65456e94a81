"""Where shared test material lies: photographs, clips and weights, none of which is in the repository.

`ROLLCALL_SHARED` names the folder, else it is `shared` beside the checkout. A test that needs material that is absent
is skipped with that reason, which pytest shows at the end of its run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared() -> Path:
    """The folder of shared material; it need not exist."""
    return Path(os.environ.get("ROLLCALL_SHARED") or ROOT.parent / "shared")


def need(*parts: str) -> Path:
    """A file or folder of the shared material, or the reason why this test is skipped."""
    path = shared().joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared material is absent: {'/'.join(parts)} (ROLLCALL_SHARED names its folder)")
    return path


def people() -> Mapping[str, tuple[Path, ...]]:
    """Photographs of the six people of `faces/people`, by the name of their folder."""
    return by_folder(need("faces", "people"))


def clip(name: str = "short_hamilton_clip.mp4") -> Path:
    """A film in which one of those people appears; `faces/SOURCES.md` says who and when."""
    return need("faces", "clips", name)


def groups() -> tuple[Path, ...]:
    """Pictures of several people, with true boxes beside them."""
    return tuple(
        sorted(path for path in need("faces", "groups").iterdir() if path.suffix in (".jpg", ".png"))
    )


def lfw() -> Mapping[str, tuple[Path, ...]]:
    """Pictures of a hundred people of Labeled Faces in the Wild, several of each."""
    return by_folder(need("lfw", "people"))


def strangers() -> tuple[Path, ...]:
    """Pictures of people of LFW who are nobody in `lfw()`."""
    return tuple(sorted(need("lfw", "strangers").iterdir()))


def models_dir() -> Path:
    """Weights of detectors that are no part of any wheel (YuNet, SSD)."""
    return need("models")


def by_folder(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The files of each sub-folder, both in order of their names."""
    return {
        person.name: tuple(sorted(path for path in person.iterdir() if path.is_file()))
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }
