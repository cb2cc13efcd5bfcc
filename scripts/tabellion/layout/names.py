"""The names of a workbook's sheets, Excel tables and defined names, and how it says what it is and lists its formulas.

They are declared here once, for writing and for reading.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from tabellion import addresses
from tabellion.schema import FUNDING_TABLES, OPTIONAL_TABLES, SETTING_TABLES
from tabellion.wording import fold

#: The sheet, its Excel table, and the hidden sheet that lists what may be chosen for each question.
DECISIONS, DECISIONS_TABLE, CHOICES = "À décider", "Decisions", "_choix"
#: The headers that the reader looks for: what people choose, the question's id, what the cell said when it was written.
DECISION, QUESTION, WRITTEN = "Décision", "Question", "Décision écrite"
#: The columns of :data:`CHOICES`: the question, the choice's code, its label.
CHOICE_HEADERS = ("question", "choix", "libellé")
#: The zero-based row of the table's header, and the zero-based column of :data:`DECISION`.
HEADER_ROW, DECISION_COLUMN = 4, 8
#: The key of the workbook's edition among what it says of itself.
EDITION = "etat"
#: The consolidated workbook, by its name from ``workbooks/``.
WORKBOOK = "consolidation/consolidation.xlsx"


def decision_cell(rank: int) -> str:
    """The cell in which the question of this zero-based rank is decided."""
    return cell_name(HEADER_ROW + 1 + rank, DECISION_COLUMN)


#: The sheet of requests and its Excel table; the headers that the reader looks for: what is asked, what confirms it,
#: which request it is, what its confirmation must say; and the one choice of a request.
REQUESTS, REQUESTS_TABLE = "Demandes", "Demandes_equipe"
REQUEST, CONFIRMATION, REQUEST_CODE, TO_CONFIRM = "Demande", "Confirmation", "Code", "À confirmer"
DO_IT = "à faire"


#: Excel's limits: https://support.microsoft.com/office/excel-specifications-and-limits
SHEET_NAME_LENGTH = 31
SHEETS_AT_MOST = 256

ACCUEIL, REGLAGES, SYNTHESE, RAPPROCHEMENT = "Accueil", "Réglages", "Synthèse", "Rapprochement"
FINANCEMENTS, NOMENCLATURES, CONTROLES = "Financements", "Nomenclatures", "Contrôles"
#: The long lists, each on a sheet of its own: a filter hides whole rows.
PARTENAIRES, PARTICIPATIONS, DICTIONNAIRE = "Partenaires", "Participations", "Dictionnaire"
#: The sheet of the lines by exercice: only there once they are of two exercices.
ANNEES = "Années"
#: The header of the column that tells the rows of a computed table apart, where the first one does not.
IDENTIFIER = "Identifiant"
#: The sheet of what partners say each exercice: only there once one of them has said something.
SUIVI = "Suivi"
#: The sheet of what the deeds that grant financements say: only there once the register holds one.
SUBVENTIONS = "Subventions"
#: The sheets of the plans de financement: only there once the contract keeps some.
PLANS, CHARGES, PRODUITS = "Plans", "Charges", "Produits"
#: The hidden sheet that says what the workbook is, and lists its formulas.
IDENTITY = "_tabellion"

#: The version of the workbook's inner format; a reader refuses the versions it does not know.
FORMAT_VERSION = 1

KIND_MASTER = "contrat"

#: What the identity says, by table, of the occasional tables that the workbook was made with.
SHOWN = "oui"

#: Headers of the two blocks of the hidden sheet.
KEY_HEADER, VALUE_HEADER = "Clé", "Valeur"

FORMULA_HEADERS = ("Tableau", "Ligne", "Colonne", "Formule")

#: The zero-based column where the list of formulas starts.
FORMULAS_COLUMN = 3

#: The sheet that an annotated copy has first; readers leave it alone, with the number of a sender's sheet of that name.
ANNOTATIONS = "Constats"
#: Who writes the comments of an annotated copy, and what parts them from a sender's own on the same cell.
#: The way back to the list of findings, on each sheet of an annotated form.
TO_ANNOTATIONS = "← Constats"
ANNOTATOR, BEFORE_REMARKS = "tabellion", "\n\n— tabellion —\n"
_ANNOTATIONS = re.compile(rf"{ANNOTATIONS}(?: \(\d+\))?")

#: Tables that have one Excel table per convention, on a sheet of its own: the sheet's letter and the table's stem.
PER_CONVENTION = {"fiches": ("C", "Fiches"), "lignes_budgetaires": ("B", "Lignes")}

#: Excel tables of the register's other tables, and the sheet each stands on.
SINGLE = {
    "piliers": ("Piliers", NOMENCLATURES),
    "conventions": ("Conventions", NOMENCLATURES),
    "axes": ("Axes", NOMENCLATURES),
    "collectivites": ("Collectivites", NOMENCLATURES),
    "quartiers": ("Quartiers", NOMENCLATURES),
    "financeurs": ("Financeurs", NOMENCLATURES),
    "partenaires": ("Partenaires", PARTENAIRES),
    "participations": ("Participations", PARTICIPATIONS),
    "financements": ("Financements_fiches", FINANCEMENTS),
    "subventions": ("Subventions_attribuees", SUBVENTIONS),
    "suivis": ("Suivis", SUIVI),
    "plan_charges": ("Plans_charges", CHARGES),
    "plan_produits": ("Plans_produits", PRODUITS),
    "totaux_publies": ("Totaux_publies", RAPPROCHEMENT),
    "reglages": ("Reglages", REGLAGES),
    "exercices": ("Dates_limites", REGLAGES),
}

#: Tables of :data:`SINGLE` that a master may lack: the register holds no row of them, or an older version made it.
OCCASIONAL = ("subventions", "suivis", *FUNDING_TABLES, *OPTIONAL_TABLES, *SETTING_TABLES)

#: Excel's forbidden signs, and what its files read as an escaped character.
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]|_x[0-9A-Fa-f]{4}_")
#: Little words at which a shortened title must not end.
_LINKING = {
    "a", "au", "aux", "avec", "d", "dans", "de", "des", "du", "en", "et", "l", "la", "le", "les", "ou", "par", "pour",
    "sur", "un", "une",
}  # fmt: skip


def is_annotations(sheet: str) -> bool:
    """Whether a sheet is the list of findings of an annotated copy: it holds no data."""
    return _ANNOTATIONS.fullmatch(sheet) is not None


def sheet_key(letter: str, convention: int) -> str:
    """The stable key of a convention's sheet: ``B`` and 1 give ``B01``. Sheets may be renamed; keys stay."""
    return f"{letter}{convention:02d}"


