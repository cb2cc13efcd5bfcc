"""Whole sheets brought into a workbook: ours into the one that staff edit, theirs into a fresh one."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook import Workbook as OpenedWorkbook

from support.libreoffice import LibreOffice
from support.masters import Package, chartres, master, written
from support.own_sheets import OWN, OWN_CHART, faults, renamed, with_more, with_own_sheet
from support.own_work import Workbook
from support.recalculated import differences
from tabellion.contract.book import Book
from tabellion.findings import TabellionError
from tabellion.layout.names import IDENTITY, NOMENCLATURES, KnownFormula, column_letters, quoted_sheet, table_name
from tabellion.outputs.master.layout import MasterLayout
from tabellion.reading import parse_bytes
from tabellion.reading.hidden import read_identity
from tabellion.reading.master import ParsedMaster, read_master
from tabellion.schema.tables import make_table
from tabellion.xlsx import signature
from tabellion.xlsx.inplace.sheets import carry_own, carry_own_sheets, with_sheets
from tabellion.xlsx.inplace.wording import FormulaCarrier

PLAN, MASTER = master("Chartres")
STAGES = PLAN.contract.schemas["suivis"].by_name["avancement"].enum
LINES = PLAN.data[table_name("lignes_budgetaires", 1)]
SHEET = PLAN.sheets[LINES.sheet]
FIRST, LAST = LINES.row + 2, LINES.last_row + 1


def changed(contract: Book, **rows: list[dict[str, object]]) -> Book:
    """The contract with rows added to its tables."""
    tables = dict(contract.tables)
    for name, new in rows.items():
        schema = contract.schemas[name]
        lines = [*tables[name].rows, *new]
        tables[name] = make_table(schema, {field: [line.get(field) for line in lines] for field in schema.names})
    return replace(contract, tables=tables)


@cache
def followed() -> tuple[MasterLayout, bytes]:
    """The contract with two bilans: its master has the sheet Suivi."""
    fiches = [row["fiche_id"] for row in chartres().tables["fiches"].rows]
    rows = [
        {"fiche_id": fiches[0], "partenaire_id": "luce", "exercice": 2016, "avancement": "en cours", "pourcentage": 40,
         "date_bilan": date(2016, 11, 15), "montant_engage": 1_000_05, "commentaire": "Recrutement < en cours >"},
        {"fiche_id": fiches[1], "partenaire_id": "luce", "exercice": 2016, "avancement": "terminée"},
    ]  # fmt: skip
    return written(changed(chartres(), suivis=rows))


@cache
def longer() -> tuple[MasterLayout, bytes]:
    """The contract with a twelfth convention: an axe, a fiche, a line of a budget."""
    rows = {
        "conventions": [{"convention_id": 12, "pilier_id": "I", "titre": "L'ici", "titre_court": "L'ici"}],
        "axes": [{"axe_id": "I-12.1", "convention_id": 12, "titre": "Se déplacer"}],
        "fiches": [{"fiche_id": "I-12.1./1", "convention_id": 12, "axe_id": "I-12.1", "proposition": "Un bus"}],
        "lignes_budgetaires": [
            {"ligne_id": "B12-1", "convention_id": 12, "collectivite_id": "luce", "libelle": "Bus", "exercice": 2013,
             "montant_realise": 12_345_67},
        ],
    }  # fmt: skip
    return written(changed(chartres(), **rows))


@cache
def own() -> bytes:
    """The master with an agent's own sheet, which is the second one; every cached value is right."""
    quoted, cells = quoted_sheet(SHEET), Package(MASTER).cells
    amounts = [cells[SHEET][row - 1, LINES.column_of("montant_realise")][0] for row in range(FIRST, LAST + 1)]
    towns = [cells[SHEET][row - 1, LINES.column_of("collectivite_id")][0] for row in range(FIRST, LAST + 1)]
    total = sum(amount for amount in amounts if isinstance(amount, float))
    shown, title, second = cells["Accueil"][7, 2][0], cells[SHEET][0, 0][0], amounts[1]
    assert Package(MASTER).names["Accueil_recalcule"] == "'Accueil'!$C$8"
    assert isinstance(shown, float)
    assert isinstance(title, str)
    assert isinstance(second, float)
    formulas: dict[str, tuple[str, float | str]] = {
        "A2": ("SUM(Lignes_01[Montant réalisé (€)])", total),
        "A3": (f"{quoted}!$E${FIRST + 1}", second),
        "A4": (f"SUM({quoted}!E{FIRST}:E{LAST})", total),
        "A5": ("Accueil!$C$8", shown),
        "A6": ("B1*2+Maison", 36),
        "A7": ("SUM(Equipe[Jours])", 7.5),
        "A8": ('COUNTIF(Lignes_01[Collectivité],"Lucé")', towns.count("Lucé")),
        "A9": (f"{quoted}!$A$1", title),
    }
    return with_own_sheet(MASTER, formulas, f"{quoted}!$E${FIRST}:$E${LAST}", f"{quoted}!A{FIRST + 1}")


