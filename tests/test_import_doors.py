"""Documents as people have them: a Word document, a PDF, a workbook give what their text gives."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from docx import Document
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Inches
from docx.text.paragraph import Paragraph

from support.contracts import ROOT, SOURCE
from support.documents import document, small_contract
from support.libreoffice import LibreOffice
from support.word_documents import word_document
from tabellion.findings import TabellionError
from tabellion.importing import ImportedContract, document_text, read_document
from tabellion.layout.names import IDENTITY

TEXT = document(small_contract()).decode()
STORED = ROOT / "tests" / "data" / "documents"
#: Where a row was printed, and what was put right in it: other in another layout.
LAYOUT = {"ligne_source", "reparation", "texte_source"}


def tables(contract: ImportedContract) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{field: value for field, value in row.items() if field not in LAYOUT} for row in rows]
        for name, rows in contract.tables.items()
    }


def through(folder: Path, name: str, data: bytes) -> ImportedContract:
    """A document read from its file, as the command does."""
    path = folder / name
    path.write_bytes(data)
    text = document_text(path)
    return read_document(text.data, name, extracted=text.extracted)


def refused(folder: Path, name: str, data: bytes) -> list[str]:
    with pytest.raises(TabellionError) as caught:
        through(folder, name, data)
    assert all(finding.place.fichier == name and finding.message for finding in caught.value.findings)
    return [finding.code for finding in caught.value.findings]


AS_TEXT = tables(read_document(TEXT.encode(), "contrat.txt"))


@pytest.mark.parametrize("options", [{}, {"controls": True}, {"borders": False}], ids=["symbols", "controls", "open"])
def test_a_word_document_gives_what_its_text_gives(tmp_path: Path, options: dict[str, bool]) -> None:
    assert tables(through(tmp_path, "contrat.docx", word_document(TEXT, **options))) == AS_TEXT


@pytest.mark.parametrize("name", ["ruled.pdf", "open.pdf"])
def test_a_pdf_gives_what_its_text_gives(tmp_path: Path, name: str) -> None:
    assert tables(through(tmp_path, "sans extension", (STORED / name).read_bytes())) == AS_TEXT


@pytest.mark.libreoffice
@pytest.mark.parametrize("name", ["ruled.pdf", "open.pdf"])
def test_the_stored_pdf_is_what_libreoffice_makes_of_the_word_document(
    tmp_path: Path, office: LibreOffice, name: str
) -> None:
    source = tmp_path / "contrat.docx"
    source.write_bytes(word_document(TEXT, borders=name == "ruled.pdf"))
    office.open(source)
    made = office.pdf(tmp_path / name)
    assert document_text(made).data == document_text(STORED / name).data


def test_a_workbook_of_the_same_rows_gives_the_same(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Contrat")
        for number, line in enumerate(TEXT.split("\n")):
            for column, cell in enumerate(line.split("\t")):
                sheet.write_string(number, column, cell)
        book.add_worksheet("Cachée").hide()
    assert tables(through(tmp_path, "contrat.txt", stream.getvalue())) == AS_TEXT


def test_what_a_workbook_hides_or_shows_in_error_is_said(tmp_path: Path) -> None:
    path = tmp_path / "contrat.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, hidden = book.add_worksheet("Contrat"), book.add_worksheet("Cachée")
        sheet.write_row(0, 0, ["Cantine", 1234.565])
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
        hidden.write(0, 0, "12 €")
        hidden.hide()
    text = document_text(path)
    notices = [(finding.code, finding.place.feuille, finding.place.cellule) for finding in text.notices]
    assert notices == [("cellules-non-lues", "Contrat", "B2"), ("feuille-masquee-non-lue", "Cachée", None)]
    assert " ".join(text.data.decode().split()) == "Cantine 1 234,57 €"


@pytest.mark.parametrize("separator", [" | ", ";", "     "])
def test_a_text_whose_tabulations_were_lost_is_read_by_what_stands_for_them(tmp_path: Path, separator: str) -> None:
    contract = through(tmp_path, "contrat.txt", TEXT.replace("\t", separator).encode())
    assert tables(contract)["lignes_budgetaires"] == AS_TEXT["lignes_budgetaires"]
    assert len(contract.tables["fiches"]) == len(AS_TEXT["fiches"])


def test_a_document_of_which_little_is_understood_is_refused_and_says_where(tmp_path: Path) -> None:
    with pytest.raises(TabellionError) as caught:
        through(tmp_path, "contrat.txt", TEXT.replace("\t", "\n").encode())
    finding = next(finding for finding in caught.value.findings if finding.code == "document-peu-compris")
    amounts = [number for number, line in enumerate(TEXT.replace("\t", "\n").split("\n"), 1) if line.endswith("€")]
    assert finding.bloquant
    assert finding.place.ligne in amounts
    assert f"ligne {finding.place.ligne} «" in finding.message


# What Word hides


def body(*texts: str) -> tuple[Any, list[Paragraph]]:
    made = Document()
    return made, [made.add_paragraph(text) for text in texts]


def read_lines(folder: Path, made: Any) -> list[str]:
    stream = io.BytesIO()
    made.save(stream)
    (folder / "d.docx").write_bytes(stream.getvalue())
    return [line for line in document_text(folder / "d.docx").data.decode().split("\n") if line]


def test_the_numbers_that_word_counts_are_read(tmp_path: Path) -> None:
    made, _ = body()
    for text, style in [("Education", "List Number"), ("Santé", "List Number"), ("atelier", "List Bullet")]:
        made.add_paragraph(text, style=style)
    assert read_lines(tmp_path, made) == ["1. Education", "2. Santé", "atelier"]


def test_what_is_crossed_out_and_what_a_revision_removed_are_told_apart(tmp_path: Path) -> None:
    made, (first, second, third) = body("JEUNES ", "gardé ", "ôté ")
    struck = first.add_run("Egalité")
    struck.font.strike = True
    for name, text in (("w:del", "avant"), ("w:ins", "après")):
        change = OxmlElement(name)
        inside = "w:delText" if name == "w:del" else "w:t"
        run = parse_xml(f"<w:r {nsdecls('w')}><{inside}>{text}</{inside}></w:r>")
        change.append(run)
        second._p.append(change)
    third.add_run("en petit").font.strike = False
    assert read_lines(tmp_path, made) == ["JEUNES ~~Egalité~~", "gardé après", "ôté en petit"]


@pytest.mark.parametrize(
    ("font", "char", "sign"), [("Wingdings", "F06F", "☐"), ("Wingdings", "F0FE", "☑"), ("Wingdings 2", "F052", "☑")]
)
def test_a_box_of_a_font_of_symbols_is_a_box(tmp_path: Path, font: str, char: str, sign: str) -> None:
    made, (line,) = body("Etat ")
    line._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:sym w:font="{font}" w:char="{char}"/></w:r>'))
    assert read_lines(tmp_path, made) == [f"Etat {sign}"]


def test_a_box_of_a_form_field_is_a_box(tmp_path: Path) -> None:
    made, (line,) = body("CPO ")
    for value in (0, 1):
        line._p.append(parse_xml(
            f'<w:r {nsdecls("w")}><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:default w:val="{value}"/>'
            "</w:checkBox></w:ffData></w:fldChar></w:r>"
        ))  # fmt: skip
    assert read_lines(tmp_path, made) == ["CPO ☐☑"]


def test_tables_inside_a_cell_merged_cells_and_paragraphs_of_a_cell(tmp_path: Path) -> None:
    made, _ = body()
    table = made.add_table(2, 3)
    table.cell(0, 0).merge(table.cell(1, 0)).text = "Lucé"
    table.cell(0, 1).text = "deux"
    table.cell(0, 1).add_paragraph("lignes")
    table.cell(0, 2).text = "1 234 €"
    inner = table.cell(1, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "dedans", "5 €"
    inner.columns[0].width = Inches(1)
    assert read_lines(tmp_path, made) == ["Lucé\tdeux lignes\t1 234 €", "dedans\t5 €"]


def test_the_result_of_a_field_is_read_and_its_code_is_not(tmp_path: Path) -> None:
    made, _ = body()
    paragraph = made.add_paragraph("Titre ")
    field = parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr="TITLE"><w:r><w:t>du contrat</w:t></w:r></w:fldSimple>')
    paragraph._p.append(field)
    assert paragraph._p.find(qn("w:fldSimple")) is not None
    assert read_lines(tmp_path, made) == ["Titre du contrat"]


# What is refused, and why


def packed(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return stream.getvalue()


def test_what_is_no_document_is_refused_by_its_own_name(tmp_path: Path) -> None:
    assert refused(tmp_path, "notes.zip", packed(a=b"x")) == ["document-binaire"]
    assert refused(tmp_path, "texte.docx", packed(mimetype=b"application/vnd.oasis.opendocument.text")) == [
        "document-binaire"
    ]
    assert refused(tmp_path, "abime.docx", word_document(TEXT)[:-400]) == ["fichier-tronque"]
    assert refused(tmp_path, "abime.pdf", b"%PDF-1.4\nrien") == ["document-pdf"]
    assert refused(tmp_path, "dtd.docx", packed(**{"word__document.xml": b"<!DOCTYPE a><a/>"})) == ["xml-doctype"]


def test_a_workbook_of_our_own_is_no_document(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "w.xlsx") as book:
        book.add_worksheet("Budget").write(0, 0, "Cantine")
        book.add_worksheet(IDENTITY).write(0, 0, "formulaire")
    assert refused(tmp_path, "luce-2016.xlsx", (tmp_path / "w.xlsx").read_bytes()) == ["document-de-tabellion"]


def test_a_pdf_of_pictures_says_that_it_has_no_text(tmp_path: Path) -> None:
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj%sendobj\n" % (number, content)
    start = len(data)
    data += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start
    with pytest.raises(TabellionError) as caught:
        through(tmp_path, "scan.pdf", data)
    assert "images" in caught.value.findings[0].message


# The real document


@pytest.mark.skipif(not SOURCE.exists(), reason="the published document is not here")
@pytest.mark.parametrize("controls", [False, True])
def test_the_published_document_as_word_gives_what_its_text_gives(tmp_path: Path, controls: bool) -> None:
    text = SOURCE.read_bytes()
    made = through(tmp_path, "contrat.docx", word_document(text.decode(), controls=controls, borders=not controls))
    assert tables(made) == tables(read_document(text, "contrat.txt"))
