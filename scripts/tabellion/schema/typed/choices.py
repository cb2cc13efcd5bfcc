"""Texts as people type them: ticks, words of a list, codes, and free texts."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time, timedelta

from tabellion.schema.numbers import spoilt_code
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field
from tabellion.schema.typed.numbers import LARGEST
from tabellion.schema.typed.rules import Outcome, Reading, Rules, Typed, TypedRule, make_typed
from tabellion.wording import fold, nearest, shortened

#: What a register or a sheet may write for a boolean, in any case.
TRUE_WORDS, FALSE_WORDS = frozenset((TRUE_WORD, "true", "vrai")), frozenset((FALSE_WORD, "false", "faux"))
TICKS = frozenset(("x", "o", "y", "yes", "ok", "1", "✓", "✔", "☑", "☒", "✅", "coche", "coché"))
NO_TICKS = frozenset(("n", "no", "0", "☐"))
_CROSSES = frozenset(("✗", "✘", "❌", "✕", "✖", "×"))
_VARIATION = "\ufe0f"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NEWLINES = re.compile(r"\r\n?")
_SHOWN = 80


def text_of(value: object) -> str | None:
    """The text that a cell holds, its accents composed and its newlines plain.

    ``None`` when it has control characters, or holds a date.
    """
    if isinstance(value, str):
        if _CONTROL.search(value):
            return None
        text = value if value.isascii() else unicodedata.normalize("NFC", value)
        return _NEWLINES.sub("\n", text) if "\r" in text else text
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, float) and abs(value) < LARGEST and value == int(value):
        return str(int(value))
    return None if isinstance(value, date | time | timedelta) else str(value)


def refused_text(value: object) -> Reading:
    """Why :func:`text_of` gave nothing."""
    if isinstance(value, str):
        return Reading(
            code="caracteres-interdits", suggestion=f"Ressaisissez : {shortened(_CONTROL.sub('', value), _SHOWN)}"
        )
    return Reading(code="date-au-lieu-de-texte")


def _is_date(typed: Typed) -> bool:
    return isinstance(typed.value, date | time | timedelta)


def _refuse_dates(rules: Rules[str]) -> None:
    """1/3 is not the first of March."""
    rules.refuses("date-au-lieu-de-texte", "un texte qu'Excel a changé en date", date(2016, 3, 1), _is_date)


def _coded(typed: Typed, text: str) -> str | None:
    pattern = typed.field.anchored_pattern
    return text if pattern is not None and re.match(pattern, text) else None


def _written(typed: Typed) -> bool | None:
    if isinstance(typed.value, bool):
        return typed.value
    word = typed.value.strip().casefold() if isinstance(typed.value, str) else ""
    return word in TRUE_WORDS if word in TRUE_WORDS or word in FALSE_WORDS else None


def _ticked(typed: Typed) -> bool | None:
    word = typed.text.replace(_VARIATION, "").casefold()
    if word in TICKS or fold(word) in TRUE_WORDS:
        return True
    return False if word in NO_TICKS or fold(word) in FALSE_WORDS else None


def _crossed(typed: Typed) -> str | None:
    is_cross = typed.text.replace(_VARIATION, "") in _CROSSES
    return "Saisissez oui ou non : une croix de ce genre veut dire l'un ou l'autre." if is_cross else None


def _alike(typed: Typed) -> str | None:
    alike = [word for word in typed.field.enum if typed.text and fold(word) == fold(typed.text)]
    return alike[0] if len(alike) == 1 else None


def _agreed(typed: Typed) -> str | None:
    """The one word of the list that a text is in another gender or number, or in another word for the same."""
    root_typed = _root(typed.text)
    roots = {word: _root(word) for word in typed.field.enum}
    alike = [word for word, root in roots.items() if root_typed and root == root_typed] or [
        word for word, root in roots.items() if any({root_typed, root} <= same for same in _SAME_STATES)
    ]
    return alike[0] if len(alike) == 1 else None


def _root(text: str) -> str:
    """Words without the endings that gender and number give them: « terminé(e)s », « terminée » are « termin »."""
    words = re.split(r"[ -]", fold(text.rstrip(".! ")))
    return " ".join(_ENDING.sub("", word) for word in words)


_ENDING = re.compile(r"(?<=\w\w)(?:\(?e\)?){0,2}(?:\(?s\)?)?$")
#: Words that say the same of an action.
_SAME_WORDS = (
    ("terminé", "fini", "achevé", "réalisé", "clos", "clôturé", "fait", "effectué", "soldé", "action terminée",
     "c'est fini"),
    ("en cours", "encours", "démarré", "commencé", "engagé", "lancé", "entamé",
     "en cours de réalisation", "action en cours"),
    ("non démarré", "pas démarré", "pas commencé", "non commencé", "à démarrer", "à venir", "pas encore démarré",
     "pas encore commencé", "non engagé", "à faire"),
    ("abandonné", "annulé", "supprimé", "arrêté", "action abandonnée"),
)  # fmt: skip
_SAME_STATES = tuple(frozenset(map(_root, words)) for words in _SAME_WORDS)


def same_words(enum: tuple[str, ...]) -> frozenset[str]:
    """The usual spellings that are read as a word of a list: in another gender or number, without accents, synonyms."""
    field = Field("", "string", "", "", enum=enum)
    known = {*enum, *(word for words in _SAME_WORDS for word in words)}
    stems = {stem for word in known if (stem := _ENDING.sub("", word)).endswith(("é", "i"))}
    forms = known | {stem + ending for stem in stems for ending in _ENDINGS}
    spelt = forms | {fold(form) for form in forms} | {form.replace(" ", "-") for form in forms}
    return frozenset(word for word in spelt if (typed := make_typed(word, field)) and (_alike(typed) or _agreed(typed)))


_ENDINGS = ("", "e", "s", "es", "(e)", "(e)s", "e.")


def _near(typed: Typed) -> str | None:
    near = nearest(typed.text, typed.field.enum) if typed.text else None
    return None if near is None else f"Choisissez « {near} » dans la liste."


def _number_code(typed: Typed) -> str | None:
    text = text_of(typed.value) if typed.number is not None else None
    return None if text is None else _coded(typed, text)


def _bent_code(typed: Typed) -> str | None:
    """A code but for case, accents and kinds of dashes, where one correction alone fits."""
    compact = "".join(typed.text.split())
    if not compact:
        return None
    plain = "".join(fold(char).upper() if char.isupper() else fold(char) for char in compact)
    corrections = {text for text in (plain, plain.upper(), plain.lower()) if _coded(typed, text) is not None}
    return corrections.pop() if len(corrections) == 1 else None


# fmt: off
BOOLEAN_RULES = Rules[bool]("boolean", lambda value: TRUE_WORD if value else FALSE_WORD)
BOOLEAN_RULES.takes("oui, non, VRAI, FAUX", True, _written)
BOOLEAN_RULES.understands("1 ou 0", 1, lambda typed: bool(typed.number) if typed.number in (0, 1) else None)
BOOLEAN_RULES.understands("x, ✓, o ou n, 1 ou 0 en texte", "x", _ticked)
BOOLEAN_RULES.refuses("ni-oui-ni-non", "✗ et les croix de ce genre", "✗", _crossed)
BOOLEAN_RULES.leaves_blank("« n.c. », « N/A », « s.o. », « ? »", "N/A")
BOOLEAN_RULES.refuses("ni-oui-ni-non", "toute autre valeur", "peut-être", lambda _: True)

LIST_RULES = Rules[str]("list", str)
LIST_RULES.takes("une valeur de la liste", "en cours",
    lambda typed: typed.value if isinstance(typed.value, str) and typed.value in typed.field.enum else None)
LIST_RULES.understands("une valeur de la liste à la casse, aux accents ou aux espaces près", "EN COURS", _alike)
LIST_RULES.understands("une valeur de la liste au genre ou au nombre près, ou un mot qui dit la même chose", "terminé",
    _agreed)
LIST_RULES.leaves_blank("« n.c. », « N/A », « s.o. », « ? »", "N/A")
LIST_RULES.refuses("valeur-hors-liste", "une valeur qui ressemble à une autre", "terminnée", _near)
_refuse_dates(LIST_RULES)
LIST_RULES.refuses("valeur-hors-liste", "toute autre valeur, un nombre", "oui", lambda _: True)

CODE_RULES = Rules[str]("code", str)
CODE_RULES.takes("un code bien écrit", "I-1.1./1",
    lambda typed: _coded(typed, typed.value) if isinstance(typed.value, str) else None)
CODE_RULES.understands("un code fait de chiffres, saisi comme un nombre", 12, _number_code)
CODE_RULES.understands("un code avec des espaces, même invisibles", " I-1.1./1 ",
    lambda typed: _coded(typed, "".join(typed.text.split())) if typed.text else None)
CODE_RULES.understands("un code en minuscules, avec un accent ou un autre tiret", "i-1.1./1", _bent_code)
CODE_RULES.append(TypedRule("code", "toute autre valeur", Outcome.REFUSE, "fiche 1",
    lambda typed: Reading(code="date-au-lieu-de-texte") if _is_date(typed) else
        Reading(code="forme-inattendue", suggestion=spoilt_code(typed.text))))

TEXT_RULES = Rules[str]("text", str)
TEXT_RULES.takes("un texte, un nombre", "un texte", lambda typed: text_of(typed.value))
_refuse_dates(TEXT_RULES)
TEXT_RULES.refuses("caracteres-interdits", "des caractères qui ne s'impriment pas", "a\x07b",
    lambda typed: refused_text(typed.value).suggestion)
