"""A workbook from before the column that tells the years of financements apart: it would sum several of one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tabellion.findings import Finding, finding
from tabellion.layout.names import table_name
from tabellion.measures.financements import lineage
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Table
from tabellion.wording import plural

#: The table, and the column that its first workbooks had not.
FINANCEMENTS, YEAR = "financements", "exercice"


def say_summed_years(findings: Iterable[Finding], table: Table) -> Iterator[Finding]:
    """Block where a workbook, of which ``findings`` say that it is made without the column, would count a financement
    of this ``table`` once a year.
    """
    if YEAR not in table.schema.by_name:
        return
    lacking = ("colonne-recente", table_name(FINANCEMENTS), table.schema.by_name[YEAR].title)
    place = next((item.place for item in findings if (item.code, item.valeur, item.champ) == lacking), None)
    if place is None:
        return
    counts = Counter(lineage(row["financement_id"]) for row in table.rows if row["financement_id"])
    repeated = [row for row in table.rows if counts[lineage(row["financement_id"])] > 1]
    if repeated:
        cents = sum(row["montant"] or 0 for row in repeated)
        lignes = plural(len(repeated), "ligne")
        yield finding("annees-additionnees", place, valeur=len(repeated), lignes=lignes, euros=format_euros(cents))
