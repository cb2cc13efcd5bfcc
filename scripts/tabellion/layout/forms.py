"""What a form is made of, declared once for writing and for reading: its sheets, its tables, the role of each column.

A form is made for one partner and one exercice (DESIGN.md §7). Each of its tables holds rows of one table of the
register; some columns are typed by the partner, the others only show what is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from tabellion.layout.identity import FORMAT_VERSION
from tabellion.schema import Field, Schemas

GUIDE, BUDGET, ACTIONS, FINANCEMENTS = "Mode d'emploi", "Budget", "Actions", "Financements"
#: The plan de financement of the fiches that the partner leads, in two sheets.
CHARGES, PRODUITS = "Charges", "Produits"
#: After the tables: all that may be typed, and the hidden lists behind the drop-downs.
SPELLINGS, LISTS = "Saisie", "Listes"
#: The very hidden sheet of the values as sent, each with its table, its row's stable id and its field.
BASELINE = "_reference"
BASELINE_HEADERS = ("Tableau", "Identifiant", "Champ", "Valeur")

KIND_FORM = "formulaire"
#: Rows under the known ones where a partner adds its own: a protected sheet stops an Excel table from growing.
SPARE_ROWS = 50
#: What the live column says of a row (formulas write these words, the reader knows them).
COMPLETE = "complet"


class Role(Enum):
    """What a column of a form is for."""

    SHOWN = "montré"
    """Known: locked on the rows as sent; typed on the spare rows where ``ColumnSpec.spare`` says so."""
    TYPED = "à remplir"
    """Typed by the partner on every row."""
    COMPUTED = "calculé"
    """Computed beside what is typed: a formula."""
    STATE = "état"
    """The live column: a formula that says what is missing on the row."""
    KEY = "identifiant"
    """The row's stable id: locked, blank on the spare rows."""