def read(content: bytes, contract: Book) -> ParsedMaster:
    return read_master(parse_bytes(content, "contrat.xlsx"), contract.schemas, contract.settings.identifiant)


def hidden(content: bytes) -> tuple[dict[str, str], set[KnownFormula]]:
    """What the hidden sheet says: the identity, the list of formulas."""
    (sheet,) = (sheet for sheet in parse_bytes(content, "contrat.xlsx").sheets if sheet.name == IDENTITY)
    identity, formulas = read_identity(sheet)
    assert len(set(formulas)) == len(formulas)
    return identity, set(formulas)


def names(content: bytes) -> list[str]:
    return list(Package(content).sheet_parts)


def local_names(content: bytes) -> dict[str, dict[str, str]]:
    """The names of each sheet."""
    package, names_by_sheet = Package(content), dict[str, dict[str, str]]()
    sheets = list(package.sheet_parts)
    for match in re.finditer(
        r'<definedName name="([^"]*)" localSheetId="(\d+)"[^>]*>([^<]*)<', package.parts["xl/workbook.xml"].decode()
    ):
        names_by_sheet.setdefault(sheets[int(match[2])], {})[match[1]] = match[3]
    return names_by_sheet


@lru_cache(maxsize=8)
def opened(content: bytes) -> OpenedWorkbook:
    """A workbook to look at, not to change."""
    return openpyxl.load_workbook(io.BytesIO(content))


def looks(content: bytes, sheet: str) -> dict[str, str]:
    """What every cell of a sheet holds and looks like."""
    book = opened(content)[sheet]
    return {
        cell.coordinate: repr((cell.value, cell.number_format, cell.font, cell.fill, cell.border, cell.alignment))
        for row in book.iter_rows()
        for cell in row
        if cell.has_style or cell.value is not None
    }


def computed(office: LibreOffice, content: bytes, path: Path) -> list[str]:
    """Where LibreOffice computes something else than what the file holds; a formula may have no value."""
    path.write_bytes(content)
    office.open(path)
    office.recalculate()
    package, cells = Package(content), office.read()
    blank = tuple(
        f"{sheet} {place}:"
        for sheet, sheet_cells in package.cells.items()
        for place, (value, text) in sheet_cells.items()
        if text is not None and value is None and cells[sheet][place].error is None
    )
    return [difference for difference in differences(package, cells) if not difference.startswith(blank)]


