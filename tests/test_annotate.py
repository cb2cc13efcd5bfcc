"""Annotated copies: the sender's own file with its faulty cells coloured and commented, and nothing else changed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest
from openpyxl.comments import Comment

from support.contracts import ROOT
from support.faults import SlowPath
from support.forms import written_form
from support.libreoffice import LibreOffice
from support.masters import MAIN, Package, master, theme
from support.mutations import FIRST, fill
from tabellion.addresses import parse_cell
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding, Place, Severity, TabellionError, counted
from tabellion.layout.names import ANNOTATIONS, TO_ANNOTATIONS
from tabellion.reading import parse_bytes
from tabellion.reading.limits import LIMITS
from tabellion.reading.reader import ReaderPool
from tabellion.xlsx import annotation as annotate_module
from tabellion.xlsx.annotation import CopyJob, annotate, annotated_copy, is_annotated
from tabellion.xlsx.findings_sheet import lines_of
from tabellion.xlsx.package import PackageEditor
from tabellion.xlsx.sheet import SheetEditor

NOW = datetime(2016, 5, 4, 10, 30)
FILLS = {severity: "FF" + theme().colours[severity.label][1:] for severity in Severity}


def finding_at(
    sheet: str | None, cell: str | None, severity: Severity = Severity.ERREUR, code: str = "valeur-hors-liste"
) -> Finding:
    return Finding(code, severity, severity is Severity.ERREUR, Place("x", sheet, cell), f"Message {cell}.", "Remède.")


#: Two on one cell, a white-on-blue header, a locked formula, cells that are not there, the file, a sheet of elsewhere.
FORM_FINDINGS = (
    finding_at("Budget", "F6", Severity.AVERTISSEMENT, "texte-coupe"),
    finding_at("Budget", "F6"),
    finding_at("Budget", "B5", Severity.AVERTISSEMENT),
    finding_at("Budget", "A6", Severity.INFORMATION),
    finding_at("Budget", "P300"),
    finding_at("Budget", "Z6"),
    finding_at("Actions", "D7"),
    finding_at(None, None),
    finding_at("Ailleurs", "A1"),
)
MASTER_FINDINGS = (
    finding_at("Synthèse", "B8"),
    finding_at("Nomenclatures", "G12"),
    finding_at("Rapprochement", "E75", Severity.INFORMATION),
    finding_at("B01 Education, parentalité", "F6"),
)


def form() -> bytes:
    return written_form("Chartres", "chartres")


def by_openpyxl(content: bytes) -> bytes:
    stream = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(content)).save(stream)
    return stream.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], Sequence[Finding]]] = {
    "form": (form, FORM_FINDINGS),
    "form saved by openpyxl": (lambda: by_openpyxl(form()), FORM_FINDINGS),
    "master": (lambda: master("Chartres")[1], MASTER_FINDINGS),
}
files = pytest.mark.parametrize("name", FILES)


def made(name: str) -> tuple[bytes, bytes, Sequence[Finding]]:
    before, findings = FILES[name][0](), FILES[name][1]
    return before, annotated_copy(before, findings, theme()), findings


def check_nothing_else_changed(before: bytes, after: bytes, findings: Sequence[Finding]) -> None:
    """Every part but those that hold annotations is the same; of the sheets, only the named cells' styles differ."""
    old, new = Package(before), Package(after)
    sheets = {finding.place.feuille for finding in findings}
    touched = {part for name, part in old.sheet_parts.items() if name in sheets}
    styles, book, types = "xl/styles.xml", "xl/workbook.xml", "[Content_Types].xml"
    may = {styles, book, types, "xl/_rels/workbook.xml.rels"}
    for name, content in old.parts.items():
        own_rels = re.sub(r"_rels/(.*)\.rels$", r"\1", name)
        if name not in may | touched and own_rels not in touched and b"tabSelected" not in content:
            assert new.parts[name] == content, name
    for name, content in new.parts.items():
        if name.endswith((".xml", ".rels", ".vml")):
            ElementTree.fromstring(content)  # noqa: S314 - the program wrote it
    named = {(finding.place.feuille, finding.place.cellule) for finding in findings}
    for name, root in old.sheets.items():
        later = new.sheets[name]
        assert cells(root, name, named) == cells(later, name, named)
        for kept, other in zip(
            root, [element for element in later if element.tag != f"{MAIN}legacyDrawing"], strict=True
        ):
            if kept.tag == f"{MAIN}hyperlinks":
                ways_back = [link for link in other if link.attrib.get("display") == TO_ANNOTATIONS]
                assert len(ways_back) == len(other) - len(kept)
            elif kept.tag not in (f"{MAIN}sheetData", f"{MAIN}sheetViews", f"{MAIN}dimension"):
                assert ElementTree.tostring(kept) == ElementTree.tostring(other)
    old_xfs, new_xfs = (next(package.xml(styles).iter(f"{MAIN}cellXfs")) for package in (old, new))
    for kept, other in zip(old_xfs, new_xfs, strict=False):
        assert ElementTree.tostring(kept) == ElementTree.tostring(other)
    for section in ("fonts", "fills", "borders", "cellXfs"):
        (node,) = new.xml(styles).iter(f"{MAIN}{section}")
        assert int(node.attrib.get("count", len(node))) == len(node)
    assert old.names.items() <= new.names.items()


