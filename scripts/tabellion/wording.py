"""Words: compared as people do (without case, accents, kinds of quotes or spaces), counted, put for system errors."""

from __future__ import annotations

import difflib
import errno
import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from math import isfinite

_SAME = str.maketrans(
    {"’": "'", "‘": "'", "«": '"', "»": '"', "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "œ": "oe", "æ": "ae"}
)
_REASONS = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "accès refusé",
    errno.EROFS: "ce disque est en lecture seule",
    errno.ENOENT: "le fichier ou le dossier n'existe pas",
    errno.EISDIR: "c'est un dossier",
    errno.ENOTDIR: "un fichier tient la place d'un dossier",
    errno.EEXIST: "il existe déjà",
    errno.ENOTEMPTY: "ce dossier n'est pas vide",
    errno.ENOSPC: "il n'y a plus de place sur le disque",
    errno.EDQUOT: "il n'y a plus de place sur le disque",
    errno.EFBIG: "le fichier est trop gros pour ce disque",
    errno.EBUSY: "il est occupé par un autre programme",
    errno.EIO: "erreur du disque ou du réseau",
    errno.ENAMETOOLONG: "son nom est trop long",
    errno.ENOTCONN: "le dossier partagé n'est plus accessible",
    errno.ESTALE: "le dossier partagé a changé ou n'est plus là",
    errno.ETXTBSY: "il est occupé par un autre programme",
    errno.ENOLCK: "ce disque ne sait pas verrouiller un fichier",
    errno.ELOOP: "ce lien tourne en rond",
}
#: Zero-width characters and joiners, marks of direction, soft hyphens, fillers, selectors of variants, tags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e007f]"
)
#: What a client puts for what was typed (quotes, dashes, dots), without a change that a reader would call one.
_AUTOCORRECTED = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "′": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "–": "-",
        "—": "-",
        "‑": "-",
        "‐": "-",
        "−": "-",
        "…": "...",
    }
)


#: Control characters and halves of surrogate pairs: no document may hold them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """``text`` as every output can hold it: what no document may hold is shown by a sign that stands for it."""
    return _UNPRINTABLE.sub("\ufffd", text)


#: Unicode's control characters, format characters (some reorder what is read) and lone surrogates; soft hyphens and
#: joiners only shape words.
_COMMANDS, _HARMLESS = ("Cc", "Cf", "Cs"), "\u00ad\u200c\u200d"


def one_line(text: str) -> str:
    """``text`` on one line and without what commands a terminal: a message may quote a file from outside."""
    line = " ".join(text.splitlines())
    return "".join("�" if unicodedata.category(sign) in _COMMANDS and sign not in _HARMLESS else sign for sign in line)


def shortened(text: str, most: int) -> str:
    """``text`` in at most ``most`` characters: « … » stands for what is cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def without_invisible(text: str) -> str:
    """``text`` without the characters that show nothing: zero-width spaces, soft hyphens, byte-order marks."""
    return _INVISIBLE.sub("", text)


def as_seen(text: str) -> str:
    """``text`` without what nobody sees: how its accents are composed, kinds of spaces, apostrophes and dashes.

    Two texts that are the same so are one spelling; a capital, an accent or a word more is another one.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFC", without_invisible(text)).translate(_AUTOCORRECTED)
    return " ".join(plain.split())


def fold(text: str) -> str:
    """``text`` reduced to what makes it the same for a person: « É’ » and « e' » fold alike, spaces count once."""
    return _fold_short(text) if len(text) <= _SHORT else _fold(text)


def _fold(text: str) -> str:
    if text.isascii():
        return " ".join(text.casefold().split())
    plain = unicodedata.normalize("NFKD", without_invisible(text).casefold().translate(_SAME))
    if not plain.isascii():
        plain = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(plain.split())


#: Headers, labels and choices come back in every file; what is longer is remembered nowhere.
_SHORT = 200
_fold_short = lru_cache(maxsize=8192)(_fold)


#: Names that Windows keeps for devices, whatever the suffix; the longest name that leaves room for its folders in the
#: 260 characters of a path there.
_DEVICE = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]")
_LONGEST_STEM, _DIGEST = 90, 8


