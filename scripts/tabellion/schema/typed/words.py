"""Words that people type where a number or a date belongs, and two values where there is room for one."""

from __future__ import annotations

import re

from tabellion.schema.typed.model import Example, Outcome, Reading, Typed, TypedKind, TypedRule, refused
from tabellion.wording import fold

#: Words, and the signs of accounting formats, that say zero; the letter O is a zero missed by one key.
ZERO_WORDS = frozenset(("neant", "-", "0", "o", "zero", "aucun", "aucune", "rien", "nul", "nulle"))
#: Words that say that nobody knows, or not yet: no number stands for them.
UNKNOWN_WORDS = frozenset(
    (
        "nc", "n.c", "n.c.", "n c", "nd", "n.d", "n.d.", "na", "n.a", "n.a.", "n/a", "so", "s.o", "s.o.", "sans objet",
        "a voir", "a definir", "a preciser", "a completer", "a confirmer", "a venir", "a negocier", "a calculer",
        "en attente", "en cours", "inconnu", "inconnue", "non connu", "non connue", "non communique", "non renseigne",
        "non determine", "non chiffre", "pas connu", "ne sait pas", "nsp", "idem", "xxx", "xx", "tbd",
    )
)  # fmt: skip
LEAVE_BLANK = "Laissez la cellule vide et dites pourquoi dans le commentaire."
#: What joins two values: a slash, a plus, « ou », « à », a new line, a dash between two numbers.
_JOINED = re.compile(
    r"(?<=[\w€%)])\s*(?:\s(?:ou|et|à|a|puis|voire|contre)\s|[/+;|&\n\r\t]|\s[-–—]\s|(?<=\d)[-–—](?=\d)|->|→|=>)\s*(?=[\w(€-])",
    re.IGNORECASE,
)
_ONE_NUMBER = re.compile(r"\d(?:[\d .,'’]*\d)?")


def is_unknown(text: str) -> bool:
    """Whether a text says that the value is not known (``n.c.``, ``?``, ``à voir``)."""
    return bool(text) and (
        fold(text) in UNKNOWN_WORDS or not text.strip("?…. _*") or ("?" in text and not re.search(r"\d", text))
    )


def parts_of(text: str) -> list[str]:
    """The values joined in one cell, each holding a digit; fewer than two when there is only one."""
    parts = [part.strip() for part in _JOINED.split(text)]
    return [part for part in parts if re.search(r"\d", part)]


def only_number(text: str) -> str | None:
    """The one number written among words; ``None`` when there is none, or several."""
    found = _ONE_NUMBER.findall(text)
    return found[0] if len(found) == 1 else None


def zero_rule(kind: TypedKind, shown: str) -> TypedRule:
    """« néant » and its like are zero; ``shown`` is how the kind shows it."""

    def match(typed: Typed) -> Reading | None:
        return Reading(0, shown) if fold(typed.text.removesuffix("€").rstrip()) in ZERO_WORDS else None

    spelling = "« néant », « aucun », un tiret, 0 ou la lettre O"
    examples = tuple(Example(typed, 0) for typed in ("néant", "-", "O", "0", "Aucun", "–", "zéro"))
    return TypedRule(kind, spelling, Outcome.COMPRIS, "zéro", examples, match)


def unknown_rule(kind: TypedKind) -> TypedRule:
    """« n.c. », « ? » and their like are no value: a blank cell and a comment say it better."""

    def match(typed: Typed) -> Reading | None:
        return refused("valeur-inconnue", LEAVE_BLANK) if is_unknown(typed.text) else None

    examples = tuple(
        Example(typed, code="valeur-inconnue", proposal="vide") for typed in ("n.c.", "?", "à voir", "NC", "sans objet")
    )
    meaning = "on ne sait pas : une cellule vide et un commentaire le disent mieux"
    return TypedRule(kind, "« n.c. », « ? », « à voir »", Outcome.REFUSE, meaning, examples, match)


def boolean_rule(kind: TypedKind, code: str = "booleen-au-lieu-de-nombre") -> TypedRule:
    """VRAI and FAUX are no number and no date."""

    def match(typed: Typed) -> Reading | None:
        return refused(code) if isinstance(typed.value, bool) else None

    meaning = "ni un nombre ni une date"
    return TypedRule(kind, "VRAI ou FAUX", Outcome.REFUSE, meaning, (Example(True, code=code),), match)