def cells(root: ElementTree.Element, sheet: str, named: set[tuple[str | None, str | None]]) -> dict[str, bytes]:
    """Each cell as written, the named ones without their style; those that were made for it only are left out, and
    so is the way back to the list, above the tables of a form."""
    by_address = {}
    for element in root.iter(f"{MAIN}c"):
        ref = element.attrib["r"]
        if "".join(element.itertext()) == TO_ANNOTATIONS or (not len(element) and parse_cell(ref)[0] < 5):
            continue
        if (sheet, ref) in named:
            element.attrib.pop("s", None)
            if not len(element):
                continue
        by_address[ref] = ElementTree.tostring(element)
    return by_address


@files
def test_nothing_else_of_the_file_changes(name: str) -> None:
    before, after, findings = made(name)
    check_nothing_else_changed(before, after, findings)


@files
def test_every_faulty_cell_is_coloured_and_commented(name: str) -> None:
    before, after, findings = made(name)
    old, new = (openpyxl.load_workbook(io.BytesIO(content)) for content in (before, after))
    for finding in findings:
        if finding.place.feuille not in old.sheetnames or not finding.place.cellule:
            continue
        cell, was = new[finding.place.feuille][finding.place.cellule], old[finding.place.feuille][finding.place.cellule]
        here = [other for other in findings if other.place == finding.place]
        assert cell.fill.fgColor.rgb == FILLS[min(other.gravite for other in here)]
        assert cell.comment is not None
        for other in here:
            assert other.message in cell.comment.text
            assert other.suggestion in cell.comment.text
        assert cell.value == was.value
        assert cell.number_format == was.number_format
        assert cell.protection.locked == was.protection.locked
        assert cell.border.left.style == was.border.left.style


def test_of_many_cells_of_a_kind_each_is_coloured_and_commented() -> None:
    """They are one line of the list, and all of them are to be corrected."""
    alike = [finding_at("Budget", f"F{row}", code="texte-au-lieu-de-nombre") for row in range(6, 36)]
    (one,) = counted(alike)
    linked = replace(finding_at("Budget", "G6"), liees=(Place(None, "Budget", "G7"),))
    sheet = openpyxl.load_workbook(io.BytesIO(annotated_copy(form(), [one, linked], theme())))["Budget"]
    assert {sheet[finding.place.cellule].fill.fgColor.rgb for finding in alike} == {FILLS[one.gravite]}
    assert all("De même dans 29 autres cellules" in sheet[finding.place.cellule].comment.text for finding in alike)
    assert sheet["G6"].comment is not None
    assert sheet["G7"].comment is None, "a cell that a finding speaks of, and nothing is wrong with"


@files
def test_the_first_sheet_lists_the_findings_gravest_first_with_links(name: str) -> None:
    _, after, findings = made(name)
    book = openpyxl.load_workbook(io.BytesIO(after))
    assert book.sheetnames[0] == ANNOTATIONS
    assert book.active is not None
    assert book.active.title == ANNOTATIONS
    assert [sheet.title for sheet in book.worksheets if sheet.sheet_view.tabSelected] == [ANNOTATIONS]
    rows = list(book[ANNOTATIONS].iter_rows(min_row=7))
    assert len(rows) == len(lines_of(findings))
    grades = [str(row[6].value).split()[0].lower() for row in rows]
    assert grades == sorted(grades, key=[severity.label for severity in Severity].index)
    for row in rows:
        sheet, cell = row[1].value, row[2].value
        known = sheet in book.sheetnames and book[sheet].sheet_state == "visible"
        assert (row[2].hyperlink is not None) == (known and cell is not None)
        if row[2].hyperlink is not None:
            assert row[2].hyperlink.location == f"'{sheet}'!{cell}"