def test_the_sheet_of_the_bilans_comes() -> None:
    plan, fresh = followed()
    content = with_sheets(own(), fresh, ["Suivi"])
    assert faults(content) == []
    assert names(content) == [*names(own())[:-6], "Suivi", *names(own())[-6:]]
    assert looks(content, "Suivi") == looks(fresh, "Suivi")
    assert read(content, plan.contract).tables["suivis"].rows == plan.contract.tables["suivis"].rows
    assert local_names(content) == local_names(own()) | {"Suivi": local_names(fresh)["Suivi"]}
    package, before = Package(content), Package(own())
    assert package.names == before.names | {
        name: text for name, text in Package(fresh).names.items() if name not in before.names
    }
    kept = [name for name in before.parts if name.startswith(("xl/worksheets/sheet", "xl/tables", "xl/charts"))]
    lists = PLAN.sheets[NOMENCLATURES]
    assert {name for name in kept if package.parts[name] != before.parts[name]} == {
        before.sheet_parts[lists], before.sheet_parts[IDENTITY],
    }  # fmt: skip
    assert hidden(content)[0] == hidden(own())[0] | {"suivis": "oui"}
    # The drop-down of the new sheet has its list, beside the others; nothing else of their sheet changes.
    choices = package.tables["Liste_suivis_avancement"]
    column = max(table.area[3] for table in before.tables.values() if table.sheet == lists) + 2
    assert (choices.sheet, choices.area) == (lists, (4, column, 8, column))
    cells = {place: cell for place, cell in package.cells[lists].items() if place[1] < column}
    assert cells == before.cells[lists]
    assert [package.cells[lists][row, column][0] for row in range(5, 9)] == list(STAGES)


def test_a_workbook_as_we_wrote_it_is_signed_again() -> None:
    _, fresh = followed()
    assert signature.is_intact(with_sheets(MASTER, fresh, ["Suivi"]))
    assert not signature.is_intact(with_sheets(own(), fresh, ["Suivi"]))
    assert with_sheets(own(), fresh, []) == own()


def test_a_new_convention_has_its_two_sheets() -> None:
    plan, fresh = longer()
    content = with_sheets(own(), fresh, ["C12", "B12"])
    assert faults(content) == []
    new = {cell for cell in hidden(fresh)[1] if re.search("_12$", cell.table)}
    assert len(new) > 10
    assert hidden(content) == (hidden(own())[0], hidden(own())[1] | new)
    before = names(own())
    place = before.index(PLAN.sheets["C11"]) + 1
    assert names(content) == [
        *before[:place], plan.sheets["C12"], *before[place : place + 11], plan.sheets["B12"], *before[place + 11 :],
    ]  # fmt: skip
    assert local_names(content) == local_names(own()) | {
        plan.sheets[key]: local_names(fresh)[plan.sheets[key]] for key in ("C12", "B12")
    }
    (line,) = [
        row for row in read(content, plan.contract).tables["lignes_budgetaires"].rows if row["convention_id"] == 12
    ]
    assert line["montant_realise"] == 12_345_67


@pytest.mark.libreoffice
def test_all_that_a_new_convention_changes_is_computed_the_same(office: LibreOffice, tmp_path: Path) -> None:
    plan, fresh = longer()
    keys = ("Accueil", "Synthèse", "Rapprochement", "C12", "B12", "Nomenclatures", "Contrôles")
    content = with_sheets(own(), fresh, keys)
    assert faults(content) == []
    assert hidden(content) == hidden(fresh)
    assert hidden(with_sheets(own(), fresh, [*keys, IDENTITY])) == hidden(fresh)
    assert computed(office, content, tmp_path / "contrat.xlsx") == []
    package = Package(content)
    for key in keys:
        assert looks(content, plan.sheets[key]) == looks(fresh, plan.sheets[key]), key
        assert package.cells[plan.sheets[key]] == Package(fresh).cells[plan.sheets[key]], key
    reading = read(content, plan.contract)
    assert [(finding.code, finding.valeur) for finding in reading.findings] == [("feuille-ajoutee", OWN)]
    assert {name: table.rows for name, table in reading.tables.items()} == {
        name: table.rows for name, table in read(fresh, plan.contract).tables.items()
    }
    # What the own sheet reads of sheets that came has no value until it is computed.
    assert package.cells[OWN][4, 0] == (None, Package(own()).cells[OWN][4, 0][1])
    assert package.cells[OWN][1, 0][0] is not None


