"""Picture files of a whole class: out of an upload or a ZIP, and whose they are by their names."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import Student, folded

MOST_FILES = 500
MOST_BYTES = 20 * 1024 * 1024
"""Of one picture, unpacked: a member of a ZIP may say less than it holds, so reading stops there as well."""
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".bmp", ".tif", ".tiff", ".gif", ".avif")
COUNTER = re.compile(r"[ _.-]*(\(\d+\)|\d{1,2})$")
"""`ann-ash-2`, `ann ash (3)`: a number of the picture, not of the person."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    name: str
    data: bytes


def pictures(files: Iterable[Any]) -> Iterator[Picture]:
    """The uploaded pictures, one after the other; a ZIP gives those within. Raises `Refused`."""
    for file in files:
        if (file.name or "").lower().endswith(".zip"):
            yield from _unpacked(file)
        else:
            yield Picture(file.name or "", file.read())


def _unpacked(file: Any) -> Iterator[Picture]:
    try:
        with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
            members = [info for info in archive.infolist() if _is_picture(info)]
            if len(members) > MOST_FILES:
                raise Refused(
                    "too_many", _("At most %(n)d pictures in one ZIP. Split it.") % {"n": MOST_FILES}
                )
            for info in members:
                with archive.open(info) as member:
                    data = member.read(MOST_BYTES + 1)
                # Empty stands for too large: the verdict names the file and the others go on.
                yield Picture(info.filename, data if len(data) <= MOST_BYTES else b"")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as fault:
        message = _("“%(name)s” is damaged, encrypted or no ZIP file.")
        raise Refused("bad_zip", message % {"name": file.name}) from fault


def _is_picture(info: zipfile.ZipInfo) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in info.filename.split("/"))
    return not info.is_dir() and not hidden and info.filename.lower().endswith(PICTURES)


def owner(path: str, members: Iterable[Student]) -> Student:
    """Whose picture it is: the folder, or the file's name, is the number or the name. Raises `Refused`."""
    *folders, name = [part for part in path.replace("\\", "/").split("/") if part]
    stem = name.rpartition(".")[0] or name
    candidates = [stem, COUNTER.sub("", stem), *reversed(folders)]
    keys = list(dict.fromkeys(_key(candidate) for candidate in candidates))
    known = list(members)
    for key in keys:
        found = [student for student in known if key in _keys(student)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Refused("ambiguous", _("Several students of the class are called so. Use the number."))
    raise Refused("no_owner", _("Nobody in this class has this number or name. Rename the file."))


def _keys(student: Student) -> set[str]:
    names = {f"{student.given_name} {student.family_name}", f"{student.family_name} {student.given_name}"}
    return {_key(name) for name in {*names, student.external_id or student.name}}


def _key(text: str) -> str:
    return folded(re.sub(r"[_.,\-]+", " ", text))