def slug(text: str) -> str:
    """``text`` as a stable identifier: lowercase ASCII letters and digits joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")


def file_stem(text: str) -> str:
    """``text`` as the name of a file without its suffix, on every system: its slug, cut where it is long.

    Names that Windows keeps for devices (``con.txt`` is the console) take a hyphen more. A name that is cut ends with a
    digest of the whole: two of them stay two.
    """
    name = slug(text)
    if len(name) > _LONGEST_STEM:
        name = f"{name[: _LONGEST_STEM - _DIGEST - 1]}-{hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]}"
    return f"{name}-" if _DEVICE.fullmatch(name) else name


def nearest(value: str, choices: Iterable[str]) -> str | None:
    """The choice that ``value`` most likely meant, or ``None`` when none is near."""
    folded = {fold(choice): choice for choice in choices}
    close = difflib.get_close_matches(fold(value), folded, 1, cutoff=0.7)
    return folded[close[0]] if close else None


#: Pairs of texts among which near misses are looked for, in one place: where every name is wrong, none is a slip.
_MOST_PAIRS = 100_000


def within_reach(values: Iterable[str], choices: Collection[str]) -> set[str]:
    """The first of ``values``, as many as it is worth looking for the :func:`nearest` of among so many ``choices``."""
    return set(islice(values, max(1, _MOST_PAIRS // max(1, len(choices)))))


def french_count(count: int) -> str:
    """``count`` with its digits in threes: ``12 660``."""
    return f"{count:,}".replace(",", "\u202f")


def plural(count: int, singular: str, many: str | None = None) -> str:
    """``count`` with its French noun: ``0 ligne``, ``1 ligne``, ``12 660 lignes``."""
    return f"{french_count(count)} {singular if abs(count) < 2 else many or singular + 's'}"


def of(name: str) -> str:
    """« de » before a name, elided: ``de Bourg``, ``d'État``, ``du bailleur``, ``des villes``."""
    first, _, after_article = name.partition(" ")
    contracted = {"le": "du", "les": "des"}.get(first.casefold())
    if contracted and after_article:
        return f"{contracted} {after_article}"
    initial = fold(name)[:1]
    return f"d'{name}" if initial in "aeiouy" and initial else f"de {name}"


def french_date(day: date) -> str:
    """``31/12/2016``."""
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def french_moment(moment: datetime) -> str:
    """``31/12/2016 à 02:00``."""
    return f"{french_date(moment)} à {moment:%H:%M}"


#: Beyond so many digits, a number is shown by its powers of ten, as Excel does.
_MOST_DIGITS = 21


def french_value(value: object) -> str:
    """What a cell holds, as a French spreadsheet program shows it: ``VRAI``, ``0,4``, ``31/12/2016 12:00``, ``25:30``.

    Every message shows what it found by this alone. A number has the 15 digits that Excel keeps.
    """
    if value is None:
        return "(vide)"
    if isinstance(value, bool):
        return "VRAI" if value else "FAUX"
    if isinstance(value, int | float | Decimal):
        return _shown_number(value)
    if isinstance(value, datetime):
        at = "" if value.time() == time() else f" {value:%H:%M}" + (f":{value:%S}" if value.second else "")
        return french_date(value) + at
    if isinstance(value, date):
        return french_date(value)
    if isinstance(value, time):
        return f"{value:%H:%M}" + (f":{value:%S}" if value.second else "")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(abs(round(value.total_seconds())), 60)
        sign = "-" if value < timedelta() else ""
        return f"{sign}{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
    if isinstance(value, list | tuple):
        return ", ".join(map(french_value, value))
    return str(value)


def _shown_number(value: int | float | Decimal) -> str:
    if isinstance(value, float | Decimal) and not isfinite(value):
        return "un nombre impossible"
    if isinstance(value, int) and abs(value) < 10**_MOST_DIGITS:
        return str(value)
    digits = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
    if -_MOST_DIGITS <= digits.adjusted() < _MOST_DIGITS:
        plain = f"{digits:f}"
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return ("0" if plain in ("-0", "") else plain).replace(".", ",")
    return _by_powers(digits)


def _by_powers(digits: Decimal) -> str:
    """``1,5E+300``."""
    mantissa, _, power = f"{digits:.14E}".partition("E")
    return f"{mantissa.rstrip('0').rstrip('.').replace('.', ',')}E{int(power):+d}"


def system_reason(error: OSError) -> str:
    """Why the system refused, in French (its own words are English, or the machine's)."""
    return _REASONS.get(error.errno or 0, f"erreur {error.errno} du système")


def bound(text: str) -> str:
    """``text`` with no-break spaces where French typography wants them, so that a line never starts with its sign."""
    return re.sub(r" (?=[»:;?!€%])|(?<=«) ", "\u00a0", text)
