"""What the workbook is made of: names, tables, rules, drop-downs, print setup, signature; all read from its parts."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.contracts import ROOT, contract_rows
from support.libreoffice import LibreOffice
from support.masters import (
    CONTENT_TYPES,
    MAIN,
    NAMES,
    RELATIONS,
    Package,
    TablePart,
    area,
    contract,
    contract_of,
    master,
    position,
    theme,
    written,
)
from tabellion.contract.workspace import LICENCES
from tabellion.layout.names import (
    COMPUTED,
    IDENTITY,
    SHEET_NAME_LENGTH,
    column_ref,
    escape_label,
    sheet_name,
    shorten,
    table_name,
    table_resource,
    this_row,
)
from tabellion.layout.theme import _PAIRS, MINIMUM_CONTRAST, contrast
from tabellion.xlsx import signature
from tabellion.xlsx.sheets import DroppedValueError
from tabellion.xlsx.text_metrics import column_width, text_lines
from tabellion.xlsx.writer import PROMPT_LENGTH, PROMPT_TITLE_LENGTH, TEXT_LENGTH, Writer

#: Functions that every Excel since 2010 has; the formulas use no other.
_KNOWN_FUNCTIONS = {
    "ABS", "AND", "COUNT", "COUNTIFS", "IF", "IFERROR", "INDEX", "ISNUMBER", "LEFT", "LEN", "MATCH", "MAX", "MID", "N",
    "OR", "RIGHT", "ROUND", "SUBSTITUTE", "SUM", "SUMIFS", "SUMPRODUCT",
}  # fmt: skip
_FORMULA_LENGTH = 8192
_CELL_LIKE = re.compile(r"[A-Za-z]{1,3}\d+|[Rr]\d*[Cc]\d*")
_LITERALS = re.compile(r'"(?:[^"]|"")*"')
_BRACKETS = re.compile(r"\[(?:[^\[\]']|'.|\[(?:[^\[\]']|'.)*\])*\]")

every_contract = pytest.mark.parametrize("name", NAMES)


def package(name: str) -> Package:
    return Package(master(name)[1])


def formulas(package: Package) -> list[tuple[str, tuple[int, int], str]]:
    return [
        (sheet, place, formula)
        for sheet, cells in package.cells.items()
        for place, (_, formula) in cells.items()
        if formula is not None
    ]


def visible(package: Package) -> list[str]:
    return [
        element.attrib["name"] for element in package.workbook.iter(f"{MAIN}sheet") if "state" not in element.attrib
    ]


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


# The same input, the same bytes


@every_contract
def test_the_same_contract_gives_the_same_bytes(name: str) -> None:
    assert written(contract(name))[1] == master(name)[1]


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    program = (
        "import hashlib, sys; from support.masters import master;"
        "sys.stdout.write(hashlib.sha256(master('noms difficiles')[1]).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}", "TZ": zone},
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    }  # fmt: skip
    assert hashes == {hashlib.sha256(master("noms difficiles")[1]).hexdigest()}


# Sheets


@every_contract
def test_sheets_come_in_the_order_of_the_design(name: str) -> None:
    plan, content = master(name)
    numbers = [f"{number:02d}" for number in plan.contract.convention_titles]
    exercices = set(plan.contract.tables["lignes_budgetaires"].column("exercice"))
    years = ["Années"] if len(exercices) > 1 else []
    keys = [
        "Accueil", "Réglages", "Synthèse", "Rapprochement", *years, *(f"C{number}" for number in numbers),
        *(f"B{number}" for number in numbers), "Financements", "Nomenclatures", "Partenaires",
        "Participations", "Dictionnaire", "Contrôles",
    ]  # fmt: skip
    assert list(plan.sheets) == keys
    assert list(Package(content).sheets) == [*plan.sheets.values(), IDENTITY]
    assert visible(Package(content)) == list(plan.sheets.values())


@every_contract
def test_the_identity_sheet_is_very_hidden(name: str) -> None:
    states = {
        element.attrib["name"]: element.attrib.get("state") for element in package(name).workbook.iter(f"{MAIN}sheet")
    }
    assert states[IDENTITY] == "veryHidden"


@every_contract
def test_sheet_names_are_ones_that_excel_accepts(name: str) -> None:
    names = list(package(name).sheets)
    assert all(0 < len(name) <= SHEET_NAME_LENGTH for name in names)
    assert not any(re.search(r"[\[\]:*?/\\]", name) or name.strip("'") != name for name in names)
    assert len({name.casefold() for name in names}) == len(names)


@every_contract
def test_every_visible_sheet_is_set_up_for_print(name: str) -> None:
    book = package(name)
    titles = {
        int(element.attrib["localSheetId"])
        for element in book.workbook.iter(f"{MAIN}definedName")
        if element.attrib["name"] == "_xlnm.Print_Titles"
    }
    for rank, sheet in enumerate(visible(book)):
        root = book.sheets[sheet]
        setup, footer = root.find(f"{MAIN}pageSetup"), root.findtext(f"{MAIN}headerFooter/{MAIN}oddFooter", "")
        assert setup is not None
        assert setup.attrib["paperSize"] in ("8", "9"), sheet
        assert "&P" in footer, sheet
        assert "&N" in footer, sheet
        assert rank in titles, sheet


@every_contract
def test_headers_stay_in_sight(name: str) -> None:
    book = package(name)
    for sheet in visible(book):
        pane = book.sheets[sheet].find(f"{MAIN}sheetViews/{MAIN}sheetView/{MAIN}pane")
        assert pane is not None, sheet
        assert pane.attrib["state"] == "frozen", sheet
        rows = int(pane.attrib["ySplit"])
        assert 2 <= rows <= 17, sheet
        single = [table for table in book.tables.values() if table.sheet == sheet and table_resource(table.name)]
        if len(single) == 1 and sheet != "Rapprochement" and rows > 3:
            assert rows == single[0].area[0] + 1, sheet


@every_contract
def test_no_cells_are_merged(name: str) -> None:
    assert not any(b"mergeCell" in part for part in package(name).parts.values())


# Names, tables and formulas


@every_contract
def test_names_of_tables_and_cells_are_told_apart(name: str) -> None:
    """Excel keeps tables and defined names in one space, without case: two alike make it repair the file."""
    book = package(name)
    names = [*book.tables, *book.names]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]{0,254}", name) for name in names)
    assert not any(_CELL_LIKE.fullmatch(name) for name in names)
    ids = [table.root.attrib["id"] for table in book.tables.values()]
    assert len(set(ids)) == len(ids)


@every_contract
def test_tables_are_what_their_cells_say(name: str) -> None:
    book = package(name)
    for table in book.tables.values():
        top, left, bottom, right = table.area
        cells = book.cells[table.sheet]
        headers = [cells[top, column][0] for column in range(left, right + 1)]
        assert headers == list(table.columns), table.name
        assert len({column.casefold() for column in table.columns}) == len(headers), table.name
        assert bottom > top
        assert table.root.attrib["displayName"] == table.name
        assert table.filters in (None, table.root.attrib["ref"])


@every_contract
def test_tables_do_not_overlap_and_keep_a_blank_row_or_column_between_them(name: str) -> None:
    tables = list(package(name).tables.values())
    for rank, one in enumerate(tables):
        for other in tables[rank + 1 :]:
            if one.sheet == other.sheet:
                top, left, bottom, right = one.area
                assert not overlap((top - 1, left - 1, bottom + 1, right + 1), other.area), (one.name, other.name)


@every_contract
def test_data_tables_have_filters_and_one_row_each(name: str) -> None:
    plan, content = master(name)
    tables = Package(content).tables
    for planned in plan.data.values():
        table = tables[planned.name]
        stands_beside = planned.sheet in ("Réglages", "Nomenclatures")
        assert (table.filters is None) == stands_beside
        assert table.area == (
            planned.row, planned.column, planned.last_row, planned.column + len(planned.columns) - 1,
        )  # fmt: skip
        assert table.sheet == plan.sheets[planned.sheet]


@every_contract
def test_computed_columns_fill_themselves_in_new_rows(name: str) -> None:
    plan, content = master(name)
    book = Package(content)
    for number in plan.contract.convention_titles:
        fiches = book.tables[table_name("fiches", number)]
        for _, _, label, _ in COMPUTED["fiches"]:
            assert fiches.columns[label], fiches.name
            column = fiches.area[1] + list(fiches.columns).index(label)
            first = book.cells[fiches.sheet][fiches.area[0] + 1, column]
            assert first[1] == fiches.columns[label], fiches.name
        totals = book.tables[f"Totaux_{number:02d}"]
        if plan.contract.accounts.towns:
            assert all(list(totals.columns.values())[1:]), totals.name


@every_contract
def test_formulas_are_structured_short_and_of_known_functions(name: str) -> None:
    book = package(name)
    tables = set(book.tables)
    for sheet, place, formula in formulas(book):
        where = f"{sheet} {place}: {formula}"
        assert len(formula) <= _FORMULA_LENGTH, where
        plain = _LITERALS.sub('""', formula)
        used = set(re.findall(r"([A-Za-z_][\w.]*)\s*\(", _BRACKETS.sub("[]", plain)))
        assert used <= _KNOWN_FUNCTIONS, where
        bare = _BRACKETS.sub("[]", plain)
        assert not re.search(r"\$?\b[A-Z]{1,3}\$?\d+\b(?!\[|\()", bare), where
        assert set(re.findall(r"([A-Za-z_]\w*)\[\]", bare)) <= tables, where
        others = set(re.findall(r"\b([A-Za-z_]\w*)\b(?![\[(\w])", re.sub(r'""', "", bare)))
        assert others <= {*book.names, "FALSE"}, where


@every_contract
def test_references_name_columns_that_exist(name: str) -> None:
    book = package(name)
    columns = {
        table.name: {escape_label(label) for label in table.columns} | set(table.columns)
        for table in book.tables.values()
    }
    texts = [formula for _, _, formula in formulas(book)]
    texts += [name for name in book.names.values() if "[" in name]
    for formula in texts:
        for table, inside in re.findall(r"([A-Za-z_]\w*)(\[(?:[^\[\]']|'.|\[(?:[^\[\]']|'.)*\])*\])", formula):
            label = inside[1:-1].removeprefix("[#This Row],")
            label = label[1:-1] if label.startswith("[") else label
            assert label in columns[table], formula


@every_contract
def test_every_formula_carries_its_value(name: str) -> None:
    book = package(name)
    for sheet, place, formula in formulas(book):
        assert book.cells[sheet][place][0] is not None, (sheet, place, formula)
    for part in book.sheet_parts.values():
        assert b't="e"' not in book.parts[part]


@every_contract
def test_the_identity_lists_every_formula(name: str) -> None:
    book = package(name)
    listed = {value for (_, column), (value, _) in book.cells[IDENTITY].items() if column == 6}
    assert {formula for _, _, formula in formulas(book)} <= listed


@every_contract
def test_defined_names_lead_to_sheets_and_tables_that_exist(name: str) -> None:
    book = package(name)
    for defined_name, refers_to in book.names.items():
        assert "#REF!" not in refers_to
        sheet, _, _ = refers_to.rpartition("!")
        if sheet:
            assert sheet.strip("'").replace("''", "'") in book.sheets, defined_name


def test_labels_may_hold_any_sign() -> None:
    writer = Writer(theme())
    sheet, label = writer.sheet("essai"), "Montant @ l'an #1 [€]"
    formula = f'IF({this_row("T", label)}="@","",{this_row("T", label)})'
    sheet.table("T", 0, 0, 1, [label, "Double"], calculated={"Double": formula})
    sheet.formula(1, 1, formula, writer.format(), "", ("T", "*", "Double"))
    book = Package(writer.close())
    assert book.tables["T"].columns == {label: None, "Double": formula}
    assert book.cells["essai"][1, 1] == ("", formula)


# Rules and drop-downs


@every_contract
def test_drop_downs_come_from_names(name: str) -> None:
    book = package(name)
    for sheet, root in book.sheets.items():
        rules = root.findall(f"{MAIN}dataValidations/{MAIN}dataValidation")
        count = root.find(f"{MAIN}dataValidations")
        assert count is None or int(count.attrib["count"]) == len(rules)
        areas = [area(word) for rule in rules for word in rule.attrib["sqref"].split()]
        for rank, one in enumerate(areas):
            assert not any(overlap(one, other) for other in areas[rank + 1 :]), sheet
        for rule in rules:
            source = rule.findtext(f"{MAIN}formula1", "")
            assert len(source) <= PROMPT_LENGTH
            assert len(rule.attrib.get("prompt", "")) <= PROMPT_LENGTH
            assert len(rule.attrib.get("error", "")) <= PROMPT_LENGTH
            assert len(rule.attrib.get("promptTitle", "")) <= PROMPT_TITLE_LENGTH
            if rule.attrib.get("type") == "list":
                closed = ('"oui,non"', f'"{",".join(LICENCES)}"')  # what no table of the contract holds
                assert source in closed or source in book.names, source


@every_contract
def test_a_rule_covers_the_whole_column_and_rows_to_come(name: str) -> None:
    plan, content = master(name)
    book = Package(content)
    for number in plan.contract.convention_titles:
        lines = plan.data[table_name("lignes_budgetaires", number)]
        root = book.sheets[plan.sheets[lines.sheet]]
        rules = {
            area(rule.attrib["sqref"])[1]: rule for rule in root.iter(f"{MAIN}dataValidation") if rule.attrib["sqref"]
        }
        for name_, kind in (("collectivite_id", "list"), ("exercice", "list"), ("montant_realise", "decimal")):
            rule = rules[lines.column_of(name_)]
            top, _, bottom, _ = area(rule.attrib["sqref"])
            assert rule.attrib["type"] == kind
            assert top == lines.row + 1
            assert bottom > lines.last_row


@every_contract
def test_links_lead_somewhere(name: str) -> None:
    book = package(name)
    for sheet, root in book.sheets.items():
        for link in root.iter(f"{MAIN}hyperlink"):
            target = link.attrib["location"]
            where, _, cell = target.rpartition("!")
            if not where:
                assert target in book.names, (sheet, target)
                continue
            assert where.strip("'").replace("''", "'") in book.sheets, (sheet, target)
            position(cell)


# Look


def test_colours_have_contrast() -> None:
    colours = theme().colours
    for text, background in _PAIRS:
        assert contrast(colours[text], colours[background]) >= MINIMUM_CONTRAST, (text, background)
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1


@every_contract
def test_charts_have_an_alternative_text(name: str) -> None:
    book = package(name)
    drawings = [part for part in book.parts if part.startswith("xl/drawings/drawing")]
    charts = [part for part in book.parts if part.startswith("xl/charts/chart")]
    described = [
        element.attrib.get("descr", "")
        for part in drawings
        for element in book.xml(part).iter()
        if element.tag.endswith("}cNvPr")
    ]
    assert len(described) == len(charts)
    assert all(len(text) > 20 for text in described)
    tables, accounts = contract(name).tables, contract(name).accounts
    shown = [accounts.conventions and accounts.towns, accounts.conventions, len(tables["financeurs"])]
    assert len(charts) == sum(map(bool, shown))


@every_contract
def test_charts_stand_clear_of_tables(name: str) -> None:
    book = package(name)
    drawing = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
    tables = [table.area for table in book.tables.values() if table.sheet == "Synthèse"]
    anchors = []
    for part in (part for part in book.parts if part.startswith("xl/drawings/drawing")):
        for anchor in book.xml(part).iter(f"{drawing}twoCellAnchor"):
            corner = [
                int(anchor.findtext(f"{drawing}{end}/{drawing}{axis}", "-1"))
                for end in ("from", "to")
                for axis in ("row", "col")
            ]
            anchors.append((corner[0], corner[1], corner[2], corner[3]))
    for rank, one in enumerate(anchors):
        # A summary's total row stands right under its table.
        assert not any(overlap(one, (top - 1, left, bottom + 1, right)) for top, left, bottom, right in tables)
        assert not any(overlap(one, other) for other in anchors[rank + 1 :])


@every_contract
def test_document_properties_are_filled(name: str) -> None:
    book = package(name)
    core = book.parts["docProps/core.xml"].decode()
    for tag in ("dc:title", "dc:subject", "dc:creator", "cp:keywords", "cp:category"):
        assert re.search(rf"<{tag}>[^<]+</{tag}>", core), tag
    assert "2015-01-01T00:00:00Z" in core


@given(st.text(max_size=300), st.floats(1, 120), st.floats(6, 20))
def test_a_text_never_takes_fewer_lines_in_a_narrower_column(text: str, width: float, size: float) -> None:
    lines = text_lines(text, width, size)
    assert lines >= text.count("\n") + 1
    assert text_lines(text, column_width(text, size), size) == text.count("\n") + 1


def test_a_text_breaks_at_words() -> None:
    assert text_lines("Chartres métropole", 22, 10) == 1
    assert text_lines("Lutte contre les discriminations", 14, 10, bold=True) == 2
    assert text_lines("Égalité femmes-hommes", 10, 10, bold=True) == 3


# The package


@every_contract
def test_parts_are_well_formed_and_declared(name: str) -> None:
    book = package(name)
    types = book.xml("[Content_Types].xml")
    defaults = {element.attrib["Extension"] for element in types.iter(f"{CONTENT_TYPES}Default")}
    declared = {element.attrib["PartName"].lstrip("/") for element in types.iter(f"{CONTENT_TYPES}Override")}
    assert declared <= set(book.parts)
    for part in book.parts:
        book.xml(part)
        known = part in declared or part.rpartition(".")[2] in defaults
        assert known, part
        assert part.endswith(".rels") or part == "[Content_Types].xml" or part in declared, part
    for part in [part for part in book.parts if part.endswith(".rels")]:
        ids = [element.attrib["Id"] for element in book.xml(part).iter(f"{RELATIONS}Relationship")]
        assert len(set(ids)) == len(ids)
        owner = part.replace("_rels/", "").removesuffix(".rels")
        assert set(book.targets(owner).values()) <= set(book.parts) if owner else True
    assert "xl/calcChain.xml" not in book.parts


@every_contract
def test_shared_strings_are_counted(name: str) -> None:
    book = package(name)
    root = book.xml("xl/sharedStrings.xml")
    used = sum(
        part.count(b't="s"') for part_name, part in book.parts.items() if part_name.startswith("xl/worksheets/sheet")
    )
    assert int(root.attrib["uniqueCount"]) == len(book.shared_strings)
    assert int(root.attrib["count"]) == used


@every_contract
def test_openpyxl_reads_it(name: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(master(name)[1]))
    assert book.sheetnames == list(package(name).sheets)


# The signature


@every_contract
def test_the_signature_holds_on_what_was_written(name: str) -> None:
    assert signature.is_intact(master(name)[1])


def test_any_changed_part_breaks_the_signature() -> None:
    content = master("noms difficiles")[1]
    parts = list(Package(content).parts)
    for part in parts:
        if part == "docProps/custom.xml":
            continue

        def change(name: str, body: bytes, part: str = part) -> bytes:
            return body + b" " if name == part else body

        assert not signature.is_intact(signature.with_parts(content, change)), part


def test_an_openpyxl_save_breaks_the_signature() -> None:
    book = openpyxl.load_workbook(io.BytesIO(master("noms difficiles")[1]))
    stream = io.BytesIO()
    book.save(stream)
    assert not signature.is_intact(stream.getvalue())


@pytest.mark.libreoffice
def test_a_libreoffice_save_breaks_the_signature(office: LibreOffice, tmp_path: Path) -> None:
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(master("noms difficiles")[1])
    office.open(path)
    assert not signature.is_intact(office.save(tmp_path / "copie.xlsx").read_bytes())


@given(st.binary(max_size=200))
def test_bytes_that_are_no_workbook_have_no_signature(content: bytes) -> None:
    assert not signature.is_intact(content)


@given(st.data())
def test_a_damaged_workbook_has_no_signature_or_raises_nothing(data: st.DataObject) -> None:
    content = bytearray(master("vide")[1])
    start = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        assert not signature.is_intact(bytes(content[:start]))
        return
    content[start] ^= data.draw(st.integers(1, 255))
    signature.is_intact(bytes(content))


def test_an_added_part_breaks_the_signature() -> None:
    stream = io.BytesIO(master("vide")[1])
    with zipfile.ZipFile(stream, "a") as target:
        target.writestr("xl/extra.xml", "<a/>")
    assert not signature.is_intact(stream.getvalue())


# The pen


def test_a_value_that_xlsxwriter_drops_is_an_error() -> None:
    writer = Writer(theme())
    sheet = writer.sheet("essai")
    style = writer.format()
    with pytest.raises(DroppedValueError):
        sheet.write(0, 0, "x" * (TEXT_LENGTH + 1), style)
    with pytest.raises(DroppedValueError):
        sheet.write(1_048_576, 0, 1, style)
    with pytest.raises(DroppedValueError):
        sheet.write(0, 16_384, None, style)
    with pytest.raises((DroppedValueError, TypeError, ValueError)):
        sheet.write(0, 0, float("nan"), style)
    sheet.write(0, 0, "x" * TEXT_LENGTH, style)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_whatever_else_xlsxwriter_refuses_is_an_error() -> None:
    writer = Writer(theme())
    for name in ("A1", "deux mots"):
        with pytest.raises(DroppedValueError):
            writer.name(name, "=1")
    for height, labels in ((0, ["a"]), (1, ["a", "A"])):
        with pytest.raises(DroppedValueError):
            writer.sheet(f"essai {height}").table("T", 0, 0, height, labels)
    sheet = writer.sheet("essai")
    with pytest.raises(DroppedValueError):
        sheet.link(0, 0, "x" * 2080, "voir")
    with pytest.raises(DroppedValueError):
        sheet.validation((0, 0, 0, 0), {"validate": "list", "source": ["x" * 200, "y" * 200]}, None, "a", "b")


# Names of sheets and labels


@given(st.lists(st.text(max_size=80) | st.sampled_from(["_x000D_", "a_x0041_x0042_", "𐀀" * 30]), max_size=12))
def test_any_titles_make_sheet_names_that_excel_accepts(titles: list[str]) -> None:
    taken: set[str] = set()
    names = [sheet_name(f"C{number:02d}", title, taken) for number, title in enumerate(titles, 1)]
    assert all(0 < len(name.encode("utf-16-le", "surrogatepass")) <= 2 * SHEET_NAME_LENGTH for name in names)
    assert not any(
        re.search(r"[\[\]:*?/\\\x00-\x1f]|_x[0-9A-Fa-f]{4}_", name) or name[0] == "'" or name[-1] == "'"
        for name in names
    )
    assert len({name.casefold() for name in names}) == len(names)


@given(st.text(max_size=120), st.integers(1, 60))
def test_a_shortened_title_is_a_beginning(title: str, length: int) -> None:
    title_shown = shorten(title, length)
    assert len(title_shown) <= length
    assert title.startswith(title_shown)
    assert title_shown or not title


def test_a_title_is_shortened_at_a_word() -> None:
    assert shorten("Lien social, citoyenneté, loisirs, sport et culture", 31) == "Lien social, citoyenneté"
    assert shorten("Soutien à l'initiative et à la création", 24) == "Soutien à l'initiative"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40))
def test_an_escaped_label_reads_back(label: str) -> None:
    escaped = escape_label(label)
    assert re.sub(r"'([\[\]#'@])", r"\1", escaped) == label
    assert _BRACKETS.fullmatch(column_ref("T", label)[1:])


@settings(max_examples=12)  # each writes a whole workbook; ``test_roundtrip.py`` writes others
@given(contract_rows(adds_up=False))
def test_any_contract_makes_a_workbook_whose_tables_hold(rows: Any) -> None:
    _, content = written(contract_of(rows))
    book = Package(content)
    tables: list[TablePart] = list(book.tables.values())
    for table in tables:
        top, left, _, right = table.area
        headers = [book.cells[table.sheet][top, column][0] for column in range(left, right + 1)]
        assert headers == list(table.columns)
    assert signature.is_intact(content)