def sheet_title(convention: int, title: str) -> str:
    """What stands above the sheets of a convention."""
    return f"{convention} – {title}"


def sheet_marker(key: str) -> str:
    """The defined name that points at the first cell of the sheet of this key, and follows it through renaming."""
    return f"feuille_{key.replace('è', 'e').replace('é', 'e').replace('ô', 'o')}"


def table_name(resource: str, convention: int | None = None) -> str:
    """The name of the Excel table that holds a table of the register, or a convention's part of it."""
    if convention is None:
        return SINGLE[resource][0]
    return f"{PER_CONVENTION[resource][1]}_{convention:02d}"


def table_resource(name: str) -> tuple[str, int | None] | None:
    """What an Excel table holds, by its name: the register's table and the convention; ``None`` for other tables.

    A client that copies a sheet renames the copy's table ``Lignes_014`` or ``Lignes_01_1``: those are not recognised.
    """
    for resource, (single, _) in SINGLE.items():
        if name == single:
            return resource, None
    for resource, (_, stem) in PER_CONVENTION.items():
        match = re.fullmatch(rf"{stem}_(\d{{2,3}})", name)
        if match and table_name(resource, int(match[1])) == name:
            return resource, int(match[1])
    return None


def sheet_name(prefix: str, title: str, taken: set[str]) -> str:
    """A sheet name that Excel accepts: ``prefix``, a shortened ``title``; 31 characters at most, unique without case.

    ``taken`` holds the folded names already given and receives this one.
    """
    # Excel counts in UTF-16 and keeps no control character: what is beyond plain text has no place in a name.
    plain = "".join(sign if sign.isprintable() and sign <= "\uffff" else " " for sign in _FORBIDDEN.sub(" ", title))
    cleaned = " ".join(plain.split()).strip("' ")
    for rank in range(1, 1000):
        suffix = "" if rank == 1 else f" ({rank})"
        room = SHEET_NAME_LENGTH - len(suffix)
        name = (shorten(f"{prefix} {cleaned}".strip(), room).strip("' ") or prefix) + suffix
        if name.casefold() not in taken:
            taken.add(name.casefold())
            return name
    raise ValueError(f"no free sheet name for {title!r}")