def test_a_box_of_the_sender_is_the_only_one_of_its_cell_whoever_drew_it() -> None:
    """openpyxl gives its boxes prefixes of its own and no anchor; Excel never closes a ``<br>``."""
    book = openpyxl.load_workbook(io.BytesIO(form()))
    book["Budget"]["F6"].comment = Comment("Vu avec Anne", "Anne")
    stream = io.BytesIO()
    book.save(stream)
    drawing = next(name for name in Package(stream.getvalue()).parts if name.endswith(".vml"))
    before = changed(stream.getvalue(), drawing, lambda part: re.sub(rb"<(ns\d+:)textbox\b[^>]*>", rb"\g<0><br>", part))
    assert b"<br>" in Package(before).parts[drawing]
    after = annotated_copy(before, [finding_at("Budget", "F6"), finding_at("Budget", "G7")], theme())
    shapes = list(Package(after).xml(drawing).iter("{urn:schemas-microsoft-com:vml}shape"))
    assert len(shapes) == 2
    excel = "{urn:schemas-microsoft-com:office:excel}"
    places = [[shape.findtext(f".//{excel}{name}") for name in ("Row", "Column")] for shape in shapes]
    assert places == [["5", "5"], ["6", "6"]]
    assert all(shape.find(f".//{excel}Anchor") is not None for shape in shapes)


def test_a_sheet_too_large_to_be_a_tree_is_only_on_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    before = form()
    part = Package(before).sheet_parts["Budget"]
    monkeypatch.setattr(annotate_module, "LARGEST_TREE_BYTES", len(Package(before).parts[part]) - 1)
    after = annotated_copy(before, [finding_at("Budget", "F6"), finding_at("Actions", "D7")], theme())
    assert Package(after).parts[part].replace(b' tabSelected="1"', b"") == (
        Package(before).parts[part].replace(b' tabSelected="1"', b"")
    )
    book = openpyxl.load_workbook(io.BytesIO(after))
    assert "sauf dans « Budget »" in str(book[ANNOTATIONS]["A3"].value)
    assert [row[1].value for row in book[ANNOTATIONS].iter_rows(min_row=7)] == ["Budget", "Actions"]
    assert [sheet.title for sheet in book.worksheets if sheet.sheet_view.tabSelected] == [ANNOTATIONS]


def test_cells_change_and_rows_are_added_in_place() -> None:
    """What a workbook in use needs: a value in place of a formula, a row in its order, and nothing else changed."""
    before, _, _ = made("master")
    package = PackageEditor(before)
    part = Package(before).sheet_parts["B01 Education, parentalité"]
    root = package.parse(part)
    sheet = SheetEditor(root)
    formula = next(cell for cell in root.iter(f"{MAIN}c") if cell.find(f"{MAIN}f") is not None)
    row, column = parse_cell(str(formula.get("r")))
    style = formula.get("s")
    sheet.set_value(sheet.cell(row, column), 12.5)
    sheet.set_value(sheet.cell(5000, 3), " à\nvoir ")
    sheet.set_value(sheet.cell(5000, 1), None)
    package.put(part, root)
    after = package.to_bytes()
    old, new = Package(before), Package(after)
    assert {name for name in old.parts if old.parts[name] != new.parts[name]} == {part}
    named = {(None, str(formula.get("r"))), (None, "A5000"), (None, "C5000")}
    kept = [{ref: words for ref, words in cells(package.xml(part), "", set()).items() if (None, ref) not in named}
            for package in (old, new)]  # fmt: skip
    assert kept[0] == kept[1]
    book = openpyxl.load_workbook(io.BytesIO(after))["B01 Education, parentalité"]
    assert book.cell(row, column).value == 12.5
    assert formula.get("s") == style
    assert [book.cell(5000, column).value for column in (1, 2, 3)] == [None, None, " à\nvoir "]
    assert [element.get("r") for element in new.xml(part).iter(f"{MAIN}row")][-1] == "5000"


