"""A workbook from before the column that tells the years of financements apart: it would sum several of one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tabellion.findings import Finding, finding
from tabellion.layout.names import table_name
from tabellion.measures.financements import lineage
from tabellion.schema import TableSchema
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Row
from tabellion.wording import plural

#: The table, and the column that its first workbooks had not.
FINANCEMENTS, YEAR = "financements", "exercice"


def say_summed_years(findings: Iterable[Finding], schema: TableSchema, rows: Sequence[Row]) -> Iterator[Finding]:
    """Block where a workbook, of which ``findings`` say that it is made without the column, would count a financement
    of these ``rows`` once a year.
    """
    if YEAR not in schema.by_name:
        return
    lacking = ("colonne-recente", table_name(FINANCEMENTS), schema.by_name[YEAR].title)
    place = next((item.place for item in findings if (item.code, item.valeur, item.champ) == lacking), None)
    counts = Counter(lineage(row["financement_id"]) for row in rows if row["financement_id"])
    repeated = [row for row in rows if counts[lineage(row["financement_id"])] > 1]
    if place is not None and repeated:
        cents = sum(row["montant"] or 0 for row in repeated)
        lignes = plural(len(repeated), "ligne")
        yield finding("annees-additionnees", place, valeur=len(repeated), lignes=lignes, euros=format_euros(cents))
