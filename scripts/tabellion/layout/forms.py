"""What a form is made of, declared once for writing and for reading: its sheets, its rows, its values as sent.

A form is made for one partner and one exercice (DESIGN.md §7). Each of its tables (:mod:`tabellion.schema.forms`) holds
rows of one table of the register; some columns are typed by the partner, the others only show what is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from tabellion.layout.names import FORMAT_VERSION, shorten
from tabellion.schema import Field
from tabellion.schema.forms import TableSpec
from tabellion.schema.table import Value
from tabellion.schema.tables import Row

GUIDE = "Mode d'emploi"
#: What each sheet's link back to it shows.
BACK = f"← {GUIDE}"
#: After the tables: all that may be typed, and the hidden lists behind the drop-downs.
SPELLINGS, LISTS = "Saisie", "Listes"
#: Between them and the tables: the amounts by convention.
TOTALS = "Totaux"
#: The very hidden sheet of the values as sent, each with its table, its row's stable id and its field.
BASELINE = "_reference"
BASELINE_HEADERS = ("Tableau", "Identifiant", "Champ", "Valeur")

KIND_FORM = "formulaire"
#: Rows under the known ones where a partner adds its own: a protected sheet stops an Excel table from growing.
SPARE_ROWS = 50
#: The cells of the guide where the partner says who filled the form: their defined names, labels and prompts.
SIGNED_BY, FUNCTION, SIGNED_ON, FINAL = "Rempli_par", "Rempli_fonction", "Rempli_le", "Rempli_etat"
SIGNATURE_CELLS = (
    (SIGNED_BY, "Nom", "Prénom et nom de la personne qui répond."),
    (FUNCTION, "Fonction", "Sa fonction ou son service."),
    (SIGNED_ON, "Date", "Le jour de la réponse, comme 15/11/2016."),
    (FINAL, "État", "« définitif » ou « provisoire » : une réponse provisoire est prise en compte aussi."),
)
#: What the last of them may say: that nothing more is to come, or that something is.
FINAL_WORDS = ("définitif", "provisoire")
#: What stands beside the totals above a table.
TOTAL = "Total"
#: Between a number and the words that tell what it is.
DASH = " – "
#: Characters that are shown of a convention's title and of a fiche's objectif.
_TITLE_LENGTH, _OBJECTIF_LENGTH = 22, 90


class FillState(Enum):
    """What a form says of a row, of a sheet and of itself, from what matters most; formulas write these words.

    After the state of a row come its fields: « à compléter : un montant ».
    """

    TO_CORRECT = "à corriger"
    """It would be refused."""
    TO_COMPLETE = "à compléter"
    """Something that is asked is not there."""
    TO_CONFIRM = "à confirmer"
    """A text where a number, a date or a word of a list is expected: it is read, and what is understood is said."""
    EMPTY = "rien de saisi"
    """Nothing says more than what was sent."""
    COMPLETE = "complet"

    @property
    def colour(self) -> str:
        """The colour of the theme behind its words."""
        return _STATE_COLOURS[self]


_STATE_COLOURS = {
    FillState.TO_CORRECT: "erreur",
    FillState.TO_COMPLETE: "avertissement",
    FillState.TO_CONFIRM: "information",
    FillState.EMPTY: "avertissement",
    FillState.COMPLETE: "juste",
}


@dataclass(frozen=True)
class FilledBy:
    """Who says that they filled a form, as typed, and whether they say that it is final."""

    nom: str = ""
    fonction: str = ""
    jour: str = ""
    is_final: bool = False

    @property
    def words(self) -> str:
        """What staff read of it."""
        day = f"le {self.jour}" if self.jour else ""
        who = ", ".join(filter(None, (self.nom, self.fonction, day)))
        state = FINAL_WORDS[0] if self.is_final else f"non marqué {FINAL_WORDS[0]}"
        return f"{who}{DASH}{state}" if who else state


@dataclass(frozen=True)
class FormRow:
    """One row as sent: its stable id, and the register's value of each column by name (cents, keys, booleans)."""

    key: str
    values: Row


@dataclass(frozen=True)
class FormIdentity:
    """What a form says it is, in its very hidden sheet."""

    contrat: str
    partenaire: str
    exercice: int
    formulaire: str


@dataclass(frozen=True)
class Form:
    """One form, before it is written: for whom, for which exercice, the rows of each of its tables."""

    identity: FormIdentity
    partner: str
    tables: tuple[TableSpec, ...]
    """Only those that concern the partner, in order."""
    rows: dict[str, tuple[FormRow, ...]]
    """By Excel table name."""


def values_sent(rows: Mapping[str, Iterable[FormRow]]) -> Iterator[tuple[str, str, str, str]]:
    """Every value as sent that is not blank: its Excel table, its row's stable id, its column's name, its text."""
    for table, table_rows in rows.items():
        for row in table_rows:
            for name, value in row.values.items():
                if value is not None:
                    yield table, row.key, name, baseline_text(value)


def form_id(contrat: str, partenaire: str, exercice: int, state: str = "") -> str:
    """The id of a form: another one for another ``state`` of what is sent. Forms once had that of an empty one."""
    name = f"{contrat}/{partenaire}/{exercice}/{FORMAT_VERSION}{state}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def convention_words(number: int, title: str) -> str:
    """A convention with its whole title, as forms once showed it."""
    return f"{number}{DASH}{title}"


def short_convention(number: int, title: str) -> str:
    """A convention as a form shows it, on one line."""
    return convention_words(number, shorten(title, _TITLE_LENGTH))


def fiche_words(fiche: str, objectif: str | None) -> str:
    """A fiche as a form shows it: its number, and its objectif as far as it goes."""
    words = " ".join((objectif or "").split())
    cut = shorten(words, _OBJECTIF_LENGTH)
    return f"{fiche}{DASH}{cut}{'' if cut == words else '…'}" if words else fiche


def baseline_text(value: Value | float) -> str:
    """A value of the register as the baseline keeps it."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    return str(value)


def baseline_value(field: Field, text: str | None) -> Value:
    """The value of the register that :func:`baseline_text` wrote as ``text``; ``None`` for a blank.

    A text that a client has spoilt is given as it is: it is equal to no value of the field.
    """
    if not text:
        return None
    try:
        if field.kind in ("money", "integer", "percent"):
            return int(text)
        if field.kind == "date":
            return date.fromisoformat(text[:10])
    except ValueError:
        return text
    return text == "oui" if field.kind == "boolean" else text
