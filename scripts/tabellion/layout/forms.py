"""What a form is made of, declared once for writing and for reading: sheets, rows, values as sent; and its seal.

A form is made for one partner and one exercice (DESIGN.md §7). Each of its tables (:mod:`tabellion.schema.forms`) holds
rows of one table of the register; some columns are typed by the partner, the others only show what is known.

The seal says that the identity and the row ids that a form carries, very hidden, are those that it was sent with. It
has four parts: which key made it, who answers for which exercice, which form, which rows. What each covers can be told
apart when the form comes back. Forms of programs before the seals have none.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from pathlib import Path

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
        signer = ", ".join(filter(None, (self.nom, self.fonction, day)))
        state = FINAL_WORDS[0] if self.is_final else f"non marqué {FINAL_WORDS[0]}"
        return f"{signer}{DASH}{state}" if signer else state


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


#: The key of a workspace, beside the forms that it seals: with another one, nothing can be said of them.
KEY_FILE = ".sceau"
#: What the identity's sheet calls the seal.
SEAL = "sceau"
_PART = 16
#: Exercices before and after the one that a form says, among which the true one is looked for.
_YEARS = 12


class SealState(Enum):
    """What a form's seal says of it."""

    SOUND = "intact"
    ABSENT = "absent"
    OTHER_KEY = "d'une autre clé"
    OTHER_PARTNER = "d'un autre partenaire ou exercice"
    OTHER_FORM = "d'un autre formulaire"
    OTHER_ROWS = "d'autres lignes"


@dataclass(frozen=True)
class SealKey:
    """The secret of a workspace; the forms that it sent are known by it."""

    secret: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """What tells this key from another, and gives nothing of it away."""
        return hashlib.sha256(b"sceau" + self.secret).hexdigest()[:8]

    def of(self, identity: FormIdentity, rows: Iterable[tuple[str, str]]) -> str:
        """The seal of a form with these rows as sent: the table and the stable id of each."""
        return "-".join((self.name, self._who(identity), self._form(identity), self._rows(identity, rows)))

    def check(self, seal: str, identity: FormIdentity, rows: Iterable[tuple[str, str]] | None) -> SealState:
        """What the seal of a form that came back says; ``rows`` is ``None`` where they are lost."""
        if not seal:
            return SealState.ABSENT
        name, who, form, sent = [*seal.split("-"), "", "", ""][:4]
        if name != self.name:
            return SealState.OTHER_KEY
        if not _same(who, self._who(identity)):
            return SealState.OTHER_PARTNER
        if not _same(form, self._form(identity)):
            return SealState.OTHER_FORM
        is_same = rows is None or _same(sent, self._rows(identity, rows))
        return SealState.SOUND if is_same else SealState.OTHER_ROWS

    def true_identity(self, seal: str, identity: FormIdentity, partners: Iterable[str]) -> FormIdentity | None:
        """Whom a form was sent to, and for which exercice, as its seal says; ``None`` where it is none of them."""
        who = [*seal.split("-"), ""][1]
        year = identity.exercice
        years = sorted(range(year - _YEARS, year + _YEARS + 1), key=lambda other: abs(other - year))
        possible = (replace(identity, partenaire=partner, exercice=year) for year in years for partner in partners)
        return next((candidate for candidate in possible if _same(who, self._who(candidate))), None)

    def _who(self, identity: FormIdentity) -> str:
        return self._digest("qui", identity.contrat, identity.partenaire, str(identity.exercice))

    def _form(self, identity: FormIdentity) -> str:
        return self._digest("formulaire", self._who(identity), identity.formulaire)

    def _rows(self, identity: FormIdentity, rows: Iterable[tuple[str, str]]) -> str:
        return self._digest("lignes", self._form(identity), *(text for row in sorted(set(rows)) for text in row))

    def _digest(self, *texts: str) -> str:
        content = "\0".join(texts).encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, content, hashlib.sha256).hexdigest()[:_PART]


def read_key(envois: Path) -> SealKey | None:
    """The key of a workspace; ``None`` where there is none yet, or it is lost."""
    try:
        secret = bytes.fromhex((envois / KEY_FILE).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None
    return SealKey(secret) if len(secret) >= _PART else None


def _same(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode("utf-8", "surrogatepass"), second.encode())
