"""Names and numbers as text: cleaned before they are stored, compared exactly, or folded for search.

`cleaned` is what is stored, `identity` decides whether two texts are the same name, and `folded` finds what a person
may have meant. Where two names are equal only when folded, the person is asked; they are never taken for one student.
"""

import re
import unicodedata

# Joiners that change how Persian and Indian names are written. Other format characters are invisible.
_JOINERS = "\u200c\u200d"
# Letters that Unicode does not decompose, and variants of apostrophe and hyphen.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys(
            "\u2018\u2019\u201a\u201b\u02bb\u02bc\u02b9\u2032\u00b4\u0060\u055a\ua78c\uff07", "'"
        ),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
        "ł": "l",
        "ø": "o",
        "ı": "i",
        "đ": "d",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
        "ĸ": "k",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
        "ə": "e",
        "ß": "ss",
    }
)
# The decimals that a spreadsheet adds to a number that it takes for an amount.
_AS_AMOUNT = re.compile(r"(?<=\d)[.,]0+$")
_SEPARATORS = re.compile(r"[\s./_-]+")


def cleaned(text: str) -> str:
    """Return the text in NFC, without invisible characters and with single spaces."""
    visible = (_visible(character) for character in unicodedata.normalize("NFC", text))
    return " ".join("".join(visible).split())


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Cc":
            return " "
        case "Cf":
            return character if character in _JOINERS else ""
        case _:
            return character


def identity(text: str) -> str:
    """Return a text (NFC, case-folded) that is equal for two texts if and only if they are the same name or number."""
    visible = "".join(character for character in cleaned(text) if character not in _JOINERS)
    return unicodedata.normalize("NFC", visible.casefold())


def folded(text: str) -> str:
    """Return the text case-folded, in NFKD, without accents and with plain apostrophes, hyphens and letters.

    For search and for sorting only: the same on every machine, unlike a database's collation.
    """
    plain = text.casefold().translate(_PLAIN)
    decomposed = unicodedata.normalize("NFKD", plain).translate(_PLAIN)
    kept = (c for c in decomposed if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    return " ".join("".join(kept).split())


def number_key(number: str) -> str:
    """Return the number without leading zeros, separators and decimals, all of which spreadsheets change."""
    bare = _SEPARATORS.sub("", _AS_AMOUNT.sub("", folded(number)))
    return bare.lstrip("0") or bare
