"""Cells and files of spreadsheets: decoded to text, cleaned, and written so that no program runs them."""

import re
from typing import Final

from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import cleaned

MOST_BYTES = 2 * 1024 * 1024
# What makes Excel, LibreOffice or Sheets read a cell as a formula (OWASP, CSV injection).
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# Windows-1252's signs between 0x80 and 0x9F that stand in no name: the file is then of another encoding, of DOS or a
# Mac say, where these bytes are letters.
_NO_LETTERS: Final = frozenset("€‚ƒ„…†‡ˆ‰‹•˜™›¤¢£¥¦§©¬®¯°±²³¶¹¼½¾¿¡")
# The accented letters of a Mac, taken for those of Windows: “JosŽ”, “MŸller”.
_MID_WORD: Final = re.compile(r"[a-zß-ÿ][ŽŠŸŒ]")


def text_of(data: bytes) -> str:
    """Return the text of a file as spreadsheets write it: UTF-8, UTF-16, UTF-32, else Windows-1252.

    Raises `Refused` for a workbook, and for text whose letters cannot be known.
    """
    if len(data) > MOST_BYTES:
        raise Refused("too_large", _("The file is larger than 2 MB. Split it."))
    if data.startswith(_WORKBOOKS):
        raise Refused("not_csv", _("This is a workbook. Save it in the spreadsheet as “CSV UTF-8”."))
    text = _decoded(data)
    if text is None or "\0" in text or "\ufffd" in text:
        raise Refused("bad_letters", _("The text of this file cannot be read. Save it as “CSV UTF-8”."))
    return text


def _decoded(data: bytes) -> str | None:
    """Return the text, or None where no encoding gives one."""
    try:
        return data.decode(_encoding_of(data))
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    return None if _NO_LETTERS & set(text) or _MID_WORD.search(text) else text


def _encoding_of(data: bytes) -> str:
    """Return the encoding by the mark in front; without one, UTF-16 shows itself by its zeros."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    even, odd = data[:400:2].count(0), data[1:400:2].count(0)
    if max(even, odd) * 4 > len(data[:400]):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8-sig"


def safe(cell: str) -> str:
    """Return the cell with an apostrophe before what could be run; `plain` takes it off again."""
    return f"'{cell}" if cell.startswith("'") or _risky(cell) else cell


def plain(cell: str) -> str:
    """Return a cell cleaned, and without the apostrophe that `safe` put in front, if it did."""
    bare = cell.strip(" ")
    if bare.startswith("'") and (bare[1:].startswith("'") or _risky(bare[1:])):
        bare = bare[1:]
    return cleaned(bare)


def _risky(cell: str) -> bool:
    return cell.startswith(RISKY) or cell.lstrip().startswith(RISKY)


def wrongly_decoded(cell: str) -> bool:
    """Return whether the cell is UTF-8 that a program took for Windows-1252: “JosÃ©” for “José”."""
    try:
        again = cell.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return again != cell
