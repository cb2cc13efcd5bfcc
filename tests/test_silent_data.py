"""What a return shows otherwise than it says is understood rightly, or said; what might count wrong blocks."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.workbook import Workbook

from support.forms import written_form
from support.mutations import edited
from support.returned import codes, examined, findings_at, form, returned, values
from tabellion.reading.lines import is_total


def zipped(change: Callable[[dict[str, bytes]], None], content: bytes | None = None) -> bytes:
    """The form after a change of its parts."""
    with zipfile.ZipFile(io.BytesIO(content or form())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def budget(parts: dict[str, bytes]) -> str:
    return next(
        name for name, data in parts.items() if b'ref="J6"' not in data and b'r="J6"' in data and b'r="F6"' in data
    )


def put(parts: dict[str, bytes], cell: str, inner: str) -> None:
    part = budget(parts)
    pattern = re.compile(rf'<c r="{cell}"((?: s="\d+")?)[^>]*?(?:/>|>.*?</c>)')
    parts[part] = pattern.sub(
        lambda match: f'<c r="{cell}"{match[1]}>{inner}</c>', parts[part].decode(), count=1
    ).encode()


def merge(parts: dict[str, bytes], *refs: str) -> None:
    part = budget(parts)
    words = "".join(f'<mergeCell ref="{ref}"/>' for ref in refs)
    parts[part] = re.sub(
        rb"(</sheetData>(?:<sheetProtection[^>]*/>)?)",
        rb"\1<mergeCells>%s</mergeCells>" % words.encode(),
        parts[part],
        count=1,
    )


@pytest.mark.parametrize(
    ("ref", "hidden"), [("F6:F7", "F7"), ("E6:F6", "F6"), ("F6:H6", "G6"), ("F5:F9", "F8"), ("B6:H6", "H6")]
)
def test_an_amount_under_a_merge_blocks_at_its_cell(ref: str, hidden: str) -> None:
    def change(parts: dict[str, bytes]) -> None:
        put(parts, hidden, "<v>300</v>")
        merge(parts, ref)

    parsed = examined(zipped(change))
    assert codes(parsed, hidden) == ["valeur-sous-fusion"]
    assert not parsed.is_accepted


def test_one_amount_for_merged_rows_is_said_and_a_remark_under_a_merge_blocks_nothing() -> None:
    def change(parts: dict[str, bytes]) -> None:
        put(parts, "F6", "<v>1500</v>")
        put(parts, "I8", "<is><t>caché</t></is>".replace("<is>", "<is>"))
        merge(parts, "F6:F7")

    parsed = examined(zipped(change))
    assert codes(parsed, "F7") == ["cellules-fusionnees"]
    assert parsed.is_accepted


STRUCK = [
    lambda sheet: (sheet.__setitem__("F6", 1200), setattr(sheet["F6"], "font", Font(strike=True))),
    lambda sheet: (sheet.__setitem__("G6", "1 200 €"), setattr(sheet["G6"], "font", Font(strike=True, bold=True))),
    lambda sheet: sheet.__setitem__("F6", CellRichText(TextBlock(InlineFont(strike=True), "1200"), " 1500")),
]


@pytest.mark.parametrize("strike", STRUCK)
def test_a_struck_out_amount_blocks(strike: Callable[[object], object]) -> None:
    parsed = returned(lambda book: strike(book["Budget"]))
    assert "montant-barre" in codes(parsed)
    assert not parsed.is_accepted


@pytest.mark.parametrize(
    ("number_format", "value", "code"),
    [
        ('#,##0" k€"', 67, "montant-a-l-echelle"),
        ('0.0" M€"', 1.5, "montant-a-l-echelle"),
        ("#,##0\\ \\k\\€", 67, "montant-a-l-echelle"),
        ('#,##0" milliers d\'euros"', 67, "montant-a-l-echelle"),
        ('#,##0," k€"', 67000, None),
        ('0.0,,"M€"', 1500000, None),
        ("#,##0,", 67000, "format-a-l-echelle"),
        ('#,##0,"€"', 67000, "format-a-l-echelle"),
        ('"$"#,##0', 1200, "montant-en-devise"),
        ("[$$-409]#,##0.00", 1200, "montant-en-devise"),
        ("[$£-809]#,##0", 1200, "montant-en-devise"),
        ('#,##0" CHF"', 1200, "montant-en-devise"),
        ("[$XPF] #,##0", 1200, "montant-en-devise"),
        (";;;", 1200, "montant-masque"),
        ('"n.c."', 1200, "montant-masque"),
        ('#,##0" € HT"', 1200, "unite-du-format"),
        ('#,##0.00\\ "€"', 1200, None),
        ("#,##0.00\\ [$€-40C]", 1200, None),
        ('_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-', 1200, None),
        ("#,##0.00\\ [$EUR]", 1200, None),
        ("General", 1200, None),
        ("0.00E+00", 1200, None),
        ('#,##0" kF"', 1200, "montant-en-devise"),
        ("# ##0", 1200, None),
        ("[Red]-#,##0", 1200, None),
    ],
)
def test_a_unit_that_only_the_format_shows(number_format: str, value: float, code: str | None) -> None:
    def edit(book: Workbook) -> None:
        book["Budget"]["F6"] = value
        book["Budget"]["F6"].number_format = number_format

    parsed = returned(edit)
    assert codes(parsed) == ([code] if code else [])
    assert parsed.is_accepted == (code not in ("montant-a-l-echelle", "montant-en-devise", "montant-masque"))
    assert values(parsed, "montant_prevu", 6) == [value * 100]


def test_hidden_answers_are_said_once_and_count() -> None:
    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        for row in (6, 7, 8):
            sheet[f"F{row}"] = row
        sheet["H9"] = 1
        sheet.row_dimensions[6].hidden = sheet.row_dimensions[7].hidden = True
        sheet.row_dimensions[12].hidden = True  # nothing was typed there
        sheet.column_dimensions["H"].hidden = True
        book["Actions"]["G6"] = 40
        book["Actions"].sheet_state = "hidden"

    parsed = returned(edit)
    assert parsed.is_accepted
    assert [
        (finding.code, finding.place.feuille, finding.place.cellule, len(finding.liees))
        for finding in findings_at(parsed)
    ] == [
        ("reponses-masquees", "Budget", "F6", 1),
        ("reponses-masquees", "Budget", "H9", 0),
        ("reponses-masquees", "Actions", "G6", 0),
    ]


def test_notes_and_remarks_are_kept() -> None:
    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        sheet["F6"] = 1200
        sheet["F6"].comment = Comment("montant PROVISOIRE", "Lucé")
        sheet["A2"].comment = Comment(
            "[Threaded comment]\n\nYour version of Excel…\n\nComment:\n    à REVOIR", "tc={1}"
        )
        sheet["L6"] = "voir COURRIER"
        sheet["M9"], sheet["M10"], sheet["M11"] = 300, 400, "=SUM(M9:M10)"
        sheet["F2"] = "au-DESSUS"
        book["Actions"]["P40"] = "plus LOIN"
        book.create_sheet("Notre détail")["A1"] = "x"

    parsed = returned(edit)
    assert parsed.is_accepted
    notes = {
        finding.place.cellule: str(finding.valeur)
        for finding in findings_at(parsed)
        if finding.code == "note-du-partenaire"
    }
    assert notes == {
        "F6": "montant PROVISOIRE", "A2": "à REVOIR", "L6": "voir COURRIER", "F2": "au-DESSUS", "P40": "plus LOIN",
    }  # fmt: skip
    others = [
        (finding.code, finding.place.cellule, len(finding.liees))
        for finding in findings_at(parsed)
        if finding.code not in ("note-du-partenaire",)
    ]
    assert others == [("montants-a-cote", "M9", 1), ("feuille-ajoutee", "A1", 0)]


def test_a_form_as_sent_has_nothing_around_its_answers() -> None:
    assert codes(examined(form())) == []
    moved = edited(form(), lambda book: book["Budget"].insert_cols(1))
    assert not {"note-du-partenaire", "montants-a-cote"} & set(codes(examined(moved)))


@pytest.mark.parametrize("mode", ["manual", "auto", "autoNoTable"])
def test_manual_calculation_is_made_anew_where_it_is_arithmetic_and_said_elsewhere(mode: str) -> None:
    def change(parts: dict[str, bytes]) -> None:
        put(parts, "F6", "<f>1200+300</f><v>1200</v>")
        put(parts, "F7", "<f>ROUND(F6,0)</f><v>1200</v>")
        put(parts, "F8", "<f>F6*2</f><v>2400</v>")
        put(parts, "F9", "<f>500+1</f><v>501</v>")
        book = re.sub(rb"<calcPr[^>]*/>", b'<calcPr calcMode="%s"/>' % mode.encode(), parts["xl/workbook.xml"])
        parts["xl/workbook.xml"] = book

    parsed = examined(zipped(change))
    codes_by_cell = {cell: codes(parsed, cell) for cell in ("F6", "F7", "F8", "F9")}
    is_manual = mode == "manual"
    understood, old = (["valeur-comprise"], ["calcul-manuel"]) if is_manual else ([], [])
    assert codes_by_cell == {"F6": understood, "F7": old, "F8": understood, "F9": []}
    amounts = [values(parsed, "montant_prevu", row) for row in (6, 7, 8, 9)]
    assert amounts == (
        [[1500_00], [1200_00], [3000_00], [501_00]] if is_manual else [[120000], [120000], [240000], [50100]]
    )


TOTALS = [
    "Total", "TOTAL :", "Grand total", "S/Total", "(total)", "Cumul", "Ss-total", "sous total",
    "SOUS-TOTAL B01",
    "Montant total", "Total général 2016", "T O T A L",
    "Ensemble", "Récapitulatif", "ST", "S/T", "Σ", "Cumul général",
    "- total -", "Totaux",
    "Somme des lignes", "Au total", "\u202aTo\u0301tal\u202c",
]  # fmt: skip


@pytest.mark.parametrize("label", TOTALS)
def test_a_total_in_all_the_ways_people_write_it_is_no_line(label: str) -> None:
    assert is_total(label)


@pytest.mark.parametrize(
    "label",
    ["Sommeil des enfants", "Totem", "Ensemble des actions jeunesse", "Cumul emploi-retraite", "Stages", "Le local"],
)
def test_a_label_that_only_looks_like_a_total_is_a_line(label: str) -> None:
    assert not is_total(label)


def filled(**cells: object) -> Callable[[Workbook], None]:
    """Three amounts of the form's own lines over two conventions, and a spare row."""

    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        sheet["F6"], sheet["F7"], sheet["F57"] = 1200, 300, 500.5
        for cell, value in cells.items():
            sheet[cell] = value

    return edit