#: Roles of the columns that hold formulas: they are not read.
COMPUTED_ROLES = (Role.COMPUTED, Role.STATE)


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a form's table.

    ``field`` is the field of the register's table it reads or shows; ``None`` for what only helps to understand (its
    ``title``, ``width``). ``spare`` says that a spare row lets the partner type it; ``asked`` that a row begun needs
    it.
    """

    name: str
    role: Role
    field: str | None = None
    title: str | None = None
    width: float | None = None
    spare: bool = False
    asked: bool = False


@dataclass(frozen=True)
class TableSpec:
    """One table of a form: the Excel table's name, its sheet, the register's table, its columns in order.

    ``purpose`` says under the sheet's title what is asked; ``frozen`` counts the columns that stay in sight. Where
    ``may_stay_blank``, a row as sent that nobody fills misses nothing.
    """

    name: str
    sheet: str
    resource: str
    purpose: str
    columns: tuple[ColumnSpec, ...]
    frozen: int = 2
    may_stay_blank: bool = False

    @property
    def key(self) -> ColumnSpec:
        """The column of the stable ids."""
        return next(each for each in self.columns if each.role is Role.KEY)

    def label(self, column: ColumnSpec, schemas: Schemas) -> str:
        """The header of a column: the form's own words, or the field's title."""
        if column.title is not None:
            return column.title
        field = self.field(column, schemas)
        return field.title if field is not None else column.name

    def editable(self, column: ColumnSpec, *, spare: bool) -> bool:
        """Whether the partner types in a column: on a row as sent, or (``spare``) on a row of its own."""
        return column.role is Role.TYPED or (spare and column.spare)

    def field(self, column: ColumnSpec, schemas: Schemas) -> Field | None:
        """The field of the register that a column shows or reads."""
        return None if column.field is None else schemas[self.resource].by_name[column.field]

    def labels(self, schemas: Schemas) -> tuple[str, ...]:
        """All headers, in order."""
        return tuple(self.label(each, schemas) for each in self.columns)


STATE_TITLE = "À compléter"

BUDGET_TABLE = TableSpec(
    "Formulaire_budget",
    BUDGET,
    "lignes_budgetaires",
    "Vos crédits de droit commun : ce que vous avez prévu, voté et réalisé en {exercice}, ligne par ligne",
    (
        ColumnSpec("state", Role.STATE, title=STATE_TITLE, width=21),
        ColumnSpec("convention_id", Role.SHOWN, "convention_id", title="Convention", width=28, spare=True, asked=True),
        ColumnSpec("libelle", Role.SHOWN, "libelle", width=36, spare=True, asked=True),
        ColumnSpec("last_year", Role.SHOWN, title="Dernier exercice connu", width=10),
        ColumnSpec("last_amount", Role.SHOWN, title="Dernier montant connu (€)", width=14),
        ColumnSpec("montant_prevu", Role.TYPED, "montant_prevu", width=14),
        ColumnSpec("montant_vote", Role.TYPED, "montant_vote", width=14),
        ColumnSpec("montant_realise", Role.TYPED, "montant_realise", width=14),
        ColumnSpec("commentaire", Role.TYPED, "commentaire", width=30),
        ColumnSpec("ligne_id", Role.KEY, "ligne_id", width=24),
    ),
    frozen=3,
)
ACTIONS_TABLE = TableSpec(
    "Formulaire_actions",
    ACTIONS,
    "suivis",
    "Vos fiches action, portées ou suivies : où elles en sont en {exercice}",
    (
        ColumnSpec("state", Role.STATE, title=STATE_TITLE, width=21),
        ColumnSpec("fiche_id", Role.SHOWN, "fiche_id", width=11, spare=True, asked=True),
        ColumnSpec("role", Role.SHOWN, title="Votre rôle", width=12),
        ColumnSpec("objectif", Role.SHOWN, title="Objectif", width=32),
        ColumnSpec("proposition", Role.SHOWN, title="Proposition d'action", width=40),
        ColumnSpec("avancement", Role.TYPED, "avancement", width=14, asked=True),
        ColumnSpec("pourcentage", Role.TYPED, "pourcentage", width=10),
        ColumnSpec("date_bilan", Role.TYPED, "date_bilan", width=12),
        ColumnSpec("montant_engage", Role.TYPED, "montant_engage", width=14),
        ColumnSpec("commentaire", Role.TYPED, "commentaire", width=30),
        ColumnSpec("key", Role.KEY, title="Identifiant", width=14),
    ),
)
FINANCEMENTS_TABLE = TableSpec(
    "Formulaire_financements",
    FINANCEMENTS,
    "financements",
    "Les financements où vous êtes nommé, ou de vos fiches : leur dispositif et leur montant",
    (
        ColumnSpec("state", Role.STATE, title=STATE_TITLE, width=21),
        ColumnSpec("fiche_id", Role.SHOWN, "fiche_id", width=11, spare=True, asked=True),
        ColumnSpec("financeur_id", Role.SHOWN, "financeur_id", width=32, spare=True, asked=True),
        ColumnSpec("dispositif", Role.TYPED, "dispositif", width=42),
        ColumnSpec("statut_montant", Role.TYPED, "statut_montant", width=17, asked=True),
        ColumnSpec("montant", Role.TYPED, "montant", width=15),
        ColumnSpec("montant_texte", Role.SHOWN, "montant_texte", width=30),
        ColumnSpec("financement_id", Role.KEY, "financement_id", width=30),
    ),
)
CHARGES_TABLE = TableSpec(
    "Formulaire_charges",
    CHARGES,
    "plan_charges",
    "Plan de financement de vos fiches pour {exercice} : ce que chacune coûte, poste par poste",
    (
        ColumnSpec("state", Role.STATE, title=STATE_TITLE, width=21),
        ColumnSpec("fiche_id", Role.SHOWN, "fiche_id", width=11, spare=True, asked=True),
        ColumnSpec("poste", Role.SHOWN, "poste", width=50, spare=True, asked=True),
        ColumnSpec("montant", Role.TYPED, "montant", width=16),
        ColumnSpec("commentaire", Role.TYPED, "commentaire", width=40),
        ColumnSpec("gap", Role.COMPUTED, title="Produits moins charges (€)", width=18),
        ColumnSpec("charge_id", Role.KEY, "charge_id", width=28),
    ),
    frozen=3,
    may_stay_blank=True,
)
PRODUITS_TABLE = TableSpec(
    "Formulaire_produits",
    PRODUITS,
    "plan_produits",
    "Plan de financement de vos fiches pour {exercice} : qui paie, et où en est chaque somme",
    (
        ColumnSpec("state", Role.STATE, title=STATE_TITLE, width=21),
        ColumnSpec("fiche_id", Role.SHOWN, "fiche_id", width=11, spare=True, asked=True),
        ColumnSpec("compte", Role.SHOWN, "compte", width=42, spare=True, asked=True),
        ColumnSpec("financeur_id", Role.SHOWN, "financeur_id", width=30, spare=True),
        ColumnSpec("montant_demande", Role.TYPED, "montant_demande", width=15),
        ColumnSpec("montant_accorde", Role.TYPED, "montant_accorde", width=15),
        ColumnSpec("montant_verse", Role.TYPED, "montant_verse", width=15),
        ColumnSpec("commentaire", Role.TYPED, "commentaire", width=32),
        ColumnSpec("gap", Role.COMPUTED, title="Produits moins charges (€)", width=18),
        ColumnSpec("produit_id", Role.KEY, "produit_id", width=32),
    ),
    frozen=4,
    may_stay_blank=True,
)
FORM_TABLES = (BUDGET_TABLE, ACTIONS_TABLE, FINANCEMENTS_TABLE, CHARGES_TABLE, PRODUITS_TABLE)
#: Tables of the register whose rows a form makes: those it was sent with need not be in the register yet.
MADE_BY_FORMS = ("suivis", "plan_charges", "plan_produits")


@dataclass(frozen=True)
class FormRow:
    """One row as sent: its stable id, and the register's value of each column by name (cents, keys, booleans)."""

    key: str
    values: dict[str, Any]


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
    rows: dict[str, tuple[FormRow, ...]]
    """By Excel table name; only the tables that concern the partner."""

    @property
    def tables(self) -> tuple[TableSpec, ...]:
        """The tables this form has, in order."""
        return tuple(each for each in FORM_TABLES if each.name in self.rows)


def values_sent(rows: Mapping[str, Iterable[FormRow]]) -> Iterator[tuple[str, str, str, str]]:
    """Every value as sent that is not blank: its Excel table, its row's stable id, its column's name, its text."""
    for table, found in rows.items():
        for each in found:
            for name, value in each.values.items():
                if value is not None:
                    yield table, each.key, name, baseline_text(value)


def form_id(contrat: str, partenaire: str, exercice: int, state: str = "") -> str:
    """The id of a form: another one for another ``state`` of what is sent. Forms once had that of an empty one."""
    name = f"{contrat}/{partenaire}/{exercice}/{FORMAT_VERSION}{state}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def convention_words(number: int, title: str) -> str:
    """A convention as a form's drop-down shows it."""
    return f"{number} – {title}"


def baseline_text(value: Any) -> str:
    """A value of the register as the baseline keeps it."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    return str(value)


def baseline_value(field: Field, text: str | None) -> Any:
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
