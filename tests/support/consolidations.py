"""Consolidations for the tests of what shows them: a rich one on the Chartres contract, a small one, a large one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from support.contracts import Row, small_rows
from support.large_contracts import large_rows
from support.masters import chartres, contract_of
from tabellion.addresses import cell_name
from tabellion.campaign.decisions import Decision, Decisions, Question, in_order
from tabellion.campaign.model import (
    BoardLine,
    CellChange,
    ChangesSince,
    Conflict,
    Consolidation,
    MergeOutcome,
    Modification,
    ReceivedFile,
    Removal,
    Verdict,
)
from tabellion.campaign.questions import AskedRemoval, by_row, conflict_questions, removal_questions
from tabellion.contract.book import Book
from tabellion.contract.labels import Labels
from tabellion.findings import CATALOGUE, Finding, Place, Severity
from tabellion.measures.board import ReturnStatus
from tabellion.outputs.master.layout import lay_out_master
from tabellion.schema.tables import Tables, make_table

#: Names that break links, markup and formulas when they are not escaped; sheets as well as files may have them.
HOSTILE_FILE = "retours/Été 50%25 & <b>n°1 #2 'copie' [v2] (1).xlsx"
HOSTILE_SHEET = "L'été <2016> & #50% [fin]"
HOSTILE_TEXTS = ("<script>alert(1)</script>", "=1+1", '=HYPERLINK("http://x","y")', "@SUM(A1)", "_x000D_", "{{ 7*7 }}",
                 "<r>a & b</r>")  # fmt: skip
LONG_NAME = "Syndicat intercommunal à vocation unique pour la rénovation de l'habitat et du cadre de vie " * 4
MADE = datetime(2016, 12, 5, 2, 0)
DUE = date(2016, 11, 30)


def place(fichier: str, feuille: str, row: int, column: int) -> Place:
    """A cell by one-based row and column."""
    return Place(fichier, feuille, cell_name(row, column))


def finding_at(code: str, where: Place, message: str, gravite: Severity | None = None, **more: Any) -> Finding:
    """A finding of the catalogue with words of its own."""
    entry = CATALOGUE[code]
    return Finding(code, entry.gravite if gravite is None else gravite, entry.bloquant, where, message, "Corrigez-le.",
                   **more)  # fmt: skip


def received(fichier: str, verdict: Verdict, findings: Iterable[Finding] = (), **more: Any) -> ReceivedFile:
    """A file of ``retours/``, saved on 20 November 2016 unless told otherwise."""
    digest = hashlib.sha256(fichier.encode()).hexdigest()
    return ReceivedFile(fichier, digest, verdict, tuple(findings), **{"saved": datetime(2016, 11, 20, 9, 30), **more})


def consolidation_of(contract: Book, master: Tables, **more: Any) -> Consolidation:
    """A consolidation of these tables: each row comes from the master, but for those that ``row_places`` tells."""
    row_places = {
        name: [place("contrat.xlsx", contract.schemas[name].title[:31], 6 + row, 1) for row in range(len(frame))]
        for name, frame in contract.tables.items()
    }
    empty = dict.fromkeys(("board", "strays", "modifications", "conflicts", "removals", "findings"), ())
    common = {"cells": {}, "made": MADE, "row_places": row_places}
    read = replace(contract, tables=master, fichier="contrat.xlsx")
    return Consolidation(contract=contract, master=read, **{**common, **empty, **more})


@cache
def small() -> Consolidation:
    """A first consolidation: nobody has sent anything back, nothing was found."""
    contract = contract_of(small_rows())
    board = (BoardLine("bailleur", "Bailleur", "a@b.fr", 2016, ReturnStatus.AWAITED, "envois/2016/bailleur-2016.xlsx"),)
    return consolidation_of(contract, contract.tables, board=board)


@cache
def rich() -> Consolidation:
    """A campaign of 2016 on the Chartres contract: every status, verdict, fate and severity, and hostile texts."""
    base = chartres()
    settings = replace(base.settings, exercice_courant=2016, dates_limites={2016: DUE})
    tables = dict(base.tables)
    tables["partenaires"] = _hostile_partners(base)
    tables["lignes_budgetaires"] = _two_years(base)
    tables["suivis"] = _followed(base)
    contract = replace(base, settings=settings, tables=tables)
    board, strays = _board(contract)
    modifications = _modifications(contract)
    row_places, cells = _row_places(contract, modifications)
    master = {**tables, "suivis": make_table(base.schemas["suivis"], {})}
    lines = tables["lignes_budgetaires"].rows
    first, second = lines[-1], lines[-2]
    conflicts, removals = _conflicts(first, second), _removals(second)
    questions, decisions = _questions(contract, conflicts, removals)
    return consolidation_of(
        contract, master, row_places=row_places, cells=cells, board=board, strays=strays, modifications=modifications,
        conflicts=conflicts, removals=removals, findings=_findings(board, strays),
        questions=in_order(questions, decisions), decisions=decisions,
        since=ChangesSince(
            previous=datetime(2016, 12, 4, 2, 0),
            cells=tuple(
                CellChange(change.table, change.key, change.champ, change.before, change.after, change.place)
                for change in modifications[:12]
            ),
            status_changes=(
                ("luce", 2016, ReturnStatus.AWAITED.value, ReturnStatus.ACCEPTED.value),
                ("hostile", 2016, ReturnStatus.NOT_SENT.value, ReturnStatus.REJECTED.value),
            ),
            new_findings=5, gone_findings=2, totals=(41_234_567_89, 42_000_000_00), total_of="prévu 2016",
        ),
    )  # fmt: skip


def _hostile_partners(base: Book) -> Any:
    rows = [*base.tables["partenaires"].rows]
    rows += [
        {"partenaire_id": "hostile", "nom": HOSTILE_TEXTS[0], "courriel": "x@exemple.fr"},
        {"partenaire_id": "formule", "nom": HOSTILE_TEXTS[1]},
        {"partenaire_id": "long", "nom": LONG_NAME[:250]},
    ]
    schema = base.schemas["partenaires"]
    return make_table(schema, {name: [row.get(name) for row in rows] for name in schema.names})


def _two_years(base: Book) -> Any:
    """The census of 2013, and 2016 with planned, voted and spent amounts, some not known, some with cents."""
    rows = [*base.tables["lignes_budgetaires"].rows]
    later = []
    for rank, row in enumerate(rows):
        if rank % 9 == 4:
            continue
        cents = row["montant_realise"] or 0
        spent = None if rank % 7 == 3 else cents * (96 + rank % 9) // 100
        later.append(row | {
            "exercice": 2016, "montant_prevu": cents * 102 // 100, "montant_vote": cents, "montant_realise": spent,
            "commentaire": HOSTILE_TEXTS[rank % len(HOSTILE_TEXTS)] if rank % 23 == 0 else None, "ligne_source": None,
            "reparation": None, "texte_source": None,
        })  # fmt: skip
    new = later[0] | {
        "ligne_id": "B01-luce-n-3f2a91",
        "collectivite_id": "luce",
        "libelle": "=1+1",
        "montant_realise": 1234567,
    }
    rows += [*later, new]
    schema = base.schemas["lignes_budgetaires"]
    return make_table(schema, {name: [row.get(name) for row in rows] for name in schema.names})


def _followed(base: Book) -> Any:
    stages = base.schemas["suivis"].by_name["avancement"].enum
    leads = {row["fiche_id"]: row["partenaire_id"] for row in base.tables["participations"].rows}
    rows: list[Row] = []
    for rank, fiche in enumerate(base.tables["fiches"].column("fiche_id")):
        if rank % 5 == 4:
            continue
        rows.append({
            "fiche_id": fiche, "partenaire_id": leads.get(fiche, "luce"), "exercice": 2016,
            "avancement": stages[rank % len(stages)], "pourcentage": rank % 4 * 33, "date_bilan": date(2016, 11, 15),
            "montant_engage": rank * 1_000_05,
            "commentaire": HOSTILE_TEXTS[rank % len(HOSTILE_TEXTS)] if rank % 11 == 0 else None,
        })  # fmt: skip
    schema = base.schemas["suivis"]
    return make_table(schema, {name: [row.get(name) for row in rows] for name in schema.names})


def _board(contract: Book) -> tuple[tuple[BoardLine, ...], tuple[ReceivedFile, ...]]:
    known = {row["partenaire_id"]: row for row in contract.tables["partenaires"].rows}
    remark = finding_at("valeur-comprise", place("retours/luce (1).xlsx", "Budget", 9, 5), "« 12 k€ » : 12 000 €.")
    luce = received("retours/luce (1).xlsx", Verdict.IN_FORCE, [remark], partenaire="luce", exercice=2016,
                    author="M. Dupont", saved=datetime(2016, 12, 1, 17, 42),
                    annotated="constats/luce (1).xlsx")  # fmt: skip
    older = received("retours/luce.xlsx", Verdict.OLDER, partenaire="luce", exercice=2016, other=luce.fichier)
    twin = received("retours/Copie de luce (1).xlsx", Verdict.TWIN, partenaire="luce", exercice=2016,
                    other=luce.fichier, saved=luce.saved)  # fmt: skip
    bad = received(HOSTILE_FILE, Verdict.REJECTED, [
        finding_at("montant-ambigu", place(HOSTILE_FILE, HOSTILE_SHEET, 12, 4),
                   "« 1.234 » peut se lire de deux façons."),
        finding_at("montant-demesure", place(HOSTILE_FILE, HOSTILE_SHEET, 13, 4), HOSTILE_TEXTS[0]),
    ], partenaire="hostile", exercice=2016, author="=1+1",
        annotated=HOSTILE_FILE.replace("retours/", "constats/"))  # fmt: skip
    kept = received("retours/mainvilliers.xlsx", Verdict.REJECTED, [
        finding_at("texte-au-lieu-de-nombre", place("retours/mainvilliers.xlsx", "Budget", 7, 5),
                   "« à voir » est du texte."),
    ], partenaire="mainvilliers", exercice=2016, annotated="constats/mainvilliers.xlsx",
        saved=datetime(2016, 11, 29, 8, 0))  # fmt: skip
    before = received("consolidation/acceptes/mainvilliers 2016.xlsx", Verdict.IN_FORCE, partenaire="mainvilliers",
                      exercice=2016, is_kept_copy=True, saved=datetime(2016, 11, 3, 8, 0))  # fmt: skip
    adopted = received("retours/chartres.xlsx", Verdict.ALREADY_ADOPTED, partenaire="chartres", exercice=2016)
    doubtful = received("retours/metropole A.xlsx", Verdict.UNDECIDED, partenaire="chartres-metropole", exercice=2016,
                        other="retours/metropole B.xlsx", saved=None)  # fmt: skip
    strays = (
        received("retours/notes.docx", Verdict.FOREIGN,
                 [finding_at("pas-un-classeur", Place("retours/notes.docx"), "x")]
                 if "pas-un-classeur" in CATALOGUE else [], saved=None),
        received("retours/vide.xlsx", Verdict.UNREADABLE, saved=None),
    )  # fmt: skip
    known_lines = {
        "chartres": (ReturnStatus.ACCEPTED, (adopted,), adopted),
        "luce": (ReturnStatus.ACCEPTED, (luce, twin, older), luce),
        "mainvilliers": (ReturnStatus.KEPT, (kept,), before),
        "chartres-metropole": (ReturnStatus.REJECTED, (doubtful,), None),
        "hostile": (ReturnStatus.REJECTED, (bad,), None),
        "formule": (ReturnStatus.LATE, (), None),
        "long": (ReturnStatus.NOT_SENT, (), None),
    }
    lines = []
    for key, row in known.items():
        status, files, in_force = known_lines.get(key, (ReturnStatus.LATE, (), None))
        sent = None if status is ReturnStatus.NOT_SENT else f"envois/2016/{key}-2016.xlsx"
        mail = row.get("courriel")
        lines.append(BoardLine(key, row["nom"], mail, 2016, status, sent, files, in_force, DUE))
    lines += (
        BoardLine("luce", "Lucé", None, 2017, ReturnStatus.AWAITED, "envois/2017/luce-2017.xlsx", (), None, None),
        BoardLine("etat", "État", None, 2015, ReturnStatus.NOT_ASKED, "envois/2015/etat-2015.xlsx", (), None, None),
        BoardLine(
            "chartres", "Chartres", None, 2015, ReturnStatus.EMPTY, "envois/2015/chartres-2015.xlsx", (), None, None
        ),
    )
    return tuple(lines), strays


def _modifications(contract: Book) -> tuple[Modification, ...]:
    """What Lucé changed: amounts, a text, a date, a new row; some already in the contract, some in conflict."""
    source = "retours/luce (1).xlsx"
    fates = (
        MergeOutcome.APPLIED,
        MergeOutcome.PRESENT,
        MergeOutcome.APPLIED,
        MergeOutcome.CONFLICT,
        MergeOutcome.DECLINED,
        MergeOutcome.OUTDONE,
    )
    common: dict[str, Any] = {
        "partenaire": "luce",
        "exercice": 2016,
        "saved": datetime(2016, 12, 1, 17, 42),
        "author": "M. Dupont",
    }
    rows = contract.tables["lignes_budgetaires"].rows
    modifications = []
    mine = [row for row in rows if row["collectivite_id"] == "luce" and row["exercice"] == 2016]
    for rank, row in enumerate(mine):
        key = (row["ligne_id"], 2016)
        for column, name in enumerate(("montant_prevu", "montant_vote", "montant_realise"), 4):
            is_new = row["ligne_id"].startswith("B01-luce-n")
            before = None if is_new or rank % 2 else (row[name] or 0) + 50_000 + rank
            where = place(source, "Budget", 8 + rank, column)
            modifications.append(Modification("lignes_budgetaires", key, name, before, row[name], place=where,
                                      outcome=fates[rank % 6], is_new_row=is_new, **common))  # fmt: skip
    for rank, row in enumerate(contract.tables["suivis"].rows[:12]):
        key = (row["fiche_id"], row["partenaire_id"], 2016)
        for column, name in enumerate(("avancement", "date_bilan", "commentaire"), 5):
            after = row[name] if row[name] is not None else HOSTILE_TEXTS[rank % len(HOSTILE_TEXTS)]
            before = date(2015, 12, 31) if name == "date_bilan" else HOSTILE_TEXTS[2] if name == "commentaire" else None
            where = place(HOSTILE_FILE, HOSTILE_SHEET, 8 + rank, column)
            modifications.append(
                Modification("suivis", key, name, before, after, place=where, outcome=fates[rank % 6], **common)
            )
    return tuple(modifications)


def _row_places(
    contract: Book, modifications: tuple[Modification, ...]
) -> tuple[dict[str, list[Place]], dict[tuple[str, int, str], Place]]:
    plan = lay_out_master(contract)
    positions = {
        name: {
            tuple(row[field] for field in schema.primary_key): rank
            for rank, row in enumerate(contract.tables[name].rows)
        }
        for name, schema in contract.schemas.items()
    }
    row_places = {
        name: [plan.locate(name, index)._replace(fichier="contrat.xlsx") for index in range(len(frame))]
        for name, frame in contract.tables.items()
    }
    cells = {name: [dict[str, Place]() for _ in range(len(table))] for name, table in contract.tables.items()}
    for change in modifications:
        position = positions[change.table][change.key]
        if change.is_new_row or change.table == "suivis":
            row_places[change.table][position] = change.place
        if change.outcome is MergeOutcome.APPLIED:
            cells[change.table][position][change.champ] = change.place
    return row_places, cells


def _conflicts(first: Row, second: Row) -> tuple[Conflict, ...]:
    def claim(who: str, value: Any, rank: int) -> Modification:
        return Modification(
            "lignes_budgetaires", ("L",), "libelle", None, value, who, 2016,
            place(f"retours/{who}.xlsx", "Budget", rank, 5), datetime(2016, 11, 20, 9, 30), "", MergeOutcome.CONFLICT,
        )  # fmt: skip

    return (
        Conflict("lignes_budgetaires", (first["ligne_id"], 2016), "montant_realise", 100_000, 120_050,
                 place("contrat.xlsx", "B01 Éducation", 12, 7), (claim("luce", 130_000, 12),)),
        Conflict("lignes_budgetaires", (second["ligne_id"], 2016), "libelle", "Cantine", HOSTILE_TEXTS[0], None,
                 (claim("luce", "=1+1", 14), claim("mainvilliers", LONG_NAME, 15))),
        Conflict("suivis", ("I-1.1./1", "luce", 2016), "date_bilan", None, date(2016, 11, 2), None,
                 (claim("luce", date(2016, 11, 3), 9),)),
    )  # fmt: skip


def _removals(line: Row) -> tuple[Removal, ...]:
    removed_at = place("retours/luce (1).xlsx", "Budget", 20, 1)
    return (
        Removal("lignes_budgetaires", (line["ligne_id"], 2016), "Prévention <b>", "luce", 2016, removed_at),
        Removal("lignes_budgetaires", ("B01-luce-002", 2016), "=1+1", "luce", 2016, Place(HOSTILE_FILE, HOSTILE_SHEET)),
    )


def _questions(
    contract: Book, conflicts: tuple[Conflict, ...], removals: tuple[Removal, ...]
) -> tuple[list[Question], Decisions]:
    """What the conflicts and the removals ask: one is decided, for one something else was typed."""
    labels, where = Labels(contract), place("contrat.xlsx", "B01 Éducation", 14, 1)
    asked = [AskedRemoval(tuple(group), where) for group in by_row(removals).values()]
    questions = [*conflict_questions(conflicts, labels), *removal_questions(asked, labels)]
    first, second, *_ = questions
    decisions = [
        Decision(first.id, first.choices[1].code, first.choices[1].label, "Anne Martin", datetime(2016, 12, 4, 17, 5)),
        Decision(second.id, "", HOSTILE_TEXTS[1], "", datetime(2016, 12, 4, 17, 6)),
    ]
    return questions, Decisions({decision.question: decision for decision in decisions})


def _findings(board: tuple[BoardLine, ...], strays: tuple[ReceivedFile, ...]) -> tuple[Finding, ...]:
    """Those of every file, then some of the master and across partners, of every severity."""
    own = [finding for line in board for file in line.received for finding in file.findings]
    own += [finding for file in strays for finding in file.findings]
    linked = (place("retours/mainvilliers.xlsx", "Actions", 9, 6), place("contrat.xlsx", "C01 Éducation", 8, 3))
    return (
        *own,
        finding_at("montant-ambigu", place("contrat.xlsx", "B01 Éducation", 9, 5), "Le total n'est pas la somme.",
             Severity.AVERTISSEMENT, liees=linked),
        finding_at("valeur-comprise", Place("contrat.xlsx"), "Information sans cellule."),
        finding_at("nombre-demesure", place(HOSTILE_FILE, HOSTILE_SHEET, 3, 3), HOSTILE_TEXTS[1] + " " + LONG_NAME),
    )  # fmt: skip


def large(partners: int = 1000, lines: int = 40_000, modifications: int = 30_000) -> Consolidation:
    """A whole country's: 20 conventions × ``lines`` over 200 towns and 5 exercices, ``partners`` on the board."""
    rows = large_rows(20, 200, 400, max(1, lines // 20_000))
    base = [row | {"exercice": 2013} for row in rows["lignes_budgetaires"]]
    years = range(2013, 2013 + max(1, lines // len(base)))
    rows["lignes_budgetaires"] = [row | {"exercice": year} for year in years for row in base]
    rows["partenaires"] = [
        {"partenaire_id": f"p-{rank}", "nom": f"Partenaire {rank}", "courriel": f"p{rank}@exemple.fr"}
        for rank in range(1, partners + 1)
    ]
    contract = contract_of(rows)
    last = years[-1]
    board, findings = [], []
    for rank in range(1, partners + 1):
        source = f"retours/p-{rank}.xlsx"
        note = finding_at(
            "valeur-comprise", place(source, "Budget", 8, 5), f"« {rank} k€ » a été compris comme {rank}000."
        )
        file = received(source, Verdict.IN_FORCE, [note] * 3, partenaire=f"p-{rank}", exercice=last)
        findings += file.findings
        board.append(BoardLine(f"p-{rank}", f"Partenaire {rank}", None, last, ReturnStatus.ACCEPTED,
                               f"envois/{last}/p-{rank}.xlsx", (file,), file, DUE))  # fmt: skip
    changed = []
    cells = {"lignes_budgetaires": [dict[str, Place]() for _ in rows["lignes_budgetaires"]]}
    start = (len(years) - 1) * len(base)
    for rank in range(modifications):
        position = start + rank % len(base)
        where = place(f"retours/p-{1 + rank % partners}.xlsx", "Budget", 8 + rank // partners, 5)
        key = (rows["lignes_budgetaires"][position]["ligne_id"], last)
        field = ("montant_realise", "montant_prevu", "montant_vote")[rank // len(base) % 3]
        who = f"p-{1 + rank % partners}"
        changed.append(Modification("lignes_budgetaires", key, field, rank * 100, rank * 101 + 7, who, last, where,
                                    MADE - timedelta(days=20), "A", MergeOutcome.APPLIED))  # fmt: skip
        cells["lignes_budgetaires"][position][field] = where
    return consolidation_of(
        contract,
        contract.tables,
        board=tuple(board),
        modifications=tuple(changed),
        cells=cells,
        findings=tuple(findings),
    )