@pytest.mark.parametrize("column", ["B", "C"])
def test_a_typed_total_is_said_and_not_counted(column: str) -> None:
    parsed = returned(filled(**{f"{column}58": "Grand total", "F58": 2000.5}))
    assert (codes(parsed), parsed.is_accepted) == (["total-ajoute"], True)
    assert not [row for row in parsed.rows if row.row == 58]


@pytest.mark.parametrize(
    ("amounts", "expected", "accepted"),
    [
        ({"F58": 2000.5}, ["total-probable"], False),
        ({"F58": 1500}, ["total-probable"], True),  # of two amounts, it may be chance
        ({"F58": 2000.5, "G58": 12}, [], True),  # its other amount is no sum
        ({"F58": 2000}, [], True),
        ({"F58": 1200}, [], True),
        ({"G6": 1, "G7": 2, "G57": 3, "F58": 2000.5, "G58": 6}, ["total-probable"], False),
    ],
)
def test_a_total_without_a_word_is_known_by_its_sum(
    amounts: dict[str, float], expected: list[str], accepted: bool
) -> None:
    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        filled(B58=sheet["B6"].value, C58="Dépenses du service", **amounts)(book)

    parsed = returned(edit)
    assert (codes(parsed), parsed.is_accepted) == (expected, accepted)


