"""Texts as people type them: ticks, words of a list, codes, and free texts."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Any

from tabellion.schema.table import FALSE_WORD, TRUE_WORD
from tabellion.schema.typed.model import Example, Outcome, Reading, Rules, Typed, TypedKind, TypedRule, refused
from tabellion.schema.typed.numbers import LARGEST
from tabellion.wording import fold, nearest

_REFUSE = Outcome.REFUSE
#: What a register or a sheet may write for a boolean, in any case.
TRUE_WORDS, FALSE_WORDS = frozenset((TRUE_WORD, "true", "vrai")), frozenset((FALSE_WORD, "false", "faux"))
_TICKS = frozenset(("x", "o", "y", "yes", "ok", "1", "✓", "✔", "☑", "☒", "✅", "coche", "coché"))
_NO_TICKS = frozenset(("n", "no", "0", "☐"))
_CROSSES = frozenset(("✗", "✘", "❌", "✕", "✖", "×"))
_VARIATION = "\ufe0f"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NEWLINES = re.compile(r"\r\n?")
_SHOWN = 80


def text_of(value: Any) -> str | None:
    """The text that a cell holds, its newlines made plain; ``None`` when it has control characters, or holds a date."""
    if isinstance(value, str):
        return None if _CONTROL.search(value) else _NEWLINES.sub("\n", value) if "\r" in value else value
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, float) and abs(value) < LARGEST and value == int(value):
        return str(int(value))
    return None if isinstance(value, date | time | timedelta) else str(value)


def refused_text(value: Any) -> Reading:
    """Why :func:`text_of` gave nothing."""
    if isinstance(value, str):
        return refused("caracteres-interdits", f"Retapez : {_CONTROL.sub('', value)[:_SHOWN]}")
    return refused("date-au-lieu-de-texte")


def _is_date(typed: Typed) -> bool:
    return isinstance(typed.value, date | time | timedelta)


def _shown(value: bool) -> Reading:
    return Reading(value, TRUE_WORD if value else FALSE_WORD)


def _coded(typed: Typed, text: str) -> Reading | None:
    pattern = typed.field.anchored_pattern
    return Reading(text, text) if pattern is not None and re.match(pattern, text) else None


def _date_rule(kind: TypedKind) -> TypedRule:
    def match(typed: Typed) -> Reading | None:
        return refused("date-au-lieu-de-texte") if _is_date(typed) else None

    examples = (Example(date(2016, 3, 1), code="date-au-lieu-de-texte"),)
    return TypedRule(kind, "un texte qu'Excel a changé en date", _REFUSE, "1/3 n'est pas le 1er mars", examples, match)


BOOLEAN_RULES = Rules("boolean")


@BOOLEAN_RULES.takes(
    "oui, non, VRAI, FAUX",
    "oui ou non",
    Example(True, True),
    Example(False, False),
    Example("oui", True),
    Example("NON", False),
    Example("VRAI", True),
    Example("faux", False),
    Example("oui\u00a0", True),
)
def _said(typed: Typed) -> Reading | None:
    if isinstance(typed.value, bool):
        return _shown(typed.value)
    word = typed.value.strip().casefold() if isinstance(typed.value, str) else ""
    return _shown(word in TRUE_WORDS) if word in TRUE_WORDS or word in FALSE_WORDS else None


@BOOLEAN_RULES.understands("1 ou 0", "1 est oui, 0 est non", Example(1, True), Example(0, False), Example(1.0, True))
def _one_or_zero(typed: Typed) -> Reading | None:
    return _shown(bool(typed.number)) if typed.number in (0, 1) else None


@BOOLEAN_RULES.understands(
    "x, ✓, o ou n, 1 ou 0 en texte",
    "une case cochée est oui",
    Example("x", True),
    Example("X", True),
    Example("✓", True),
    Example("✔\ufe0f", True),
    Example("☑", True),
    Example("☒", True),
    Example("o", True),
    Example("1", True),
    Example("\u200bVRAI", True),
    Example("n", False),
    Example("0", False),
    Example("☐", False),
)
def _ticked(typed: Typed) -> Reading | None:
    word = typed.text.replace(_VARIATION, "").casefold()
    if word in _TICKS or fold(word) in TRUE_WORDS:
        return _shown(True)
    return _shown(False) if word in _NO_TICKS or fold(word) in FALSE_WORDS else None


@BOOLEAN_RULES.refuses(
    "✗ et les croix de ce genre",
    "cochée ou refusée ?",
    Example("✗", code="ni-oui-ni-non", proposal="oui ou non"),
    Example("❌", code="ni-oui-ni-non"),
)
def _crossed(typed: Typed) -> Reading | None:
    if typed.text.replace(_VARIATION, "") not in _CROSSES:
        return None
    return refused("ni-oui-ni-non", "Tapez oui ou non : une croix de ce genre veut dire l'un ou l'autre.")


@BOOLEAN_RULES.refuses(
    "toute autre valeur",
    "ni oui ni non",
    Example("peut-être", code="ni-oui-ni-non"),
    Example(2, code="ni-oui-ni-non"),
    Example("-", code="ni-oui-ni-non"),
    Example("oui/non", code="ni-oui-ni-non"),
    Example(date(2016, 1, 1), code="ni-oui-ni-non"),
)
def _undecided(_: Typed) -> Reading | None:
    return refused("ni-oui-ni-non")


LIST_RULES = Rules("list")


@LIST_RULES.takes("une valeur de la liste", "cette valeur", Example("en cours", "en cours"))
def _listed(typed: Typed) -> Reading | None:
    return (
        Reading(typed.value, typed.value) if isinstance(typed.value, str) and typed.value in typed.field.enum else None
    )


@LIST_RULES.understands(
    "une valeur de la liste à la casse, aux accents ou aux espaces près",
    "la valeur de la liste",
    Example("EN COURS", "en cours"),
    Example(" en\u00a0cours ", "en cours"),
    Example("terminee", "terminée"),
    Example("Abandonnée\u200b", "abandonnée"),
)
def _alike(typed: Typed) -> Reading | None:
    alike = [word for word in typed.field.enum if typed.text and fold(word) == fold(typed.text)]
    return Reading(alike[0], alike[0]) if len(alike) == 1 else None


@LIST_RULES.refuses(
    "une valeur qui ressemble à une autre",
    "la plus proche est proposée",
    Example("terminé", code="valeur-hors-liste", proposal="terminée"),
    Example("non demarre", code="valeur-hors-liste", proposal="non démarrée"),
)
def _near(typed: Typed) -> Reading | None:
    near = nearest(typed.text, typed.field.enum) if typed.text else None
    return None if near is None else refused("valeur-hors-liste", f"Choisissez « {near} » dans la liste.")


LIST_RULES.append(_date_rule("list"))


@LIST_RULES.refuses(
    "toute autre valeur, un nombre",
    "elle n'est pas dans la liste",
    Example("oui", code="valeur-hors-liste"),
    Example(3, code="valeur-hors-liste"),
    Example(True, code="valeur-hors-liste"),
)
def _unlisted(_: Typed) -> Reading | None:
    return refused("valeur-hors-liste")


CODE_RULES = Rules("code")


@CODE_RULES.takes("un code bien écrit", "ce code", Example("I-1.1./1", "I-1.1./1"))
def _code(typed: Typed) -> Reading | None:
    return _coded(typed, typed.value) if isinstance(typed.value, str) else None


@CODE_RULES.understands("un code fait de chiffres, tapé comme un nombre", "les mêmes chiffres", Example(12, "12"))
def _number_code(typed: Typed) -> Reading | None:
    text = text_of(typed.value) if typed.number is not None else None
    return None if text is None else _coded(typed, text)


@CODE_RULES.understands(
    "un code avec des espaces, même invisibles",
    "le code sans elles",
    Example(" I-1.1./1 ", "I-1.1./1"),
    Example("I-1.1. / 1", "I-1.1./1"),
    Example("I-1.1./1\u00a0", "I-1.1./1"),
    Example("I-1.1.\u200b/1", "I-1.1./1"),
)
def _spaced_code(typed: Typed) -> Reading | None:
    return _coded(typed, "".join(typed.text.split())) if typed.text else None


@CODE_RULES.understands(
    "un code en minuscules, avec un accent ou un autre tiret",
    "le code corrigé",
    Example("i-1.1./1", "I-1.1./1"),
    Example("I–1.1./1", "I-1.1./1"),
    Example("Ì-1.1./1", "I-1.1./1"),
)
def _bent_code(typed: Typed) -> Reading | None:
    """A code but for case, accents and kinds of dashes, where one correction alone fits."""
    compact = "".join(typed.text.split())
    if not compact:
        return None
    plain = "".join(fold(each).upper() if each.isupper() else fold(each) for each in compact)
    found = {text for text in (plain, plain.upper(), plain.lower()) if _coded(typed, text) is not None}
    return Reading(text := found.pop(), text) if len(found) == 1 else None


@CODE_RULES.refuses(
    "toute autre valeur",
    "ce n'est pas un code de cette forme",
    Example("fiche 1", code="forme-inattendue"),
    Example(date(2016, 3, 1), code="date-au-lieu-de-texte"),
)
def _no_code(typed: Typed) -> Reading | None:
    return refused("date-au-lieu-de-texte" if _is_date(typed) else "forme-inattendue")


TEXT_RULES = Rules("text")


@TEXT_RULES.takes(
    "un texte, un nombre",
    "tel quel",
    Example("un texte", "un texte"),
    Example("deux\nlignes", "deux\nlignes"),
    Example("a\r\nb", "a\nb"),
    Example(2016.0, "2016"),
    Example(1.5, "1.5"),
    Example(True, "oui"),
)
def _text(typed: Typed) -> Reading | None:
    text = text_of(typed.value)
    return None if text is None else Reading(text, text)


TEXT_RULES.append(_date_rule("text"))


@TEXT_RULES.refuses(
    "des caractères qui ne s'impriment pas",
    "le texte est à retaper",
    Example("a\x07b", code="caracteres-interdits", proposal="ab"),
)
def _no_text(typed: Typed) -> Reading | None:
    return refused_text(typed.value)
