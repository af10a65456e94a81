"""Picture files of a whole class: out of an upload or a ZIP, and whose they are by their names."""

import contextlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import Student, folded, identity, number_key

MOST_FILES = 500
MOST_BYTES = 20 * 1024 * 1024
"""Of one picture, unpacked: a member of a ZIP may say less than it holds, so reading stops there as well."""
# Bit 11 of a member's flags: its name is UTF-8 (APPNOTE 4.4.4).
UTF8_FLAG = 0x800
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".bmp", ".tif", ".tiff", ".gif", ".avif")
# `ann-ash-2`, `1042 (3)`: a number of the picture, not of the person.
SEPARATED = re.compile(r"[ _.-]*\(\d+\)$|[ _.-]+\d{1,2}$")
# `ann ash2`: so only after a letter, and only where the rest is a name, for a number may end in any digits.
ATTACHED = re.compile(r"(?<=[^\W\d_])\d{1,2}$")
# `1`, `(12)`: a whole name that is most likely a counter.
BARE = re.compile(r"\(?\d{1,2}\)?")


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
                raise Refused("too_many", _("At most %(n)d photos per ZIP. Split it.") % {"n": MOST_FILES})
            for info in members:
                with archive.open(info) as member:
                    data = member.read(MOST_BYTES + 1)
                # Empty stands for too large: the verdict names the file and the others go on.
                yield Picture(_name_of(info), data if len(data) <= MOST_BYTES else b"")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as fault:
        message = _("“%(name)s” is damaged, encrypted or not a ZIP file.")
        raise Refused("bad_zip", message % {"name": file.name}) from fault


def _name_of(info: zipfile.ZipInfo) -> str:
    """Return the member's name in NFC. macOS writes UTF-8 without the flag that says so, which reads as CP437."""
    name = info.filename
    if not info.flag_bits & UTF8_FLAG:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def _is_picture(info: zipfile.ZipInfo) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in info.filename.split("/"))
    return not info.is_dir() and not hidden and info.filename.lower().endswith(PICTURES)


def owner(path: str, members: Iterable[Student]) -> Student:
    """Return whose picture it is, by the number or the name in its path. Raises `Refused`.

    A folder that is a student decides alone; otherwise the file's name does. Clues that lead to different students,
    and names that are only alike, are refused: a guess would enrol a face for somebody else.
    """
    *folders, name = [part for part in path.replace("\\", "/").split("/") if part] or [""]
    stem = name.rpartition(".")[0] or name
    known = list(members)
    clues = [clue for clue in (_students_of(folder, known) for folder in folders) if clue]
    if not clues:
        _check_folders(folders, stem, known)
        clues = [clue for clue in (_students_of(stem, known),) if clue]
    if not clues:
        raise _alike(stem, known) or Refused(
            "no_owner", _("Nobody in this class has this number or name. Rename the file.")
        )
    students = frozenset.intersection(*clues)
    if not students:
        raise Refused(
            "contradiction",
            _("The folder names match different students. Use only one of them."),
        )
    if len(students) > 1:
        raise Refused("ambiguous", _("Several students of the class match. Use a folder named by number."))
    return next(iter(students))


def _students_of(text: str, known: list[Student]) -> frozenset[Student]:
    """Return every student whose number or name this is, with or without a counter behind it."""
    students = {student for student in known if _key(text) in _keys(student)}
    separated, attached = SEPARATED.search(text), ATTACHED.search(text)
    if separated:
        base, counter = text[: separated.start()], separated[0].strip(" _.-()")
        bearers = {student for student in known if _key(base) in _keys(student)}
        numbered = {student for student in known if len(counter) > 2 and _key(counter) == _number(student)}
        # "Ann Ash (1042)": a number that is somebody's is no counter, and must agree with the name.
        students |= bearers & numbered or (bearers | numbered if bearers else set())
    elif attached:
        base = _key(text[: attached.start()])
        students |= {student for student in known if base in _names(student)}
    return frozenset(students)


def _check_folders(folders: list[str], stem: str, known: list[Student]) -> None:
    """Refuse a folder that is nearly a student, and a bare counter in a folder that is nobody: it is no number."""
    for folder in folders:
        if (question := _alike(folder, known)) is not None:
            raise question
    if folders and BARE.fullmatch(stem):
        sentence = _(
            "The folder “%(folder)s” matches no student of this class. Name it by a student's name or number."
        )
        raise Refused("no_owner", sentence % {"folder": folders[-1]})


def _alike(text: str, known: list[Student]) -> Refused | None:
    """Return the question whether a student is meant whose name or number is only written alike."""
    base = SEPARATED.sub("", text)
    texts = {folded(_spaced(text)), folded(_spaced(base))}
    for student in known:
        zeros = student.external_id and number_key(student.external_id) in map(number_key, (text, base))
        if zeros or texts & {folded(name) for name in _names(student)}:
            sentence = _(
                "This may be %(student)s, but the name is spelled differently. Use the exact name or number."
            )
            return Refused("alike", sentence % {"student": _shown(student)})
    return None


def _shown(student: Student) -> str:
    return f"{student.name} ({student.external_id})" if student.external_id else student.name


def _keys(student: Student) -> set[str]:
    return {*_names(student), _number(student)} - {""}


def _names(student: Student) -> set[str]:
    given, family = student.given_name, student.family_name
    return {_key(f"{given} {family}"), _key(f"{family} {given}")}


def _number(student: Student) -> str:
    return _key(student.external_id or "")


def _key(text: str) -> str:
    return identity(_spaced(text))


def _spaced(text: str) -> str:
    return re.sub(r"[_.,\-]+", " ", text)