def test_subtotals_then_a_total_are_each_known() -> None:
    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        for row, (label, amount) in enumerate(
            [("Un", 100), ("Deux", 210), ("Trois", 320), ("Partie", 2630.5), ("Tout", 2630.5)], 58
        ):
            sheet[f"B{row}"], sheet[f"C{row}"], sheet[f"F{row}"] = sheet["B6"].value, label, amount
        filled()(book)

    assert [(finding.code, finding.place.cellule) for finding in findings_at(returned(edit))] == [
        ("total-probable", "F61"),
        ("total-probable", "F62"),
    ]


def test_a_financement_typed_again_blocks() -> None:
    """Nobody is asked about it afterwards: its money would count twice."""

    def edit(book: Workbook) -> None:
        sheet = book["Financements"]
        spare = next(row for row in range(6, 200) if sheet[f"B{row}"].value is None)
        for row in (6, spare):
            sheet[f"B{row}"], sheet[f"C{row}"] = sheet["B6"].value, sheet["C6"].value
            sheet[f"E{row}"], sheet[f"F{row}"] = "chiffré", 950000

    parsed = examined(edited(written_form("Chartres", "conseil-regional-centre-val-de-loire"), edit))
    assert "ligne-deja-la" in [finding.code for finding in findings_at(parsed)]
    assert not parsed.is_accepted


@pytest.mark.parametrize(
    ("label", "other", "amount"),
    [
        ("Nouvelle ligne", "Nouvelle ligne", 10),
        ("Nouvelle ligne", "nouvelle  LIGNE\u00a0", 20),
        ("L’atelier", "L'atelier", 10),
        (None, None, 40),  # a label of the form, typed again
    ],
)
def test_a_line_that_is_there_already_is_said_and_left_to_a_decision(
    label: str | None, other: str | None, amount: float
) -> None:
    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        sheet["F6"] = 7
        for row, words, cents in ((58, label or sheet["C6"].value, 10), (59, other or "Une autre", amount)):
            sheet[f"B{row}"], sheet[f"C{row}"], sheet[f"F{row}"] = sheet["B6"].value, words, cents

    parsed = returned(edit)
    assert [(finding.code, finding.place.cellule) for finding in findings_at(parsed)] == [
        ("ligne-deja-la", "C59" if label else "C58")
    ]
    assert parsed.is_accepted, "two lines that look the same block the contract until somebody decides"


@pytest.mark.parametrize(
    ("cell", "text"),
    [("C200", "Signé : le maire"), ("B130", "NB : chiffres provisoires"), ("B60", "Voir la délibération du 12 mars")],
)
def test_a_remark_alone_on_a_row_is_kept_and_is_no_line(cell: str, text: str) -> None:
    parsed = returned(filled(**{cell: text}))
    assert [(finding.code, finding.place.cellule, finding.valeur) for finding in findings_at(parsed)] == [
        ("note-du-partenaire", cell, text)
    ]
    assert parsed.is_accepted
    assert not [row for row in parsed.rows if row.row == int(cell[1:])]
