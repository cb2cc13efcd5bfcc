"""The totals of many contracts, recomputed by DuckDB from the CSV of their registers alone.

Nothing here uses the program: files are read as text, amounts cast to decimals, and every rule is said again in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

UNTOLD = "Non précisé"
_TABLES = (
    "piliers", "conventions", "collectivites", "financeurs", "fiches", "financements", "lignes_budgetaires",
    "quartiers",
)  # fmt: skip
#: Columns that a contract may lack.
_OPTIONAL = {"lignes_budgetaires": ("quartiers",), "fiches": ("quartiers",), "quartiers": ("nom", "code_qpv")}

_VIEWS = f"""
CREATE VIEW places AS
SELECT c.contrat, c.convention_id, coalesce(n.commun, c.titre) AS convention,
       lower(coalesce(m.commun, p.titre, '{UNTOLD}')) AS pilier
FROM conventions c LEFT JOIN piliers p ON p.contrat = c.contrat AND p.pilier_id = c.pilier_id
LEFT JOIN noms n ON n.titre = c.titre LEFT JOIN noms m ON m.titre = p.titre;

CREATE VIEW lignes AS
SELECT l.contrat, l.exercice::INT AS exercice, pl.pilier, pl.convention, l.quartiers,
       coalesce(t.categorie, '{UNTOLD}') AS categorie,
       l.montant_prevu::DECIMAL(18, 2) AS prevu, l.montant_vote::DECIMAL(18, 2) AS vote,
       l.montant_realise::DECIMAL(18, 2) AS realise
FROM lignes_budgetaires l
JOIN places pl ON pl.contrat = l.contrat AND pl.convention_id = l.convention_id
JOIN collectivites t ON t.contrat = l.contrat AND t.collectivite_id = l.collectivite_id;

CREATE VIEW suivies AS
SELECT f.contrat, regexp_replace(f.financement_id, ':[0-9]{{4}}$', '') AS lignee, f.exercice::INT AS annee,
       f.montant::DECIMAL(18, 2) AS montant, pl.pilier, coalesce(b.categorie, '{UNTOLD}') AS categorie
FROM financements f
JOIN fiches a ON a.contrat = f.contrat AND a.fiche_id = f.fiche_id
JOIN places pl ON pl.contrat = a.contrat AND pl.convention_id = a.convention_id
JOIN financeurs b ON b.contrat = f.contrat AND b.financeur_id = f.financeur_id;
"""
_SUMS = "count(*), sum(prevu), sum(vote), sum(realise)"
_COMPARED = "sum(prevu) FILTER (realise IS NOT NULL), sum(realise) FILTER (prevu IS NOT NULL)"

#: Figures by what they are of.
Figures = dict[tuple[Any, ...], tuple[Any, ...]]


class Registers:
    """The registers of contracts (the folder of each, by identifier), in a database."""

    def __init__(self, registers: Mapping[str, Path], common: Mapping[str, str]) -> None:
        """``common`` says under which names titles are put together, for those that have another one."""
        self.base = duckdb.connect()
        self.base.execute("CREATE TABLE noms (titre VARCHAR, commun VARCHAR)")
        self.base.executemany("INSERT INTO noms VALUES (?, ?)", list(common.items()))
        for table in _TABLES:
            parts = [
                f"SELECT '{contrat}' AS contrat, * FROM read_csv('{path}', all_varchar = true, header = true)"
                for contrat, folder in registers.items()
                if (path := folder / f"{table}.csv").is_file()
            ]
            blank = ", ".join(f"NULL::VARCHAR AS {name}" for name in ("contrat", *_OPTIONAL.get(table, ())))
            parts.append(f"SELECT {blank} WHERE false")
            # the register writes an apostrophe before what a spreadsheet program would take for a formula
            plain = r"SELECT regexp_replace(COLUMNS(*), '^''([=+\-@])', '\1')"
            self.base.execute(f"CREATE TABLE {table} AS {plain} FROM ({' UNION ALL BY NAME '.join(parts)})")
        self.base.execute(_VIEWS)

    def figures(self, keys: int, query: str) -> Figures:
        """What a query gives: its first ``keys`` columns, then figures."""
        rows = self.base.execute(query).fetchall()
        by_key = {tuple(row[:keys]): tuple(row[keys:]) for row in rows}
        assert len(by_key) == len(rows)
        return by_key

    def credits(self, *by: str) -> Figures:
        """Lines, the three amounts, the lines without what was spent, planned and spent where both are known."""
        names = ", ".join(by)
        more = f"count(*) FILTER (realise IS NULL), {_COMPARED}"
        return self.figures(len(by), f"SELECT {names}, {_SUMS}, {more} FROM lignes GROUP BY {names}")

    def fundings(self, years: Mapping[str, set[int]], *by: str) -> Figures:
        """Financements that count in each exercice (``exercice``), those with an amount, their sum.

        Of one financement followed from year to year, its latest one of the exercice or before counts.
        """
        pairs = ", ".join(
            f"('{contrat}', {year})" for contrat, exercices in years.items() for year in sorted(exercices)
        )
        names = ", ".join(by)
        return self.figures(len(by), f"""
            WITH montre(contrat, exercice) AS (VALUES {pairs}),
            classees AS (
                SELECT s.*, m.exercice, rank() OVER (
                    PARTITION BY s.contrat, s.lignee, m.exercice ORDER BY coalesce(s.annee, 0) DESC) AS rang
                FROM suivies s JOIN montre m ON m.contrat = s.contrat AND coalesce(s.annee, 0) <= m.exercice)
            SELECT {names}, count(*), count(montant), sum(montant) FROM classees WHERE rang = 1 GROUP BY {names}
        """)  # fmt: skip

    def years_of_fundings(self, shown: Mapping[str, int]) -> dict[str, set[int]]:
        """The exercices of which financements are, and the one that each contract shows."""
        years = {contrat: {year} for contrat, year in shown.items()}
        for contrat, year in self.base.execute("SELECT DISTINCT contrat, annee FROM suivies").fetchall():
            years[contrat] |= {year} - {None}
        return years

    def quartiers(self) -> Figures:
        """By contract, quartier and exercice: code, lines that name it alone, the three amounts."""
        return self.figures(3, f"""
            SELECT l.contrat, l.quartiers, l.exercice, any_value(q.code_qpv), {_SUMS}
            FROM lignes l JOIN quartiers q ON q.contrat = l.contrat AND q.nom = l.quartiers
            GROUP BY l.contrat, l.quartiers, l.exercice
        """)  # fmt: skip


def euros(value: object) -> Decimal | None:
    """A figure of a cell as DuckDB gives it."""
    return None if value is None or value == "" else Decimal(str(value)).quantize(Decimal("0.01"))
