"""Subtotals of budget sheets that were not recalculated: their formula is intact, and shows another sum."""

from __future__ import annotations

from collections import defaultdict

from tabellion.findings import Finding, finding
from tabellion.layout.names import EXERCICE, totals_name
from tabellion.measures import MEASURE
from tabellion.reading.master import ParsedMaster
from tabellion.reading.tables import TableFinder, named_cell
from tabellion.schema.money import euros, format_euros, nearest_cents
from tabellion.wording import french_value

#: Amounts are shown as floating-point euros: closer than this, they are the same to the cent.
_SAME_EUROS = 0.004


def check_stale_totals(reading: ParsedMaster) -> list[Finding]:
    """The subtotals of budget sheets whose intact formula shows another sum than the lines of its table.

    A row under its table is not counted, as no formula counts it; an unreadable amount counts for nothing in both. Of
    the subtotal of a line that was typed otherwise, and understood, nothing is said: what a formula makes of a text
    depends on the program, and the line says itself that it is not counted.
    """
    shown = named_cell(reading.workbook, EXERCICE)
    year = shown[0].value(shown[1], shown[2]) if shown is not None else None
    if not isinstance(year, float):
        return []
    sums: dict[tuple[int, str], int] = defaultdict(int)
    otherwise: set[tuple[int, str]] = set()
    schema = reading.schemas["lignes_budgetaires"]
    labels = [schema.by_name[name].title for name in ("collectivite_id", "exercice", MEASURE)]
    label = labels[-1]
    name = reading.schemas["collectivites"].by_name["nom"].title
    towns = {town["nom"]: town["collectivite_id"] for town in reading.tables["collectivites"].rows}
    lines = reading.tables["lignes_budgetaires"].rows
    for line, address in zip(lines, reading.row_sources["lignes_budgetaires"], strict=True):
        if line["exercice"] != year or not line[MEASURE] or address.row > address.area.last_row:
            continue
        key = (line["convention_id"], line["collectivite_id"])
        sums[key] += line[MEASURE]
        columns = address.area.columns
        town, *numbers = (address.area.value(address.row, label) if label in columns else None for label in labels)
        if town not in towns or not all(isinstance(number, float) for number in numbers):
            otherwise.add(key)
    finder = TableFinder(reading.workbook, reading.known_tables)
    findings: list[Finding] = []
    for convention in reading.tables["conventions"].column("convention_id"):
        if totals_name(convention) not in finder.names():
            continue  # its absence is said elsewhere
        area = finder.area(totals_name(convention), (name, label))
        if area is None or not {name, label} <= set(area.columns):
            continue
        for row in range(area.header_row + 1, area.last_row + 1):
            town, value = towns.get(str(area.value(row, name))), area.value(row, label)
            cell = (row, area.columns[label])
            if town is None or not isinstance(value, float) or cell not in area.sheet.formulas:
                continue
            cents = sums[convention, town]
            if (convention, town) not in otherwise and abs(value - euros(cents)) > _SAME_EUROS:
                findings.append(
                    finding(
                        "valeur-perimee", area.place(row, label), champ=MEASURE, valeur=value,
                        attendu=float(euros(cents)), titre=french_value(area.value(row, name)),
                        trouve=format_euros(nearest_cents(value)[0]), calcule=format_euros(cents),
                    )
                )  # fmt: skip
    return findings
