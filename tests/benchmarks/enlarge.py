"""A larger register: ``enlarge.py FROM TO TIMES`` copies every fiche and budget line TIMES times in its convention.

Piliers, conventions, axes, towns and funders stay as they are. Copies have their own identifiers and labels; published
totals grow with the lines, so what does not add up still does not, and nothing else.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def headers(path: Path) -> list[str]:
    """The headers of a table, which may have no rows."""
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream))


def enlarge(source: Path, target: Path, times: int) -> None:
    """Write into ``target`` the register of ``source``, ``times`` as large."""
    tables = {path.stem: read(path) for path in sorted(source.glob("*.csv")) if path.stem != "lignes_source"}
    copies = _copies(tables["fiches"], times)
    tables["fiches"] = [
        row | {"fiche_id": copies[row["fiche_id"], rank]} for row, rank in _each(tables["fiches"], times)
    ]
    for name in ("financements", "participations"):
        tables[name] = [row | {"fiche_id": copies[row["fiche_id"], rank]} for row, rank in _each(tables[name], times)]
    for rank, row in enumerate(tables["financements"], 1):
        row["financement_id"] = f"{row['fiche_id']}:{rank}"
    tables["lignes_budgetaires"] = [
        row if rank == 1 else row | {"ligne_id": f"{row['ligne_id']}-{rank}", "libelle": f"{row['libelle']} ({rank})"}
        for row, rank in _each(tables["lignes_budgetaires"], times)
    ]
    for row in tables["totaux_publies"]:
        row["montant"] = str(float(row["montant"]) * times) if row["montant"] else ""
    target.mkdir(parents=True)
    for name, rows in tables.items():
        with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, headers(source / f"{name}.csv"), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _each(rows: list[Row], times: int) -> list[tuple[Row, int]]:
    return [(row, rank) for rank in range(1, times + 1) for row in rows]


def _copies(fiches: list[Row], times: int) -> dict[tuple[str, int], str]:
    """The identifier of each copy: the ranks of an axe go on where they stopped."""
    stems = Counter(row["fiche_id"].rpartition("/")[0] for row in fiches)
    return {
        (row["fiche_id"], rank): f"{stem}/{int(number) + (rank - 1) * stems[stem]}"
        for row, rank in _each(fiches, times)
        for stem, _, number in [row["fiche_id"].rpartition("/")]
    }


if __name__ == "__main__":
    enlarge(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
