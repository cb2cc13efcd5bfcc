"""Credits and fiches by convention and by the values of a field: quartiers, nature …"""

from __future__ import annotations

from tabellion.layout.names import column_ref, this_row
from tabellion.measures.measure import Criterion
from tabellion.measures.overview import Overview
from tabellion.measures.splits import Naming, Split
from tabellion.outputs.consolidation.credits import Credits
from tabellion.outputs.consolidation.tables import DataSheet
from tabellion.xlsx.blocks import TOTAL, Block, sums_of, unique_labels


def split_block(money: Credits, split: Split) -> Block:
    """Conventions × values, for the exercice and the amount shown."""
    name = f"Synthese_{split.field.name}"
    labels = unique_labels(["N°", "Convention", *(label for label, _ in split.parts), TOTAL])
    computed = [part for _, part in split.parts if part.formula is not None]
    cells = [this_row(name, label) for label in labels[2:]]
    rows = []
    for number in money.conventions:
        of_convention = Criterion("convention_id", number, this_row(name, "N°") if number is not None else '"="')
        parts = [money.shown(of_convention, part) for part in computed]
        whole = money.shown(of_convention)
        rows.append([*split.measures(parts, cells[: len(computed)], whole.at(cells[-1])), whole])
    totals = sums_of(name, labels[2:], rows, ["euros"] * len(cells))
    heading = " ; ".join(filter(None, [f"Crédits par convention et par {split.words} (€)", split.note]))
    return Block(heading, name, labels, list(money.conventions.items()), rows, totals)


def naming_block(overview: Overview, data: DataSheet, naming: Naming) -> Block:
    """Conventions × what fiches name."""
    name = f"Synthese_fiches_{naming.field.name}"
    labels = unique_labels(["N°", "Convention", *naming.labels])

    def column(field: str) -> str:
        return column_ref(data.table, data.label(field))

    rows = [
        naming.measures(overview.fiches, column, Criterion("convention_id", number, this_row(name, "N°")))
        for number in overview.conventions
    ]
    totals = sums_of(name, labels[2:], rows, ["count"] * len(naming.labels))
    return Block(naming.heading, name, labels, list(overview.conventions.items()), rows, totals)
