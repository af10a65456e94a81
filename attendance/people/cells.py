"""Files and cells of spreadsheets: decoding, cleaning, and protection from being run as formulas."""

import re
from typing import Final

from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import cleaned

# The largest file that is read.
MOST_BYTES = 2 * 1024 * 1024
# Beginnings that make Excel, LibreOffice or Sheets read a cell as a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
# Byte order marks. That of UTF-32 comes first, because it begins like that of UTF-16.
_BYTE_ORDER_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# The first bytes of workbooks (.xlsx, .xls).
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# Signs of Windows-1252 that occur in no name: their bytes are letters in other encodings (DOS, Mac).
_NO_LETTERS: Final = frozenset("€‚ƒ„…†‡ˆ‰‹•˜™›¤¢£¥¦§©¬®¯°±²³¶¹¼½¾¿¡")
# Accented letters of a Mac that were decoded as Windows-1252: “JosŽ”, “MŸller”.
_MID_WORD: Final = re.compile(r"[a-zß-ÿ][ŽŠŸŒ]")


def text_of(data: bytes) -> str:
    """Return the text of a file that a spreadsheet wrote: UTF-8, UTF-16, UTF-32, else Windows-1252.

    Raises `Refused` for a large file, a workbook, and text of an unknown encoding.
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
    """Return the text, or None where no encoding fits."""
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
    """Return the encoding by the byte order mark; without one, UTF-16 is recognised by its zero bytes."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding
    even, odd = data[:400:2].count(0), data[1:400:2].count(0)
    if max(even, odd) * 4 > len(data[:400]):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8-sig"


def safe(cell: str) -> str:
    """Return the cell, with an apostrophe in front where it could be run as a formula; `plain` removes it again."""
    return f"'{cell}" if cell.startswith("'") or _is_formula(cell) else cell


def plain(cell: str) -> str:
    """Return the cleaned cell, without the apostrophe that `safe` put in front."""
    bare = cell.strip(" ")
    if bare.startswith("'") and (bare[1:].startswith("'") or _is_formula(bare[1:])):
        bare = bare[1:]
    return cleaned(bare)


def _is_formula(cell: str) -> bool:
    return cell.startswith(FORMULA_STARTS) or cell.lstrip().startswith(FORMULA_STARTS)


def wrongly_decoded(cell: str) -> bool:
    """Return whether the cell is UTF-8 that a program decoded as Windows-1252: “JosÃ©” for “José”."""
    try:
        decoded = cell.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return decoded != cell