@cache
def later() -> tuple[MasterLayout, bytes]:
    """The master of a later version: columns in another order, a town more, so that the lines stand a row lower."""
    contract = changed(
        chartres(),
        collectivites=[{"collectivite_id": "mer", "nom": "Mer", "categorie": "commune"}],
        lignes_budgetaires=[{"ligne_id": "B01-mer", "convention_id": 1, "collectivite_id": "mer", "libelle": "Bus",
                             "exercice": 2013, "montant_realise": 1_000_00}],
    )  # fmt: skip
    orders = {name: tuple(reversed(order)) for name, order in contract.theme.orders.items()}
    return written(replace(contract, theme=replace(contract.theme, orders=orders)))


def carried_sheets(fresh: bytes, data: bytes) -> list[str]:
    return list(carry_own_sheets(fresh, data).sheets)


def test_own_sheets_are_those_that_a_fresh_workbook_has_not() -> None:
    plan, fresh = later()
    assert carried_sheets(fresh, own()) == [OWN]
    assert carried_sheets(fresh, MASTER) == []
    others = {PLAN.sheets[key]: f"Feuille {key} d'ici" for key in ("Accueil", "B01", "Contrôles")}
    assert carried_sheets(fresh, renamed(own(), others)) == [OWN]
    assert carried_sheets(fresh, followed()[1]) == []  # ours, though the fresh one has no use for it
    assert carry_own(fresh, MASTER) == fresh
    assert plan.sheets["Accueil"] in names(fresh)


@pytest.mark.libreoffice
def test_an_own_sheet_is_carried_into_a_new_layout(office: LibreOffice, tmp_path: Path) -> None:
    plan, fresh = later()
    carried = carry_own_sheets(fresh, own())
    content, package = carried.data, Package(carried.data)
    assert carried.sheets == {OWN: OWN}
    assert faults(content) == []
    assert names(content) == [names(fresh)[0], OWN, *names(fresh)[1:]]
    assert not signature.is_intact(content)
    before, after = looks(own(), OWN), looks(content, OWN)
    assert before.keys() == after.keys()
    assert [after[ref] for ref in ("A1", "B1", "D2", "E3")] == [before[ref] for ref in ("A1", "B1", "D2", "E3")]
    assert '0.0" k€"' in after["A2"]
    # Addresses follow the cells: the second line, the column of amounts, the named cell.
    lines = plan.data[LINES.name]
    first, last, letter = lines.row + 2, lines.last_row + 1, column_letters(lines.column_of("montant_realise"))
    assert (first, letter) != (FIRST, "E")
    quoted = quoted_sheet(SHEET)
    formulas = [text for (_, column), (_, text) in sorted(package.cells[OWN].items()) if column == 0 and text]
    assert formulas == [
        "SUM(Lignes_01[Montant réalisé (€)])", f"{quoted}!${letter}${first + 1}",
        f"SUM({quoted}!{letter}{first}:{letter}{last})", "Accueil!$C$8", "B1*2+Maison", "SUM(Equipe[Jours])",
        'COUNTIF(Lignes_01[Collectivité],"Lucé")', f"{quoted}!$A$1",
    ]  # fmt: skip
    assert package.names["Maison"] == "'L''équipe & nous'!$B$1"
    (drawing,) = (
        part for part in package.targets(package.sheet_parts[OWN]).values() if re.search(r"/drawing\d+\.xml", part)
    )
    (chart,) = (package.parts[part].decode() for part in package.targets(drawing).values())
    assert re.findall("<c:f>(.*?)</c:f>", chart) == [f"{quoted}!${letter}${first}:${letter}${last}"]
    sheet = package.parts[package.sheet_parts[OWN]].decode()
    assert re.findall('location="([^"]*)"', sheet) == [
        f"{quoted}!{column_letters(lines.column_of('collectivite_id'))}{first + 1}"
    ]
    assert 'zoomScale="130"' in sheet
    assert "tabSelected" not in sheet
    assert '<tabColor rgb="FF00B050"/>' in sheet
    book = openpyxl.load_workbook(io.BytesIO(content))
    note = book[OWN]["A2"].comment
    assert note is not None
    assert note.text == "à revoir en juin"
    assert book[OWN].tables["Equipe"].ref == "D1:E3"
    assert book[OWN].print_area == "'L''équipe & nous'!$A$1:$E$30"
    (rules,) = book[OWN].conditional_formatting
    assert rules.rules[0].dxf.font.color.rgb == "FFC00000"
    # What it reads of our sheets has no value until it is computed; the rest keeps its own.
    values = [value for (_, column), (value, text) in sorted(package.cells[OWN].items()) if column == 0 and text]
    assert values == [None, None, None, None, 36.0, 7.5, None, None]
    (tmp_path / "contrat.xlsx").write_bytes(content)
    office.open(tmp_path / "contrat.xlsx")
    cells = office.read()[OWN]
    old = Package(own()).cells[OWN]
    assert [cells[row, 0].value for row in (1, 3)] == [pytest.approx(old[row, 0][0] + 1_000) for row in (1, 3)]
    assert [cells[row, 0].value for row in (2, 7, 8)] == [old[row, 0][0] for row in (2, 7, 8)]
    assert computed(office, content, tmp_path / "contrat.xlsx") == []