def test_protection_stays_and_the_comments_hide_until_hovered() -> None:
    _, after, _ = made("form")
    package = Package(after)
    assert package.sheets["Budget"].find(f"{MAIN}sheetProtection") is not None
    boxes = [content for name, content in package.parts.items() if name.endswith(".vml")]
    assert len(boxes) == 2
    assert all(b"visibility:hidden" in content and b"<x:Visible" not in content for content in boxes)
    numbers = [re.findall(rb'id="(_x0000_s\d+)"', content) for content in boxes]
    assert len({identifier for number in numbers for identifier in number}) == sum(map(len, numbers))


@files
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    before, after, findings = made(name)
    assert annotated_copy(before, findings, theme()) == after
    assert is_annotated(after)
    assert not is_annotated(before)
    assert not is_annotated(by_openpyxl(after))


def test_a_comment_that_was_there_is_kept() -> None:
    book = openpyxl.load_workbook(io.BytesIO(form()))
    for cell in ("F6", "G6"):
        book["Budget"][cell].comment = Comment("Vu avec <Paul> & Anne", "Anne")
    stream = io.BytesIO()
    book.save(stream)
    after = annotated_copy(stream.getvalue(), FORM_FINDINGS, theme())
    sheet = openpyxl.load_workbook(io.BytesIO(after))["Budget"]
    comment, other = sheet["F6"].comment, sheet["G6"].comment
    assert comment is not None
    assert other is not None
    assert comment.text.startswith("Vu avec <Paul> & Anne")
    assert "Message F6." in comment.text
    assert comment.author == "Anne"
    assert other.text == "Vu avec <Paul> & Anne"
    assert sheet["P300"].comment is not None


def test_shared_and_array_formulas_and_merged_cells_keep_what_they_are() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["C3"] = 1, "fusion"
    sheet.merge_cells("C3:E5")
    stream = io.BytesIO()
    book.save(stream)
    formulas = (
        b'<row r="7"><c r="A7"><f t="shared" ref="A7:A8" si="0">A1+1</f><v>2</v></c></row>'
        b'<row r="8"><c r="A8"><f t="shared" si="0"/><v>3</v></c>'
        b'<c r="B8"><f t="array" ref="B8">SUM(A1:A8)</f><v>6</v></c></row></sheetData>'
    )
    content = changed(
        stream.getvalue(), "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", formulas)
    )
    after = annotated_copy(content, [finding_at("Sheet", address) for address in ("A7", "A8", "B8", "D4")], theme())
    part = Package(after).parts["xl/worksheets/sheet1.xml"]
    for formula in re.findall(rb"<f .*?<v>", formulas):
        assert formula in part
    marked = openpyxl.load_workbook(io.BytesIO(after))["Sheet"]
    assert marked["C3"].comment is not None
    assert marked["C3"].fill.fgColor.rgb == FILLS[Severity.ERREUR]


def changed(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            part = source.read(entry)
            target.writestr(entry, change(part) if entry.filename == name else part)
    return stream.getvalue()


def test_prefixed_xml_rows_without_numbers_and_texts_that_xml_cannot_hold() -> None:
    """A sheet as other programs write it: a prefix on every element, no addresses, an empty row."""
    book = openpyxl.Workbook()
    stream = io.BytesIO()
    book.save(stream)
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN[1:-1]}"><x:sheetData>'
        "<x:row><x:c><x:v>1</x:v></x:c><x:c><x:v>2</x:v></x:c></x:row>"
        '<x:row/><x:row r="9"/></x:sheetData></x:worksheet>'
    ).encode()
    content = changed(stream.getvalue(), "xl/worksheets/sheet1.xml", lambda _: sheet)
    findings = [
        Finding("texte-coupe", Severity.ERREUR, True, Place("x", "Sheet", address), "\x01 <&> _x0041_ \ud800", "")
        for address in ("B1", "D1", "C2", "A5", "A9", "A12", "B12")
    ]
    after = annotated_copy(content, findings, theme())
    rows = list(Package(after).sheets["Sheet"].iter(f"{MAIN}row"))
    assert [row.attrib.get("r") for row in rows] == [None, None, "5", "9", "12"]
    marked = openpyxl.load_workbook(io.BytesIO(after))["Sheet"]
    assert marked["B1"].value == 2
    for finding in findings:
        cell = marked[finding.place.cellule]
        assert cell.fill.fgColor.rgb == FILLS[Severity.ERREUR]
        assert cell.comment is not None


