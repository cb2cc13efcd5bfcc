"""The plans de financement: off by default; in the master and the leads' forms when asked; every rule at its cell."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import Reply, campaign_workspace, fill, register_rows, table_cell
from support.contracts import ROOT, SETTINGS, Row, Rows, book_of, locate, schemas, small_rows, tables_of
from support.forms import CHARGES_TABLE, PRODUITS_TABLE, case_rows, column_of
from support.libreoffice import LibreOffice
from support.masters import Package, chartres, contract_of, written
from support.mutations import edited
from support.program import tabellion
from support.recalculated import differences, errors
from tabellion.campaign.parsed_return import Examiner
from tabellion.checks.contract import check_contract
from tabellion.commands.source import load_contract
from tabellion.contract.book import Book
from tabellion.contract.register import load_register
from tabellion.contract.settings_file import read_settings
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding, Severity, TabellionError
from tabellion.measures.funding import funding_plans
from tabellion.outputs.forms import make_forms
from tabellion.outputs.forms.workbook import write_form
from tabellion.reading import parse_bytes
from tabellion.reading.master import read_master
from tabellion.reading.references import references
from tabellion.schema import FUNDING_TABLES, Schemas
from tabellion.schema.forms import TableSpec

FICHE, YEAR = "I-1.1./1", 2016
ACHATS, PERSONNEL = "60 Achats", "64 Charges de personnel"
GIVEN, RECEIVED = "86 Emplois des contributions volontaires en nature", "87 Contributions volontaires en nature"
SUBSIDY, OWN = "74 Subventions", "Autofinancement"
NOW = datetime(2016, 11, 12, 10, 15, tzinfo=UTC).replace(tzinfo=None)
NEW_CODES = {
    "plan-desequilibre", "plan-sans-produit", "contributions-desequilibrees", "accorde-superieur-au-demande",
    "verse-superieur-a-l-accorde", "accorde-et-financement",
}  # fmt: skip


def charge(poste: str, cents: int | None, fiche: str = FICHE, year: int = YEAR, **more: Any) -> Row:
    key = f"{fiche}:{year}:{poste[:2]}"
    return {"fiche_id": fiche, "exercice": year, "poste": poste, "montant": cents, "charge_id": key, **more}


def produit(compte: str, asked: int | None, funder: str | None = None, fiche: str = FICHE, **more: Any) -> Row:
    key = f"{fiche}:{more.get('exercice', YEAR)}:{compte[:2]}:{funder}"
    row = {"fiche_id": fiche, "exercice": YEAR, "compte": compte, "financeur_id": funder, "montant_demande": asked}
    return {**row, "produit_id": key, **more}


def balanced() -> Rows:
    """Two plans: one of 12 000,50 € paid by the State and the lead, with contributions; one refused in part."""
    return {
        "plan_charges": [
            charge(ACHATS, 2_000_50),
            charge(PERSONNEL, 10_000_00, commentaire="Un mi-temps"),
            charge(GIVEN, 700_00),
            charge(ACHATS, 500_00, "I-2./1"),
        ],
        "plan_produits": [
            produit(SUBSIDY, 9_000_00, "etat", montant_accorde=8_000_00, montant_verse=4_000_00),
            produit(OWN, 4_000_50),
            produit(RECEIVED, 700_00),
            produit(SUBSIDY, 300_00, "region", "I-2./1", montant_accorde=0),
            produit(OWN, 500_00, fiche="I-2./1"),
        ],
    }


def contract(rows: Rows, *, on: bool = True) -> Book:
    made = contract_of({**case_rows(), **rows})
    return replace(made, settings=replace(made.settings, plan_de_financement=on))


def check(rows: Rows, **more: list[Row]) -> list[Finding]:
    findings = check_contract(book_of(tables_of({**small_rows(), **rows}, **more)), locate)
    return [finding for finding in findings if finding.code in NEW_CODES]


def cells(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.code, str(finding.place.feuille), str(finding.place.cellule)) for finding in findings]


# Off by default


def test_a_contract_that_does_not_ask_for_plans_has_no_trace_of_them() -> None:
    _, content = written(chartres())
    assert not {"Plans", "Charges", "Produits"} & set(Package(content).sheets)
    assert not any(b"plan_charges" in part for part in Package(content).parts.values())
    (form,) = make_forms(chartres(), YEAR, ["chartres-metropole"])
    assert {CHARGES_TABLE.name, PRODUITS_TABLE.name}.isdisjoint(form.rows)


def test_absent_false_and_before_the_feature_give_the_same_bytes(tmp_path: Path) -> None:
    """The setting absent, false, and a workspace of before: no schema, no CSV, a descriptor that never named them."""
    made = []
    for name in ("absent", "false", "avant"):
        root = tmp_path / name
        campaign_workspace(root, contract="cas")
        settings, registre = root / "tabellion.toml", root / "workbooks" / "registre"
        if name == "false":
            text = settings.read_text(encoding="utf-8").replace(
                "[contrat]\n", "[contrat]\nplan_de_financement = false\n"
            )
            settings.write_text(text, encoding="utf-8")
        if name == "avant":
            for table in FUNDING_TABLES:
                (root / "schemas" / f"{table}.json").unlink()
                (registre / f"{table}.csv").unlink()
            forget(registre)
        contract = load_contract(find_workspace(root))
        assert contract.settings.plan_de_financement is False
        forms = [write_form(contract, form) for form in make_forms(contract, YEAR)]
        made.append((written(contract)[1], forms))
    assert made[0] == made[1] == made[2]


def forget(registre: Path) -> None:
    """Make a descriptor as it was before the tables of the plans."""
    path = registre / "datapackage.json"
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    descriptor["resources"] = [
        resource for resource in descriptor["resources"] if resource["name"] not in FUNDING_TABLES
    ]
    path.write_text(json.dumps(descriptor), encoding="utf-8")


def test_a_csv_that_was_there_and_is_gone_is_said(tmp_path: Path) -> None:
    registre = campaign_workspace(tmp_path / "c", contract="cas") / "workbooks" / "registre"
    for table in FUNDING_TABLES:
        (registre / f"{table}.csv").unlink()
    with pytest.raises(TabellionError) as caught:
        load_register(registre, schemas(), SETTINGS)
    assert [finding.code for finding in caught.value.findings] == ["registre-absent"] * 2
    forget(registre)
    register = load_register(registre, schemas(), SETTINGS)
    assert [len(register.tables[table]) for table in FUNDING_TABLES] == [0, 0]


def test_asked_for_plans_need_their_schemas(tmp_path: Path) -> None:
    root = campaign_workspace(tmp_path / "c", contract="cas")
    (root / "schemas" / "plan_charges.json").unlink()
    assert "plan_charges" not in find_workspace(root).schemas
    switch_on(root)
    with pytest.raises(TabellionError) as caught:
        _ = find_workspace(root).schemas
    assert [finding.code for finding in caught.value.findings] == ["schema-absent"]


def test_the_setting_is_true_or_false(tmp_path: Path) -> None:
    text = (ROOT / "tabellion.toml").read_text(encoding="utf-8")
    (tmp_path / "t.toml").write_text(text.replace("# plan_de_financement = true", 'plan_de_financement = "oui"'))
    with pytest.raises(TabellionError) as caught:
        read_settings(tmp_path / "t.toml")
    assert [(finding.code, finding.champ) for finding in caught.value.findings] == [
        ("reglage-faux", "contrat.plan_de_financement")
    ]


def switch_on(root: Path) -> None:
    path = root / "tabellion.toml"
    text = path.read_text(encoding="utf-8").replace("# plan_de_financement = true", "plan_de_financement = true")
    path.write_text(text, encoding="utf-8")


# Sums


def test_a_plan_counts_what_is_granted_else_what_is_asked() -> None:
    rows = balanced()
    plans = funding_plans(tables_of(rows)["plan_charges"].rows, tables_of(rows)["plan_produits"].rows)
    first, second = plans[FICHE, YEAR], plans["I-2./1", YEAR]
    assert (first.charges, first.produits, first.gap) == (12_000_50, 8_000_00 + 4_000_50, 0)
    assert (first.asked, first.granted, first.paid) == (13_000_50, 8_000_00, 4_000_00)
    assert (first.given, first.received, first.voluntary_gap) == (700_00, 700_00, 0)
    assert first.rate == 66.7  # 8 000 of 12 000,50
    assert (second.charges, second.produits, second.rate) == (500_00, 500_00, 0.0)


# The master


@pytest.mark.parametrize("on", [True, False])
def test_the_master_shows_the_plans_and_gives_them_back(on: bool) -> None:
    """Switched off again, rows that the register holds still stand in the workbook: nothing is lost."""
    made = contract(balanced(), on=on)
    _, content = written(made)
    names = list(Package(content).sheets)
    place = names.index("Plans")
    assert names[place : place + 3] == ["Plans", "Charges", "Produits"]
    reading = read_master(parse_bytes(content, "contrat.xlsx"), schemas(), SETTINGS.identifiant)
    assert reading.findings == []
    for table in FUNDING_TABLES:
        assert repr(reading.tables[table].columns) == repr(made.tables[table].columns)


def test_the_sheet_of_plans_says_what_they_add_up_to() -> None:
    _, content = written(contract(balanced()))
    sheet = openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Plans"]
    heads = [cell.value for cell in sheet[5]]
    first, second, total = (dict(zip(heads, [cell.value for cell in sheet[row]], strict=True)) for row in (6, 7, 8))
    assert (first["Fiche"], first["Exercice"], first["Charges (€)"], first["Produits (€)"]) == (
        FICHE, YEAR, 12000.5, 12000.5,
    )  # fmt: skip
    assert (first["Écart (€)"], first["Équilibre"], first["Cofinancement"]) == (0, "juste", 66.7)
    assert (second["Fiche"], second["Financeurs (€)"], second["Cofinancement"]) == ("I-2./1", 0, 0)
    assert (total["Charges (€)"], total["Demandé (€)"], total["Versé (€)"]) == (12500.5, 13800.5, 4000)
    states = [row[9].value for row in openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Produits"]["A6:K10"]]
    assert {"versé en partie", "demandé", "refusé"} >= {state for state in states if isinstance(state, str)}


def test_an_empty_register_that_asks_for_plans_has_their_sheets_ready() -> None:
    _, content = written(contract({}))
    assert {"Plans", "Charges", "Produits"} <= set(Package(content).sheets)

    def add(book: Any) -> None:
        sheet = book["Charges"]
        for label, value in {"Fiche": FICHE, "Exercice": YEAR, "Poste": ACHATS, "Montant (€)": 12.5}.items():
            sheet.cell(6, next(cell.column for cell in sheet[5] if cell.value == label), value)

    reading = read_master(parse_bytes(edited(content, add), "contrat.xlsx"), schemas(), SETTINGS.identifiant)
    assert [finding.code for finding in reading.findings if finding.bloquant] == []
    (row,) = reading.tables["plan_charges"].rows
    assert (row["montant"], row["charge_id"]) == (12_50, f"{FICHE}:{YEAR}:60")


def test_a_sheet_that_was_there_and_is_gone_is_said() -> None:
    _, content = written(contract(balanced()))
    content_without_sheet = edited(content, lambda book: book.remove(book["Charges"]))
    reading = read_master(parse_bytes(content_without_sheet, "contrat.xlsx"), schemas(), SETTINGS.identifiant)
    assert ("tableau-absent", False) in [(finding.code, finding.bloquant) for finding in reading.findings]
    assert ("plan_charges", None, None) in reading.missing


@pytest.mark.libreoffice
@pytest.mark.parametrize("rows", [balanced(), {}], ids=["plans", "vide"])
def test_libreoffice_computes_what_is_written(rows: Rows, office: LibreOffice, tmp_path: Path) -> None:
    made = contract(rows)
    (form,) = make_forms(made, YEAR, ["bailleur"])
    for name, content in (("contrat", written(made)[1]), ("formulaire", write_form(made, form))):
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(content)
        office.open(path)
        office.recalculate()
        cells = office.read()
        assert differences(Package(content), cells) == []
        assert errors(cells) == []


@pytest.mark.libreoffice
def test_the_form_says_live_what_is_missing(office: LibreOffice, tmp_path: Path) -> None:
    """Charges of 100 typed, 60 asked: 40 are missing, beside every amount; an answer of the funder changes it."""
    made = contract({})
    (form,) = make_forms(made, YEAR, ["bailleur"])
    path = tmp_path / "formulaire.xlsx"
    path.write_bytes(write_form(made, form))
    office.open(path)
    charges = [column.name for column in CHARGES_TABLE.columns]
    produits = [column.name for column in PRODUITS_TABLE.columns]
    office.type("Charges", 5, charges.index("montant"), "100")
    office.type("Produits", 5, produits.index("montant_demande"), "60")
    office.recalculate()
    cells = office.read()
    assert cells["Charges"][5, charges.index("gap")].value == -40
    assert cells["Produits"][6, produits.index("gap")].value == -40
    assert (cells["Charges"][5, 0].value, cells["Charges"][6, 0].value) == ("complet", "")
    office.type("Produits", 5, produits.index("montant_accorde"), "100")
    office.type("Charges", 14, charges.index("montant"), "7")  # heading 86, balanced by itself
    office.recalculate()
    cells = office.read()
    assert cells["Charges"][5, charges.index("gap")].value == 0
    assert cells["Charges"][14, charges.index("gap")].value == -7


# The forms


def test_a_lead_finds_every_heading_and_each_funder_ready() -> None:
    rows = {"plan_charges": [charge(PERSONNEL, 5_00)], "plan_produits": [produit(OWN, 5_00)]}
    (form,) = make_forms(contract(rows), YEAR, ["bailleur"])
    charges = [row.values for row in form.rows[CHARGES_TABLE.name]]
    assert [row["poste"] for row in charges] == list(schemas()["plan_charges"].by_name["poste"].enum)
    assert [(row["poste"], row["montant"]) for row in charges if row["montant"] is not None] == [(PERSONNEL, 5_00)]
    assert [(row.values["compte"], row.values["financeur_id"]) for row in form.rows[PRODUITS_TABLE.name]] == [
        (SUBSIDY, "etat"), (OWN, None), (RECEIVED, None),
    ]  # fmt: skip


def test_only_leads_are_asked() -> None:
    forms = {form.identity.partenaire: form for form in make_forms(contract({}), YEAR)}
    asked = [name for name, form in forms.items() if CHARGES_TABLE.name in form.rows]
    assert asked == ["bailleur"]


@pytest.mark.parametrize(("table", "account"), [(CHARGES_TABLE, "60"), (PRODUITS_TABLE, "74:etat")])
def test_the_plan_of_a_fiche_that_another_leads_blocks(table: TableSpec, account: str) -> None:
    rows = case_rows()
    rows["participations"].append({"fiche_id": "I-2./1", "partenaire_id": "luce", "role": "porteur"})
    book = contract(rows)
    (form,) = make_forms(book, YEAR, ["bailleur"])
    key = f"I-2./1:{YEAR}:{account}"

    def change(made: Any) -> None:
        made[table.sheet].cell(7, column_of(table, table.key.name) + 1).value = key

    examine = Examiner(book.schemas, references(book.tables, book.schemas), book.settings)
    by_code = {
        finding.code: finding
        for finding in examine(parse_bytes(edited(write_form(book, form), change), "r.xlsx")).findings
    }
    assert (by_code["ligne-d-un-autre"].valeur, by_code["ligne-d-un-autre"].bloquant) == (key, True)
    assert "luce" in by_code["ligne-d-un-autre"].message


def test_a_form_filled_is_merged_and_its_faults_are_said_at_their_cells(tmp_path: Path) -> None:
    root = campaign_workspace(tmp_path / "contrat", contract="cas")
    switch_on(root)
    assert tabellion("generate", cwd=root).code == 0
    assert tabellion("forms", cwd=root).code == 0
    form = root / "workbooks" / "envois" / str(YEAR) / f"bailleur-{YEAR}.xlsx"
    key = f"{FICHE}:{YEAR}"
    reply = Reply(
        "bailleur",
        YEAR,
        {
            "Actions": {FICHE: {"commentaire": "Suite"}},
            "Charges": {f"{key}:60": {"montant": "1 000,50 €"}, f"{key}:86": {"montant": 300}},
            "Produits": {
                f"{key}:74:etat": {"montant_demande": 600, "montant_accorde": 700, "montant_verse": 650},
                f"{key}:87": {"montant_demande": 300},
            },
        },
        {"Produits": [{"fiche_id": FICHE, "compte": "70 Ventes et prestations", "montant_demande": 100}]},
    )
    back = root / "workbooks" / "retours" / "bailleur.xlsx"
    back.parent.mkdir(exist_ok=True)
    saved = fill(form, back, reply.answers, new_rows=reply.new_rows, saved=NOW)
    assert tabellion("validate", "--json", "dit.json", str(back), cwd=root).code == 0
    told = json.loads((root / "dit.json").read_text(encoding="utf-8"))["constats"]
    places = {
        (constat["code"], constat["feuille"], constat["cellule"]) for constat in told if constat["code"] in NEW_CODES
    }
    first, granted = (
        saved.cells["Charges", f"{key}:60", "montant"],
        saved.cells["Produits", f"{key}:74:etat", "montant_accorde"],
    )
    assert places == {
        ("plan-desequilibre", "Charges", first),  # 1 000,50 of charges, 700 granted and 100 of sales
        ("accorde-superieur-au-demande", "Produits", granted),
    }
    assert tabellion("consolidate", cwd=root).code in (0, 1)
    consolidation = root / "workbooks" / "consolidation"
    rows = register_rows(consolidation / "registre", "plan_charges")
    assert [(row["charge_id"], row["exercice"], row["poste"], row["montant"]) for row in rows] == [
        (f"{key}:60", "2016", ACHATS, "1000.50"), (f"{key}:86", "2016", GIVEN, "300"),
    ]  # fmt: skip
    rows = register_rows(consolidation / "registre", "plan_produits")
    assert [(row["produit_id"], row["montant_demande"], row["montant_accorde"]) for row in rows] == [
        (f"{key}:74:etat", "600", "700"), (f"{key}:87", "300", ""), (f"{key}:70", "100", ""),
    ]  # fmt: skip
    sheet, _ = table_cell(consolidation / "consolidation.xlsx", "Donnees_plan_charges", "Poste", Fiche=FICHE)
    assert sheet == "Plans de financement charges"
    everything = json.loads((consolidation / "constats.json").read_text(encoding="utf-8"))["constats"]
    assert {constat["code"] for constat in everything} & NEW_CODES == {
        "plan-desequilibre", "accorde-superieur-au-demande", "accorde-et-financement",
    }  # fmt: skip


# The rules


def test_a_balanced_plan_has_nothing_said_of_it() -> None:
    rows = balanced()
    rows["plan_produits"][0]["financeur_id"] = "region"  # no financement of this funder on this fiche
    assert check(rows) == []
    assert check({}) == []


def test_charges_that_are_not_the_produits() -> None:
    rows = balanced()
    rows["plan_charges"][0]["montant"] += 500_00
    (finding,) = [finding for finding in check(rows) if finding.code == "plan-desequilibre"]
    assert cells([finding]) == [("plan-desequilibre", "plan_charges", "montant@0")]
    assert (finding.attendu, finding.valeur, finding.gravite) == (12500.5, 12000.5, Severity.ERREUR)
    assert "500\u00a0€" in finding.message
    assert [place.cellule for place in finding.liees] == ["montant@1", "montant_accorde@0", "montant_demande@1"]
    rows["plan_charges"][0]["montant"] -= 498_00
    assert [finding.gravite for finding in check(rows) if finding.code == "plan-desequilibre"] == [Severity.INFORMATION]


def test_charges_that_nobody_pays() -> None:
    rows = {"plan_charges": [charge(ACHATS, None), charge(PERSONNEL, 5_00)]}
    assert cells(check(rows)) == [("plan-sans-produit", "plan_charges", "montant@1")]
    assert cells(check({**rows, "plan_produits": [produit(OWN, 5_00)]})) == []
    refused = [produit(SUBSIDY, 5_00, "region", montant_accorde=0)]
    assert cells(check({**rows, "plan_produits": refused})) == [("plan-desequilibre", "plan_charges", "montant@1")]


def test_contributions_are_balanced_apart() -> None:
    rows: Rows = {
        "plan_charges": [charge(ACHATS, 10_00), charge(GIVEN, 30_00)],
        "plan_produits": [produit(OWN, 10_00), produit(RECEIVED, 50_00)],
    }
    (finding,) = check(rows)
    assert cells([finding]) == [("contributions-desequilibrees", "plan_charges", "montant@1")]
    assert (finding.attendu, finding.valeur) == (30, 50)


def test_each_exercice_has_its_plan() -> None:
    rows: Rows = {
        "plan_charges": [charge(ACHATS, 10_00), charge(ACHATS, 99_00, year=2017)],
        "plan_produits": [produit(OWN, 10_00), produit(OWN, 9_00, exercice=2017)],
    }
    assert cells(check(rows)) == [("plan-desequilibre", "plan_charges", "montant@1")]


@pytest.mark.parametrize(
    ("asked", "granted", "paid", "expected"),
    [
        (10_00, 10_00, 10_00, []),
        (None, 10_00, 4_00, []),
        (10_00, None, None, []),
        (10_00, 11_00, None, [("accorde-superieur-au-demande", "plan_produits", "montant_accorde@0")]),
        (10_00, 8_00, 9_00, [("verse-superieur-a-l-accorde", "plan_produits", "montant_verse@0")]),
        (10_00, None, 1_00, [("verse-superieur-a-l-accorde", "plan_produits", "montant_verse@0")]),
    ],
)
def test_what_is_granted_was_asked_and_what_is_paid_was_granted(
    asked: int | None, granted: int | None, paid: int | None, expected: list[tuple[str, str, str]]
) -> None:
    row = produit(SUBSIDY, asked, "region", montant_accorde=granted, montant_verse=paid)
    kept = granted if granted is not None else asked
    assert cells(check({"plan_charges": [charge(ACHATS, kept)], "plan_produits": [row]})) == expected


@pytest.mark.parametrize(
    ("amounts", "severity"),
    [
        ({2016: 890_000_00}, None),
        ({2016: 400_000_00, 2017: 490_000_00}, None),
        ({2016: 890_000_00, 2017: 890_000_00}, None),
        ({2016: 400_000_00}, Severity.INFORMATION),
        ({2016: 900_000_00}, Severity.AVERTISSEMENT),
    ],
)
def test_what_is_granted_is_the_financement_of_the_fiche(amounts: dict[int, int], severity: Severity | None) -> None:
    """The small contract has 890 000 € of the State on this fiche, without an exercice."""
    rows: Rows = {
        "plan_charges": [charge(ACHATS, cents, year=year) for year, cents in amounts.items()],
        "plan_produits": [
            produit(SUBSIDY, cents, "etat", exercice=year, montant_accorde=cents) for year, cents in amounts.items()
        ],
    }
    findings = check(rows)
    assert [finding.gravite for finding in findings] == ([] if severity is None else [severity])
    if findings:
        assert cells(findings) == [("accorde-et-financement", "plan_produits", "montant_accorde@0")]
        assert [(place.feuille, place.cellule) for place in findings[0].liees] == [("financements", "montant@0")]


def test_an_amount_that_could_not_be_read_leaves_its_plan_aside() -> None:
    rows = {"plan_charges": [charge(ACHATS, None), charge(PERSONNEL, 1_00)], "plan_produits": [produit(OWN, 5_00)]}
    tables = tables_of({**small_rows(), **rows})
    unknown = [("plan_charges", 0, "montant")]
    findings = check_contract(book_of(tables, unknown=unknown), locate)
    assert [finding for finding in findings if finding.code in NEW_CODES] == []


def test_schemas_without_the_tables_are_checked_too() -> None:
    kept = Schemas({name: schema for name, schema in schemas().items() if name not in FUNDING_TABLES})
    tables = {name: frame for name, frame in tables_of(small_rows()).items() if name in kept}
    assert check_contract(book_of(tables, schemas_=kept), locate) == []