@pytest.mark.libreoffice
def test_a_workbook_that_libreoffice_saved_takes_and_gives_sheets(office: LibreOffice, tmp_path: Path) -> None:
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(own())
    office.open(path)
    office.recalculate()
    saved = office.save(tmp_path / "enregistre.xlsx").read_bytes()
    plan, fresh = followed()
    keys = ("Accueil", "Suivi", "Contrôles")
    taken = with_sheets(saved, fresh, keys)
    assert faults(taken) == []
    for key in keys:
        assert looks(taken, key) == looks(fresh, key)
    assert read(taken, plan.contract).tables["suivis"].rows == plan.contract.tables["suivis"].rows
    assert computed(office, taken, path) == []
    assert carried_sheets(fresh, saved) == [OWN]
    given = carry_own_sheets(later()[1], saved)
    assert faults(given.data) == []
    assert given.unsure == ()
    expected = Package(carry_own(later()[1], own())).cells[OWN]
    assert {place: cell for place, cell in Package(given.data).cells[OWN].items() if cell != (None, None)} == expected


def test_what_hangs_on_the_workbook_comes_too() -> None:
    """Who wrote a thread, the data behind a pivot table; and a sheet that is a chart."""
    plan, fresh = later()
    data = with_more(own(), SHEET, f"A{FIRST - 1}:E{LAST}")
    assert faults(data) == []
    content = carry_own(fresh, data)
    assert faults(content) == []
    assert names(content) == [names(fresh)[0], OWN, *names(fresh)[1:], OWN_CHART]
    package, lines = Package(content), plan.data[LINES.name]
    assert 'displayName="Zoé"' in package.parts["xl/persons/person1.xml"].decode()
    cache = package.parts["xl/pivotCache/pivotCacheDefinition1.xml"].decode()
    columns = sorted(lines.column_of(name) for name in ("collectivite_id", "montant_realise"))
    corners = f"{column_letters(columns[0])}{lines.row + 1}:{column_letters(columns[1])}{lines.last_row + 1}"
    assert f'<worksheetSource ref="{corners}" sheet="{SHEET}"/>' in cache
    assert 'refreshOnLoad="1"' in cache
    assert '<pivotCache cacheId="1" r:id=' in package.parts["xl/workbook.xml"].decode()
    assert 'cacheId="1"' in package.parts["xl/pivotTables/pivotTable1.xml"].decode()