def shorten(title: str, length: int) -> str:
    """``title`` cut to ``length`` characters at a word, without a linking word or a comma left at its end."""
    if len(title) <= length:
        return title
    words = re.split(r"(?<=[\s'’])", title[: length + 1])[:-1]
    while len(words) > 2 and fold(words[-1]).strip(" ,;-'") in {*_LINKING, ""}:
        words.pop()
    return re.sub(r"[\s,;:\-–'’]+$", "", "".join(words)) or title[:length]


@lru_cache(maxsize=1024)
def escape_label(label: str) -> str:
    """A label inside a structured reference: brackets, ``#``, ``@`` and the apostrophe take an apostrophe before."""
    return re.sub(r"([\[\]#'@])", r"'\1", label)


def column_ref(table: str, label: str) -> str:
    """A whole column of a table: ``Lignes_01[Libellé]``."""
    return f"{table}[{escape_label(label)}]"


def this_row(table: str, label: str) -> str:
    """A column's cell on the formula's own row: ``Lignes_01[[#This Row],[Libellé]]``."""
    return f"{table}[[#This Row],[{escape_label(label)}]]"


def list_name(resource: str, field_name: str) -> str:
    """The name of the Excel table of a field's allowed values."""
    return f"Liste_{resource}_{field_name}"


def choice_name(table: str) -> str:
    """The defined name behind a drop-down: not the name of its table, since Excel has one space for both."""
    return f"choix_{table.removeprefix('Liste_')}"


def list_source(resource: str, field_name: str) -> str:
    """The defined name behind a field's drop-down."""
    return choice_name(list_name(resource, field_name))


def key_source(resource: str) -> str:
    """The defined name that lists a reference table's keys, as people see them."""
    return choice_name(resource)


def quoted_text(text: str) -> str:
    """A text inside a formula."""
    return '"' + text.replace('"', '""') + '"'


def quoted_sheet(name: str) -> str:
    """A sheet's name inside a reference."""
    return "'" + name.replace("'", "''") + "'"


def column_letters(column: int) -> str:
    """The letters of a zero-based column: 0 is ``A``, 26 is ``AA``."""
    return addresses.column_letters(column + 1)


def cell_name(row: int, column: int) -> str:
    """A zero-based row and column as ``A1``."""
    return addresses.cell_name(row + 1, column + 1)


def cell_link(sheet: str, cell: str) -> str:
    """A cell of a sheet as the target of a link."""
    return f"{quoted_sheet(sheet)}!{cell}"


#: Computed columns of the register's tables: the field each stands after, its name, its label, its width in characters.
COMPUTED = {
    "fiches": (
        ("axe_id", "axe", "Intitulé de l'axe", 24),
        ("partenaires_operationnels", "financements", "Financements", 12),
    ),
    "financements": (("exercice", "retenu", "Retenu", 18),),
    "plan_produits": (("montant_verse", "retenu", "Retenu (€)", 15), ("montant_verse", "etat", "État", 16)),
    "totaux_publies": (
        ("montant", "calcule", "Calculé (€)", 16),
        ("montant", "ecart", "Écart (€)", 14),
        ("montant", "etat", "État", 16),
    ),
}

#: The defined names that formulas use: the exercice shown, and the largest gap that is only a rounding.
EXERCICE, ROUNDING = "Exercice", "Arrondi"
#: The defined name of the exercice whose financements count.
FUNDED = "Exercice_finance"


def column_mark(resource: str, field: str) -> str:
    """What the hidden sheet of a workbook says of a column that older ones have not."""
    return f"{resource}.{field}"


def totals_name(convention: int) -> str:
    """The Excel table of a convention's subtotals."""
    return f"Totaux_{convention:02d}"


def is_of_convention(name: str) -> bool:
    """Whether an Excel table of this name is the part of a convention: its lines, its fiches, its subtotals."""
    number = name.rpartition("_")[2]
    resource = table_resource(name)
    return number.isdecimal() and (
        totals_name(int(number)) == name or (resource is not None and resource[1] is not None)
    )


class KnownFormula(NamedTuple):
    """A formula as the workbook's own list keeps it: found again by table, row key and column, whatever moves.

    ``table`` is empty for a named cell, whose name is ``column``. ``key`` is ``*`` when the column's every row has it.
    """

    table: str
    key: str
    column: str
    formula: str


def document_date(year: int) -> datetime:
    """The fixed date that a document carries, so that the same input gives the same bytes.

    A workbook that still has it was saved by nobody.
    """
    return datetime(year, 1, 1)


def is_document_date(moment: datetime) -> bool:
    """Whether a moment is a document's fixed date, of any year."""
    return moment == document_date(moment.year)
