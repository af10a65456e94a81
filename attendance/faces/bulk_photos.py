"""Image files of a whole class: unpacking uploads, and finding the student of each file by its name."""

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

# The most images in one ZIP.
MOST_FILES = 500
# The largest unpacked image. A ZIP may state a smaller size than an image has, so reading stops there too.
MOST_BYTES = 20 * 1024 * 1024
# Bit 11 of a member's flags: its name is UTF-8 (APPNOTE 4.4.4).
UTF8_FLAG = 0x800
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".bmp", ".tif", ".tiff", ".gif", ".avif")
# A counter behind a separator (`ann-ash-2`, `1042 (3)`): a number of the image, not of the student.
SEPARATED = re.compile(r"[ _.-]*\(\d+\)$|[ _.-]+\d{1,2}$")
# A counter without separator (`ann ash2`). It follows a letter, and the rest must be a name, not a number.
ATTACHED = re.compile(r"(?<=[^\W\d_])\d{1,2}$")
# A whole name that is probably a counter: `1`, `(12)`.
BARE = re.compile(r"\(?\d{1,2}\)?")


@dataclass(frozen=True, slots=True, eq=False)
class ImageFile:
    name: str
    data: bytes


def image_files(files: Iterable[Any]) -> Iterator[ImageFile]:
    """Yield the uploaded images, and those in uploaded ZIP files. Raises `Refused`."""
    for file in files:
        if (file.name or "").lower().endswith(".zip"):
            yield from _unpack(file)
        else:
            yield ImageFile(file.name or "", file.read())


def _unpack(file: Any) -> Iterator[ImageFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
            members = [info for info in archive.infolist() if _is_image(info)]
            if len(members) > MOST_FILES:
                raise Refused("too_many", _("At most %(n)d photos per ZIP. Split it.") % {"n": MOST_FILES})
            for info in members:
                with archive.open(info) as member:
                    data = member.read(MOST_BYTES + 1)
                # A too large image becomes empty: its verdict then names the file, and the others are enrolled.
                yield ImageFile(_name_of(info), data if len(data) <= MOST_BYTES else b"")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        message = _("“%(name)s” is damaged, encrypted or not a ZIP file.")
        raise Refused("bad_zip", message % {"name": file.name}) from error


def _name_of(info: zipfile.ZipInfo) -> str:
    """Return the member's name in NFC. macOS writes UTF-8 without its flag, so that it was decoded as CP437."""
    name = info.filename
    if not info.flag_bits & UTF8_FLAG:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def _is_image(info: zipfile.ZipInfo) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in info.filename.split("/"))
    return not info.is_dir() and not hidden and info.filename.lower().endswith(EXTENSIONS)


def find_student(path: str, members: Iterable[Student]) -> Student:
    """Return the student whose number or name is in the path of an image. Raises `Refused`.

    Folders that name a student decide; otherwise the file's name does. Names of different students, and names that
    are only similar, are refused, because a guess could enrol a face for the wrong student.
    """
    *folders, name = [part for part in path.replace("\\", "/").split("/") if part] or [""]
    stem = name.rpartition(".")[0] or name
    students = list(members)
    named = [match for match in (_students_of(folder, students) for folder in folders) if match]
    if not named:
        _check_folders(folders, stem, students)
        named = [match for match in (_students_of(stem, students),) if match]
    if not named:
        raise _question_about(stem, students) or Refused(
            "no_owner", _("Nobody in this class has this number or name. Rename the file.")
        )
    common = frozenset.intersection(*named)
    if not common:
        raise Refused(
            "contradiction",
            _("The folder names match different students. Use only one of them."),
        )
    if len(common) > 1:
        raise Refused("ambiguous", _("Several students of the class match. Use a folder named by number."))
    return next(iter(common))


def _students_of(text: str, students: list[Student]) -> frozenset[Student]:
    """Return the students whose number or name this is, with or without a counter behind it."""
    matches = {student for student in students if _key(text) in _keys(student)}
    separated, attached = SEPARATED.search(text), ATTACHED.search(text)
    if separated:
        base, counter = text[: separated.start()], separated[0].strip(" _.-()")
        named = {student for student in students if _key(base) in _keys(student)}
        numbered = {student for student in students if len(counter) > 2 and _key(counter) == _number(student)}
        # "Ann Ash (1042)": the number of a student is no counter, and must agree with the name.
        matches |= named & numbered or (named | numbered if named else set())
    elif attached:
        base = _key(text[: attached.start()])
        matches |= {student for student in students if base in _names(student)}
    return frozenset(matches)


def _check_folders(folders: list[str], stem: str, students: list[Student]) -> None:
    """Raise `Refused` for a folder with a similar name, and for a bare counter in a folder that names no student."""
    for folder in folders:
        if (question := _question_about(folder, students)) is not None:
            raise question
    if folders and BARE.fullmatch(stem):
        sentence = _(
            "The folder “%(folder)s” matches no student of this class. Name it by a student's name or number."
        )
        raise Refused("no_owner", sentence % {"folder": folders[-1]})


def _question_about(text: str, students: list[Student]) -> Refused | None:
    """Return the question whether a student is meant whose name or number is only similar; None if there is none."""
    base = SEPARATED.sub("", text)
    texts = {folded(_spaced(text)), folded(_spaced(base))}
    for student in students:
        same_number = student.external_id and number_key(student.external_id) in map(number_key, (text, base))
        if same_number or texts & {folded(name) for name in _names(student)}:
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