def test_what_another_workbook_says_is_still_read_there() -> None:
    book = Workbook(own())
    main, office = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "officeDocument/2006/relationships"
    link = "xl/externalLinks/externalLink1.xml"
    book.add(
        link,
        f'<externalLink xmlns="{main}" xmlns:r="http://schemas.openxmlformats.org/{office}"><externalBook r:id="rId1">'
        '<sheetNames><sheetName val="Feuil1"/></sheetNames></externalBook></externalLink>',
        "application/vnd.openxmlformats-officedocument.spreadsheetml.externalLink+xml",
    )
    book.relate(link, "rId1", "externalLinkPath", 'autre.xlsx" TargetMode="External')
    book.relate("xl/workbook.xml", "rIdOut", "externalLink", "externalLinks/externalLink1.xml")
    references = '<externalReferences><externalReference r:id="rIdOut"/></externalReferences>'
    book.before("xl/workbook.xml", "<definedNames>", references)
    book.replace("xl/worksheets/sheet99.xml", "<f>B1*2+Maison</f>", "<f>B1*2+Maison+[1]Feuil1!A1</f>")
    assert faults(book.bytes()) == []
    content = carry_own(later()[1], book.bytes())
    assert faults(content) == []
    package = Package(content)
    assert package.cells[OWN][5, 0] == (36.0, "B1*2+Maison+[1]Feuil1!A1")
    assert package.parts["xl/workbook.xml"].count(b"<externalReference ") == 1
    assert b'Target="autre.xlsx"' in package.parts["xl/externalLinks/_rels/externalLink1.xml.rels"]
    assert package.parts[link] == book.parts[link].encode()


def test_renamed_sheets_keep_their_names() -> None:
    _, fresh = longer()
    others = {PLAN.sheets[key]: name for key, name in RENAMED.items()}
    content = with_sheets(renamed(own(), others), fresh, ["Accueil", "Rapprochement", "Contrôles"])
    assert faults(content) == []
    assert names(content) == names(renamed(own(), others))
    package = Package(content)
    text = package.parts[package.sheet_parts["Tous nos écarts"]].decode()
    assert "'B07 Soutien" in text or "'Finances d''ici'" in text
    assert package.names["feuille_Controles"] == "'Tous nos écarts'!$A$1"
    assert package.names["Exercice"] == "'La une'!$C$4"
    assert not re.search("Accueil'?!|Contrôles'?!", package.parts["xl/workbook.xml"].decode())


RENAMED = {"Accueil": "La une", "Contrôles": "Tous nos écarts", "B07": "Finances d'ici"}


def test_a_replaced_sheet_keeps_its_place_its_colour_and_whether_it_is_seen() -> None:
    book = Workbook(own())
    book.parts["xl/workbook.xml"] = book.parts["xl/workbook.xml"].replace(
        '<sheet name="Contrôles" ', '<sheet name="Contrôles" state="hidden" ', 1
    )
    part = book.package.sheet_parts["Contrôles"]
    book.parts[part] = re.sub("<sheetPr>.*?</sheetPr>", '<sheetPr><tabColor theme="5"/></sheetPr>', book.parts[part])
    before = book.bytes()
    content = with_sheets(before, longer()[1], ["Contrôles"])
    assert faults(content) == []
    after = Package(content)
    text = after.parts[part].decode()
    assert text.count('<tabColor theme="5"/>') == 1
    assert '<pageSetUpPr fitToPage="1"/>' in text
    assert re.findall("<sheet .*?>", after.parts["xl/workbook.xml"].decode()) == re.findall(
        "<sheet .*?>", book.parts["xl/workbook.xml"]
    )
    assert after.cells["Contrôles"] == Package(longer()[1]).cells["Contrôles"]