def test_corrections_typed_into_the_copy_make_a_valid_return(tmp_path: Path) -> None:
    """What the copy adds says nothing: the corrected copy is read as the original would be."""
    workspace = find_workspace(ROOT)
    book = openpyxl.load_workbook(io.BytesIO(written_form("Chartres", "mainvilliers")))
    fill(book)
    book["Budget"].cell(FIRST, 6).value = "12 ou 13"
    path = tmp_path / "mainvilliers.xlsx"
    book.save(path)
    findings = [finding for finding in validate(workspace, [path]) if finding.bloquant]
    assert [finding.place.cellule for finding in findings] == [f"F{FIRST}"]
    (copy,) = annotate([(path, findings)], tmp_path / "annotés", theme(), NOW)
    book = openpyxl.load_workbook(copy)
    book["Budget"].cell(FIRST, 6).value = 12
    book.save(copy)
    assert {finding.code for finding in validate(workspace, [copy])} <= {"formules-non-calculees"}


def test_an_annotated_master_says_what_the_master_said(tmp_path: Path) -> None:
    workspace = find_workspace(ROOT)
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(master("Chartres")[1])
    findings = validate(workspace, [path])
    assert findings
    (copy,) = annotate([(path, findings)], tmp_path / "annotés", theme(), NOW)
    assert validate(workspace, [copy]) == findings
    check_nothing_else_changed(path.read_bytes(), copy.read_bytes(), findings)


def test_copies_are_written_beside_and_never_over(tmp_path: Path) -> None:
    source, folder = tmp_path / "retours", tmp_path / "annotés"
    source.mkdir()
    path, broken = source / "a.xlsx", source / "b.xlsx"
    path.write_bytes(form())
    broken.write_bytes(b"PK")
    with pytest.raises(TabellionError):
        annotate([(path, FORM_FINDINGS)], source, theme(), NOW)
    refused = finding_at(None, None, code="classeur-abime")
    assert annotate([(path, FORM_FINDINGS), (broken, [refused])], folder, theme(), NOW) == [folder / "a.xlsx"]
    assert path.read_bytes() == form()
    assert [path.name for path in folder.iterdir()] == ["a.xlsx"]
    assert annotate([(path, ())], folder, theme(), NOW) == []
    assert list(folder.iterdir()) == []