def test_a_table_of_the_same_name_is_refused() -> None:
    book = Workbook(own())
    book.parts["xl/tables/table99.xml"] = book.parts["xl/tables/table99.xml"].replace("Equipe", "suivis")
    with pytest.raises(TabellionError) as caught:
        with_sheets(book.bytes(), followed()[1], ["Suivi"])
    (finding,) = caught.value.findings
    assert (finding.code, finding.valeur, finding.attendu) == ("nom-de-tableau-pris", "Suivis", "Suivi")
    with pytest.raises(KeyError):
        with_sheets(own(), MASTER, ["Suivi"])


def test_what_reads_a_column_that_goes_away_is_lost_and_no_repair_is_offered() -> None:
    """An own column inside our table, which the fresh sheet has not."""
    book = Workbook(own())
    part = next(name for name, text in book.parts.items() if ' name="Lignes_01"' in text)
    book.replace(part, 'name="Libellé"', 'name="Notre libellé"')
    sheet = "xl/worksheets/sheet99.xml"
    book.replace(sheet, "<f>SUM(Equipe[Jours])</f>", "<f>COUNTA(Lignes_01[Notre libellé])+SUM(Equipe[Jours])</f>")
    content = with_sheets(book.bytes(), MASTER, ["B01"])
    assert faults(content) == []
    assert Package(content).cells[OWN][6, 0] == (None, "COUNTA(#REF!)+SUM(Equipe[Jours])")
    assert Package(content).cells[OWN][1, 0][1] == "SUM(Lignes_01[Montant réalisé (€)])"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Un!A1+'Deux ou trois'!$B$2:C4", "Premier!A1+'L''autre'!$B$2:C4"),
        ("SUM(Un:Un!A1)+SUM('Un:Deux ou trois'!A1)", "SUM(Premier:Premier!A1)+SUM('Premier:L''autre'!A1)"),
        ('"Un!A1"&Un!Nom&un!A:A', '"Un!A1"&Premier!Nom&Premier!A:A'),
        ("Perdue!A1:B2+1", "#REF!+1"),
        ("SUM(Perdue!A1:Perdue!B2)", "SUM(#REF!)"),
        ("Perdue!Nom*2", "#REF!*2"),
        ("#REF!A1+Un!#REF!+#DIV/0!", "#REF!A1+Premier!#REF!+#DIV/0!"),
        ("[1]Feuil1!A1+'[1]Feuil 1'!A1+[1]!Nom", "[4]Feuil1!A1+'[4]Feuil 1'!A1+[4]!Nom"),
        ("SUM(Notre[Col])+Notre[[#This Row],[d'[un']]]+Notre[#All]", None),
        ("SUM(Notre[Autre])+Inconnu[Col]", "SUM(#REF!)+#REF!"),
        ("Notre[[#Headers],[Col]:[Autre]]", "#REF!"),
    ],
)
def test_formulas_name_what_the_other_workbook_has(text: str, expected: str | None) -> None:
    sheets = {"un": "Premier", "deux ou trois": "L'autre"}
    formulas = FormulaCarrier(sheets, {"notre": {"col", "d[un]"}}, lambda number: number + 3, lambda same, _: same)
    assert formulas.formula(text) == (text if expected is None else expected)


def test_every_part_is_valid(tmp_path: Path) -> None:
    audit = pytest.importorskip("openxml_audit")
    cases = {
        "suivi": with_sheets(own(), followed()[1], ["Suivi"]),
        "convention": with_sheets(own(), longer()[1], ["Accueil", "C12", "B12", "Contrôles"]),
        "later": carry_own(later()[1], own()),
        "more": carry_own(later()[1], with_more(own(), SHEET, f"A{FIRST - 1}:E{LAST}")),
    }
    faults = {}
    for name, content in {"own": own(), **cases}.items():
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(content)
        faults[name] = [error.description for error in audit.OpenXmlValidator().validate(path).errors]
    assert faults == {name: [] for name in faults}