def test_an_old_copy_that_someone_typed_into_is_kept(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.xlsx", tmp_path / "annotés"
    path.write_bytes(form())
    annotate([(path, FORM_FINDINGS)], folder, theme(), NOW)
    typed = by_openpyxl((folder / "a.xlsx").read_bytes())
    (folder / "a.xlsx").write_bytes(typed)
    annotate([(path, ())], folder, theme(), NOW)
    assert (folder / "a.xlsx").read_bytes() == typed
    annotate([(path, FORM_FINDINGS)], folder, theme(), NOW)
    assert is_annotated((folder / "a.xlsx").read_bytes())
    assert (folder / "a 2016-05-04 10h30.xlsx").read_bytes() == typed


@pytest.mark.parametrize("save", [lambda content: content, by_openpyxl], ids=["as written", "saved by openpyxl"])
def test_a_copy_sent_back_is_annotated_anew(save: Callable[[bytes], bytes]) -> None:
    """One list and no word of the first round: only what is said now."""
    book = openpyxl.load_workbook(io.BytesIO(form()))
    book["Budget"]["F6"].comment = Comment("Vu avec Anne", "Anne")
    stream = io.BytesIO()
    book.save(stream)
    first = save(annotated_copy(stream.getvalue(), FORM_FINDINGS, theme()))
    after = annotated_copy(first, [finding_at("Budget", "G7"), finding_at("Budget", "B5")], theme())
    book = openpyxl.load_workbook(io.BytesIO(after))
    assert [name for name in book.sheetnames if name.startswith(ANNOTATIONS)] == [ANNOTATIONS]
    comments = {
        cell.coordinate: cell.comment.text for row in book["Budget"].iter_rows() for cell in row if cell.comment
    }
    assert set(comments) == {"F6", "G7", "B5"}
    assert comments["F6"].strip() == "Vu avec Anne"
    assert comments["B5"].count("Message B5.") == 1
    assert not any(cell.comment for row in book["Actions"].iter_rows() for cell in row)
    assert book[ANNOTATIONS].max_row == 8


@pytest.mark.libreoffice
@pytest.mark.parametrize("name", ["form", "master"])
def test_libreoffice_opens_a_copy_and_shows_the_same_cells(name: str, office: LibreOffice, tmp_path: Path) -> None:
    before, after, _ = made(name)
    original, copy = tmp_path / "avant.xlsx", tmp_path / "après.xlsx"
    original.write_bytes(before)
    copy.write_bytes(after)
    sheets = office.open(original)
    expected = office.read()
    assert office.open(copy) == [ANNOTATIONS, *sheets]
    shown = office.read()
    assert shown.pop(ANNOTATIONS)
    ways_back = [
        (sheet, place) for sheet, cells in shown.items() for place in cells if cells[place].value == TO_ANNOTATIONS
    ]
    assert len(ways_back) == (2 if name == "form" else 0)
    for sheet, place in ways_back:
        del shown[sheet][place]
    assert shown == expected


@pytest.mark.libreoffice
def test_a_file_saved_by_libreoffice_is_annotated_too(office: LibreOffice, tmp_path: Path) -> None:
    first = tmp_path / "a.xlsx"
    first.write_bytes(annotated_copy(form(), FORM_FINDINGS[:2], theme()))
    office.open(first)
    saved = office.save(tmp_path / "b.xlsx").read_bytes()
    after = annotated_copy(saved, FORM_FINDINGS, theme())
    assert [name for name in Package(after).sheet_parts if name.startswith(ANNOTATIONS)] == [ANNOTATIONS]
    sheet = openpyxl.load_workbook(io.BytesIO(after))["Budget"]
    assert sheet["P300"].comment is not None
    assert sheet["F6"].fill.fgColor.rgb == FILLS[Severity.ERREUR]
    copy = tmp_path / "c.xlsx"
    copy.write_bytes(after)
    assert "Budget" in office.open(copy)
    assert parse_bytes(after, "c.xlsx").sheet("_tabellion") is not None


def test_a_copy_that_takes_too_long_is_said_and_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, late = tmp_path / "luce.xlsx", tmp_path / "chartres.xlsx"
    jobs = []
    for path in (whole, late):
        path.write_bytes(form())
        jobs.append(CopyJob(f"retours/{path.name}", f"constats/{path.name}", path, FORM_FINDINGS, "d"))
    (tmp_path / "copies").mkdir()
    made = annotate_module.make_copies(jobs[:1], theme(), tmp_path / "copies")
    assert (list(made.paths), made.findings) == (["constats/luce.xlsx"], [])
    assert is_annotated(made.paths["constats/luce.xlsx"].read_bytes())
    with ReaderPool(1, replace(LIMITS, read_seconds=0.2)) as readers:
        monkeypatch.setattr(annotate_module, "shared_readers", lambda: readers)
        slow = replace(jobs[1], path=SlowPath(late))
        made = annotate_module.make_copies([slow], theme(), tmp_path / "copies")
    assert (made.paths, made.away) == ({}, set())
    assert [(finding.code, finding.place.fichier) for finding in made.findings] == [
        ("copie-impossible", "retours/chartres.xlsx")
    ]


def test_a_file_that_is_read_and_cannot_be_changed_has_a_list_of_its_findings(tmp_path: Path) -> None:
    path, folder = tmp_path / "retour.xlsx", tmp_path / "copies"
    with zipfile.ZipFile(io.BytesIO(form())) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            if name != "[Content_Types].xml":
                target.writestr(name, source.read(name))
    folder.mkdir()
    (copy,) = annotate([(path, FORM_FINDINGS)], folder, theme(), NOW)
    assert openpyxl.load_workbook(copy).sheetnames[0] == ANNOTATIONS
    refused = [Finding("classeur-abime", Severity.ERREUR, True, Place("x"), "Message.", "Remède.")]
    assert annotate([(path, refused)], folder, theme(), NOW) == []
