"""``tabellion publish``: the contract as a document, found again by a reading that shares nothing with the program."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import docx
import pdfplumber
import pytest

from support.contracts import ROOT, SETTINGS, SOURCE, schemas
from support.document_template import template
from support.large_contracts import awkward_rows, empty_rows, large_rows
from support.office_files import Editor
from support.program import tabellion
from support.published_document import PublishedDocument, W, amount, source_counts, words
from tabellion.commands.publish import Publication, PublishOptions, formats_of, publish
from tabellion.commands.source import Depuis
from tabellion.contract.book import Book
from tabellion.contract.workspace import find_workspace
from tabellion.findings import TabellionError
from tabellion.layout.theme import load_theme
from tabellion.outputs.document import make_document
from tabellion.outputs.document.model import DocumentModel, paragraphs
from tabellion.outputs.document.pdf import pdf_is_intact, signed, without_hour
from tabellion.outputs.document.pdf_file import complete_structure
from tabellion.outputs.document.template import load_template
from tabellion.schema.tables import make_tables

NOW = datetime(2016, 3, 1, 9, 30)
TEMPLATE = ROOT / "templates" / "document.docx"


def run(folder: Path, **wanted: object) -> Publication:
    return publish(find_workspace(folder), PublishOptions(**wanted), NOW)  # type: ignore[arg-type]


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "workbooks" / "registre" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        # an apostrophe keeps a spreadsheet from running what begins as a formula does: it is no part of the text
        return [{name: text.removeprefix("'") for name, text in row.items()} for row in csv.DictReader(stream)]


def flat(text: str | None) -> str:
    return " ".join((text or "").split())


def flat_lines(text: str) -> str:
    return "\n".join(map(flat, text.splitlines()))


@pytest.fixture(scope="module")
def chartres(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PublishedDocument]:
    """The repository's own contract published from its register."""
    folder = tmp_path_factory.mktemp("publication") / "contrat"
    for name in ("schemas", "templates", "workbooks/registre"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "tabellion.toml", folder)
    done = run(folder)
    return folder, PublishedDocument(done.paths[0])


# What the register holds is in the document


def test_every_fiche_is_there_with_all_its_fields(chartres: tuple[Path, PublishedDocument]) -> None:
    folder, document = chartres
    axes = {row["axe_id"]: row["titre"] for row in table(folder, "axes")}
    rows = table(folder, "fiches")
    assert [row["fiche_id"] for row in rows] == list(document.fiches)
    for row in rows:
        fields, _, crossed = document.fiches[row["fiche_id"]]
        assert flat(fields["Axe stratégique"]) == flat(f"{row['axe_id']}. {axes[row['axe_id']]}")
        for label, name in (
            ("Objectif", "objectif"), ("Réf. convention interministérielle", "ref_interministerielle"),
            ("Proposition d'action", "proposition"), ("Échéance", "echeance"), ("Porteur(s)", "porteurs"),
            ("Partenaires opérationnels", "partenaires_operationnels"),
        ):  # fmt: skip
            assert flat(fields[label]) == flat(row[name])
        assert fields["Priorité du territoire"] == f"{row['priorite']} ({row['annee_priorite']})"
        yes, no = re.findall("[☒☐]", fields["CPO envisagée"])
        assert (yes == "☒", no == "☒") == (row["cpo"] == "oui", row["cpo"] == "non")
        axis = {"jeunes": "Jeunes", "egalite_femmes_hommes": "Égalité femmes-hommes",
                "lutte_discriminations": "Lutte contre les discriminations"}  # fmt: skip
        assert crossed == ", ".join(shown for name, shown in axis.items() if row[name] == "non")
        for name, shown in axis.items():
            assert f"{'☒' if row[name] == 'oui' else '☐'} {shown}" in fields["Axes transversaux"].replace("\u00a0", " ")


def test_every_financement_is_ticked_with_its_dispositif_and_amount(chartres: tuple[Path, PublishedDocument]) -> None:
    folder, document = chartres
    names = {row["financeur_id"]: row["nom"] for row in table(folder, "financeurs")}
    expected: Counter[tuple[str, str, str, str]] = Counter()
    for row in table(folder, "financements"):
        expected[
            row["fiche_id"], names.get(row["financeur_id"], ""), flat(row["dispositif"]), row["montant_texte"]
        ] += 1
    ticked: Counter[tuple[str, str, str, str]] = Counter()
    for fiche, (_, rows, _) in document.fiches.items():
        boxes = Counter(re.findall("[☒☐]", " ".join(cells[0] for cells in rows)))
        assert sum(boxes.values()) == len(names)
        for first, dispositif, shown in rows:
            if "☒" in first or first == "Aucun financeur coché":
                name = first.replace("\u00a0", " ").removeprefix("☒ ").removeprefix("Aucun financeur coché")
                published = [row for row in table(folder, "financements") if row["fiche_id"] == fiche]
                texts = {row["montant_texte"] for row in published}
                funding_text = next(text for text in sorted(texts, key=len, reverse=True) if flat(text) in flat(shown))
                ticked[fiche, name, flat(dispositif), funding_text] += 1
    assert ticked == expected


def test_every_line_and_every_total_is_there(chartres: tuple[Path, PublishedDocument]) -> None:
    folder, document = chartres
    towns = {row["collectivite_id"]: row["nom"] for row in table(folder, "collectivites")}
    expected = Counter(
        (int(row["convention_id"]), towns[row["collectivite_id"]], flat(row["libelle"]),
         Decimal(row["montant_realise"]) if row["montant_realise"] else None)
        for row in table(folder, "lignes_budgetaires")
    )  # fmt: skip
    lines: Counter[tuple[int, str, str, Decimal | None]] = Counter()
    for number, rows in document.budgets().items():
        town, sums, total = "", Counter[str](), Decimal(0)
        shown: dict[str, Decimal] = {}
        for kind, text, cells in rows:
            value = amount(cells[0])
            if kind == "town":
                town, shown[text] = text, value or Decimal(0)
            elif kind == "line":
                lines[number, town, flat(text.split("\n")[0]), value] += 1
                sums[town] += value or 0  # type: ignore[assignment]
                total += value or 0
            else:
                assert value == total
        assert shown == {key: Decimal(sums[key]) for key in shown}
    assert lines == expected
    printed = {
        (int(row["convention_id"]), towns[row["collectivite_id"]]): Decimal(row["montant"])
        for row in table(folder, "totaux_publies")
        if row["source"] == "convention" and row["portee"] == "collectivité" and row["montant"]
    }
    assert printed == {
        (number, text): amount(cells[1])
        for number, rows in document.budgets().items() for kind, text, cells in rows if kind == "town" and cells[1]
    }  # fmt: skip


def test_the_recap_has_the_published_totals_beside_the_recomputed_ones(
    chartres: tuple[Path, PublishedDocument],
) -> None:
    folder, document = chartres
    rows = next(
        block.rows for block in document.blocks if block.rows and block.rows[0][0] == "Convention et collectivité"
    )
    printed = [amount(row[2]) for row in rows[1:] if row[2]]
    expected = [Decimal(row["montant"]) for row in table(folder, "totaux_publies")
                if row["source"] == "récapitulatif" and row["montant"]]  # fmt: skip
    assert sorted(printed) == sorted(expected)  # type: ignore[type-var]
    last = rows[-1]
    everything = sum(Decimal(row["montant_realise"] or 0) for row in table(folder, "lignes_budgetaires"))
    assert (last[0], amount(last[1]), amount(last[2])) == ("Total général", everything, Decimal(12_421_135))
    assert amount(last[3]) == everything - 12_421_135


def test_the_annex_walks_from_the_published_total_to_the_recomputed_one(
    chartres: tuple[Path, PublishedDocument],
) -> None:
    _, document = chartres
    balance, *_ = document.tables_under("Annexe 1 – Du total publié au total recalculé")
    (steps,) = document.tables_under("Les écarts, un par un")
    assert balance.rows is not None
    assert steps.rows is not None
    start, gaps, end, twice, net = (amount(row[1]) or Decimal(0) for row in balance.rows[1:])
    assert start + sum(amount(row[-1]) or 0 for row in steps.rows[1:]) == end
    assert start + gaps == end
    assert end + twice == net


def test_the_budget_annex_adds_up_by_convention_by_town_and_by_funder(
    chartres: tuple[Path, PublishedDocument],
) -> None:
    folder, document = chartres
    tables = document.tables_under("Annexe 3 – Le budget de l’exercice")
    by_convention, by_town, by_both, funding = ([*resource.rows] if resource.rows else [] for resource in tables)
    lines = table(folder, "lignes_budgetaires")
    names = {row["collectivite_id"]: row["nom"] for row in table(folder, "collectivites")}

    def added(**of: str) -> Decimal | None:
        chosen = [row for row in lines if all(row[name] == value for name, value in of.items())]
        known = [Decimal(row["montant_realise"]) for row in chosen if row["montant_realise"]]
        return sum(known, Decimal(0)) if known else None

    assert by_convention[0] == ["Convention", "Réalisé"]
    numbers = {row["convention_id"] for row in lines}
    printed = {row[0].partition(" ")[0]: amount(row[1]) for row in by_convention[1:-1]}
    assert printed == {number: added(convention_id=number) for number in numbers}
    assert {row[0]: amount(row[1]) for row in by_town[1:-1]} == {
        names[town]: added(collectivite_id=town) for town in {row["collectivite_id"] for row in lines}
    }
    pairs = {(row["convention_id"], row["collectivite_id"]) for row in lines}
    assert {(row[0].partition(" ")[0], row[1]): amount(row[2]) for row in by_both[1:-1]} == {
        (number, names[town]): added(convention_id=number, collectivite_id=town) for number, town in pairs
    }
    assert {amount(rows[-1][-1]) for rows in (by_convention, by_town, by_both)} == {added()}
    financements = table(folder, "financements")
    assert int(funding[-1][2]) == len(financements) == sum(int(row[2]) for row in funding[1:-1])
    assert amount(funding[-1][4]) == sum(Decimal(row["montant"] or 0) for row in financements)


@pytest.mark.source
def test_the_budget_annex_has_a_chart_of_its_conventions(chartres: tuple[Path, PublishedDocument]) -> None:
    folder, document = chartres
    with (folder / "workbooks" / "registre" / "lignes_budgetaires.csv").open(encoding="utf-8", newline="") as file:
        lines = [row for row in csv.DictReader(file) if row["exercice"] == "2013" and row["montant_realise"]]
    sums: dict[int, Decimal] = {}
    for row in lines:
        number = int(row["convention_id"])
        sums[number] = sums.get(number, Decimal(0)) + Decimal(row["montant_realise"])
    chart = document.parts["word/charts/chart1.xml"].decode()
    figures = re.findall("<c:v>([^<]*)</c:v>", chart)
    assert list(map(Decimal, figures[len(figures) // 2 :])) == [sums[number] for number in sorted(sums)]
    assert [int(name.partition(" ")[0]) for name in figures[: len(figures) // 2]] == sorted(sums)
    assert 'descr="Crédits de droit commun 2013 par convention' in document.parts["word/document.xml"].decode()


def test_the_document_holds_what_the_original_holds(chartres: tuple[Path, PublishedDocument]) -> None:
    """The table of the README. One line of the original is two rows run together: the register tells them apart."""
    _, document = chartres
    original, again = source_counts(SOURCE.read_text(encoding="utf-8")), document.counts()
    assert original == {"fiches": 69, "lignes budgétaires": 159, "cases cochées": 23, "totaux publiés": 68}
    assert again == {**original, "lignes budgétaires": 160}


# The document is well made


def test_headings_are_in_order_and_bookmarks_resolve(chartres: tuple[Path, PublishedDocument]) -> None:
    _, document = chartres
    levels = [level for level, _ in document.headings]
    assert levels[0] == 1
    assert all(after <= before + 1 or before == 1 for before, after in pairwise(levels))
    marks = [element.attrib[f"{W}name"] for element in document.root.iter(f"{W}bookmarkStart")]
    assert len(marks) == len(set(marks)) == len(list(document.root.iter(f"{W}bookmarkEnd")))
    assert all(len(mark) <= 40 and re.fullmatch(r"[A-Za-z]\w*", mark) for mark in marks)
    anchors = {element.attrib[f"{W}anchor"] for element in document.root.iter(f"{W}hyperlink")}
    pages = {
        element.text.split()[1]
        for element in document.root.iter(f"{W}instrText")
        if element.text and "PAGEREF" in element.text
    }
    assert anchors | pages <= set(marks)
    assert {mark for mark in marks if mark.startswith(("convention", "fiche"))} <= anchors


def test_tables_are_accessible_and_do_not_break_badly(chartres: tuple[Path, PublishedDocument]) -> None:
    _, document = chartres
    for element in document.root.iter(f"{W}tbl"):
        rows = element.findall(f"{W}tr")
        assert rows[0].find(f"{W}trPr/{W}tblHeader") is not None
        assert element.find(f"{W}tblPr/{W}tblCaption") is not None
        assert element.find(f"{W}tblPr/{W}tblDescription") is not None
        widths = len(element.findall(f"{W}tblGrid/{W}gridCol"))
        assert all(len(row.findall(f"{W}tc")) == widths for row in rows)
        assert all(row.find(f"{W}trPr/{W}cantSplit") is not None for row in rows if len(words(row)) < 1200)


def test_styles_language_and_properties(chartres: tuple[Path, PublishedDocument]) -> None:
    _, document = chartres
    assert all(document.style(element) for element in document.root.iter(f"{W}p"))
    assert not any("{{" in block.text or "{%" in block.text for block in document.blocks)
    assert b'w:lang w:val="fr-FR"' in document.parts["word/styles.xml"]
    core = document.parts["docProps/core.xml"].decode()
    assert "<dc:language>fr-FR</dc:language>" in core
    assert "<dc:title>Contrat de ville de l'agglomération chartraine</dc:title>" in core
    assert document.dates == {(1980, 1, 1, 0, 0, 0)}
    text = document.parts["word/document.xml"].decode()
    boxes = re.findall('<w14:checkbox><w14:checked w14:val="(.)"', text)
    assert Counter(boxes) == Counter("1" if sign == "☒" else "0" for sign in re.findall("[☒☐](?=</w:t>)", text))
    assert b'<w:updateFields w:val="true"/>' in document.parts["word/settings.xml"]
    assert b"<dc:creator>Contrat de ville" in document.parts["docProps/core.xml"]
    assert "2015-01-01T00:00:00Z</dcterms:modified>" in core  # nobody has saved it: the date of all its documents
    assert not any("état du" in block.text for block in document.blocks[:12])
    assert b"Contrat de ville de l'agglom" in document.parts["word/header1.xml"]


def test_the_contents_are_a_field_with_its_entries(chartres: tuple[Path, PublishedDocument]) -> None:
    _, document = chartres
    entries = [block.text.split("\t")[0] for block in document.blocks if block.style.startswith("toc ")]
    headings = [text for level, text in document.headings if level <= 2]
    assert [heading.split(" (")[0] for heading in entries] == [heading.split(" (")[0] for heading in headings]
    assert any('TOC \\o "1-2"' in (element.text or "") for element in document.root.iter(f"{W}instrText"))
    kinds = Counter(element.attrib[f"{W}fldCharType"] for element in document.root.iter(f"{W}fldChar"))
    assert kinds["begin"] == kinds["separate"] == kinds["end"]


def test_the_template_is_what_its_script_makes() -> None:
    assert TEMPLATE.read_bytes() == template()


# The same bytes, nobody's work lost


def test_the_same_contract_gives_the_same_bytes_and_an_edited_document_stays(workspace: Path) -> None:
    path = run(workspace, conventions=(5,)).paths[0]
    assert path.name == "chartres-2015-2020-2013-convention-05.docx"
    first = path.read_bytes()
    assert run(workspace, conventions=(5,)).paths[0].read_bytes() == first
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content.replace(b"Habitat", b"Logement"))
    edited = path.read_bytes()
    with pytest.raises(TabellionError) as refused:
        run(workspace, conventions=(5,))
    assert [finding.code for finding in refused.value.findings] == ["document-modifie"]
    assert path.read_bytes() == edited
    done = run(workspace, conventions=(5,), force=True)
    assert path.read_bytes() == first
    assert [path.read_bytes() for path in done.kept] == [edited]


def test_a_pdf_that_somebody_annotated_is_known() -> None:
    content = signed(b"%PDF-1.6\n...\n%%EOF\n")
    assert pdf_is_intact(content)
    assert not pdf_is_intact(content + b"1 0 obj")
    assert not pdf_is_intact(b"%PDF-1.6\n...\n%%EOF\n")


def test_captions_contents_and_figures_are_what_readers_know() -> None:
    """As LibreOffice writes elements, with the styles of Word for their names."""

    def element(kind: str, parent: int, kids: str) -> bytes:
        return f"<</Type/StructElem\n/S/{kind}\n/P {parent} 0 R\n/Pg 90 0 R\n/K[{kids} ]\n>>".encode()

    objects = {
        1: b"<</Type/StructTreeRoot\n/RoleMap<</caption/P\n/Contents#201/P\n/Text#20body/P\n>>\n/K[2 0 R ]\n>>",
        2: element("Document", 1, "3 0 R 4 0 R 5 0 R 6 0 R 7 0 R\n8 0 R"),
        3: element("Contents#201", 2, "0"), 4: element("Contents#201", 2, "1"), 5: element("caption", 2, "2"),
        6: element("Table", 2, "9 0 R"), 7: element("caption", 2, "3"), 8: element("Figure", 2, "4"),
        9: element("TR", 6, "5"),
    }  # fmt: skip
    complete_structure(objects, ["Crédits"])
    assert objects[1] == (
        b"<</Type/StructTreeRoot\n/RoleMap<</caption/Caption\n/Contents#201/TOCI\n/Text#20body/P\n>>\n/K[2 0 R ]\n>>"
    )
    assert objects[2] == element("Document", 1, "10 0 R 6 0 R 7 0 R 8 0 R")
    assert objects[10] == b"<</Type/StructElem\n/S/TOC\n/P 2 0 R\n/K[3 0 R 4 0 R ]\n>>"
    assert (objects[3], objects[4]) == (element("Contents#201", 10, "0"), element("Contents#201", 10, "1"))
    assert (objects[5], objects[6]) == (element("caption", 6, "2"), element("Table", 2, "5 0 R 9 0 R"))
    words = "\ufeffCrédits".encode("utf-16-be").hex().encode()
    assert objects[8] == element("Figure", 2, "4").removesuffix(b">>") + b"/Alt<" + words + b">>>"


def test_a_pdf_does_not_tell_the_hour_and_no_offset_moves() -> None:
    def made_at(hour: bytes, key: bytes) -> bytes:
        ids = b"/ID [ <" + key + b">\n<" + key + b"> ]\n/DocChecksum /" + key
        return b"/CreationDate(D:" + hour + b"Z')>>" + ids + b"\n<feff0041> kept"

    first = without_hour(made_at(b"20160301093000", b"0123456789ABCDEF" * 2))
    assert first == without_hour(made_at(b"20270101000000", b"F" * 32))
    assert len(first) == len(made_at(b"20160301093000", b"F" * 32))
    assert first.endswith(b"<feff0041> kept")


def test_an_extract_says_that_it_has_not_every_finding(workspace: Path) -> None:
    texts = [block.text for block in PublishedDocument(run(workspace, conventions=(5,)).paths[0]).blocks]
    assert sum(text.startswith("Seuls sont repris ici les constats") for text in texts) == 1
    texts = [block.text for block in PublishedDocument(run(workspace).paths[0]).blocks]
    assert not any(text.startswith("Seuls sont repris ici les constats") for text in texts)


def test_one_convention_has_its_fiches_only(workspace: Path) -> None:
    document = PublishedDocument(run(workspace, conventions=(3, 9)).paths[0])
    assert list(document.budgets()) == [3, 9]
    expected = [row["fiche_id"] for row in table(workspace, "fiches") if row["convention_id"] in ("3", "9")]
    assert list(document.fiches) == expected


# The source of the document


def test_the_master_is_published_where_there_is_one(workspace: Path) -> None:
    from_register = PublishedDocument(run(workspace).paths[0])
    assert tabellion("generate", cwd=workspace).code == 0
    done = tabellion("publish", cwd=workspace)
    assert done.code == 0, done.err
    assert "Publié à partir du classeur contrat.xlsx : 11 conventions, 69 fiches." in done.out
    again = PublishedDocument(workspace / "workbooks" / "publication" / "chartres-2015-2020-2013.docx")
    assert (again.fiches, again.budgets()) == (from_register.fiches, from_register.budgets())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"formats": ("odt",)}, "option-fausse"),
        ({"conventions": (12,)}, "option-fausse"),
        ({"exercice": 1999}, "option-fausse"),
        ({"source": Depuis.CONSOLIDATION}, "consolidation-absente"),
        ({"target": Path("document.txt")}, "option-fausse"),
    ],
)
def test_what_cannot_be_published_is_said(workspace: Path, options: dict[str, object], code: str) -> None:
    with pytest.raises(TabellionError) as refused:
        run(workspace, **options)
    assert [finding.code for finding in refused.value.findings] == [code]


def test_the_name_of_the_target_says_the_format(workspace: Path) -> None:
    assert formats_of(None, None) == formats_of(None, Path("x.docx")) == ("docx",)
    assert formats_of(None, Path("x.PDF")) == ("pdf",)
    assert formats_of("PDF,, docx ,pdf", Path("x.docx")) == ("pdf", "docx")
    with pytest.raises(TabellionError) as refused:
        run(workspace, formats=("docx",), target=workspace / "x.pdf")
    assert [(finding.code, finding.champ) for finding in refused.value.findings] == [("option-fausse", "--sortie")]


def test_another_exercice_has_its_own_amounts(workspace: Path) -> None:
    path = workspace / "workbooks" / "registre" / "lignes_budgetaires.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "B05-luce-900,5,luce,Essai,2016,1000.50,900,,,,,\n", encoding="utf-8")
    document = PublishedDocument(run(workspace, exercice=2016).paths[0])
    assert document.budgets()[5] == [
        ("town", "Lucé", ["1\u202f000,50\u00a0€", "900\u00a0€"]),
        ("line", "Essai", ["1\u202f000,50\u00a0€", "900\u00a0€"]),
        ("total", "Total de la convention 5", ["1\u202f000,50\u00a0€", "900\u00a0€"]),
    ]
    recap = next(
        block.rows for block in document.blocks if block.rows and block.rows[0][0] == "Convention et collectivité"
    )
    assert recap[0][1:-1] == ["Prévu", "Voté"]
    assert recap[-1][:-1] == ["Total général", "1\u202f000,50\u00a0€", "900\u00a0€"]


# The template belongs to the staff


def restyle(path: Path, change: dict[str, tuple[str, str]]) -> None:
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            text = content.decode()
            if name in change:
                assert change[name][0] in text
                text = text.replace(*change[name])
            target.writestr(name, text)


def test_a_restyled_template_is_taken_as_it_is(workspace: Path) -> None:
    path = workspace / "templates" / "document.docx"
    named, renamed = ('w:styleId="Titre2"><w:name w:val="heading 2"/>', 'w:styleId="T2bis"><w:name w:val="Heading 2"/>')
    restyle(path, {"word/styles.xml": (named, renamed), "word/document.xml": ('w:val="Titre2"', 'w:val="T2bis"')})
    restyle(path, {"word/document.xml": ('w:w="11906" w:h="16838"', 'w:w="16838" w:h="11906"')})
    document = PublishedDocument(run(workspace, conventions=(5,)).paths[0])
    assert "T2bis" in document.parts["word/document.xml"].decode()
    assert document.root.find(f".//{W}pgSz").attrib[f"{W}w"] == "16838"  # type: ignore[union-attr]
    assert [block.text for block in document.blocks if block.style == "toc 2"] == ["5 – Habitat\t"]
    for grid in document.root.iter(f"{W}tblGrid"):  # the tables are as wide as the text
        assert abs(sum(int(column.attrib[f"{W}w"]) for column in grid) - (16838 - 2 * 1134)) <= 5


def test_a_template_that_libreoffice_saved_keeps_the_look_of_its_captions(workspace: Path) -> None:
    ours = '<w:style w:type="paragraph" w:styleId="Lgende"><w:name w:val="caption"/>'
    added = (  # what LibreOffice writes first, its own italic style, beside the one of the template
        '<w:style w:type="paragraph" w:styleId="Caption"><w:name w:val="Caption"/><w:rPr><w:i/></w:rPr></w:style>'
    )
    restyle(workspace / "templates" / "document.docx", {"word/styles.xml": (ours, added + ours)})
    text = PublishedDocument(run(workspace, conventions=(5,)).paths[0]).parts["word/document.xml"].decode()
    assert ('w:pStyle w:val="Lgende"' in text, 'w:pStyle w:val="Caption"' in text) == (True, False)


def test_missing_styles_are_all_said_by_their_french_names(workspace: Path) -> None:
    restyle(workspace / "templates" / "document.docx", {
        "word/styles.xml": ('w:name w:val="toc ', 'w:name w:val="autre '),
    })  # fmt: skip
    done = tabellion("publish", cwd=workspace)
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert "« TM 1 », « TM 2 »" in done.err
    assert not (workspace / "workbooks" / "publication").exists()


def relay(workspace: Path, *changes: tuple[str, str], part: str = "word/document.xml") -> None:
    """Change the tags or the words of the workspace's template, as staff do in Word."""
    for change in changes:
        restyle(workspace / "templates" / "document.docx", {part: change})


def test_a_template_is_laid_out_again_by_its_staff(workspace: Path) -> None:
    path = workspace / "templates" / "document.docx"
    with zipfile.ZipFile(path) as source:
        text = source.read("word/document.xml").decode()
    every_row = re.findall(r"<w:tr>.*?</w:tr>", text)
    axe, due = (
        next(row for row in every_row if f"{{{{ fiche.{name} }}}}" in row and "Tableaulibelle" in row)
        for name in ("axe", "echeance")
    )
    relay(
        workspace,
        (axe, due + axe.replace("Axe stratégique", "Axe")),
        (
            "Conventions thématiques</w:t>",
            "{% if extrait %}Un extrait{% else %}Tout{% endif %} du {{ contrat.titre | upper }}</w:t>",
        ),
    )
    document = PublishedDocument(run(workspace, conventions=(5,)).paths[0])
    for block in document.blocks:
        if block.rows is not None and block.rows[0][0] == "Rubrique":
            assert [row[0] for row in block.rows[1:3]] == ["Échéance", "Axe"]
            assert block.rows[1][1] == block.rows[8][1]
    assert "Un extrait du CONTRAT DE VILLE DE L'AGGLOMÉRATION CHARTRAINE" in {block.text for block in document.blocks}


def test_tags_that_word_types_in_french_or_cuts_are_understood(workspace: Path) -> None:
    cut = '<w:t>{</w:t></w:r><w:r><w:t>{ contrat</w:t></w:r><w:proofErr w:type="x"/><w:r><w:t>.titre }}</w:t>'
    relay(
        workspace,
        ('<w:t xml:space="preserve">{{ contrat.titre }}</w:t>', cut),
        (
            "{{ constats | length | pluriel('constat') }} à",
            "{{\u00a0constats | length | pluriel(«\u00a0avis\u00a0»)\u202f}} à",
        ),
        ("| case }} Oui", "| case }}{{ ‘Oui’ }}"),
    )
    document = PublishedDocument(run(workspace, conventions=(5,)).paths[0])
    assert document.blocks[0].text == "Contrat de ville de l'agglomération chartraine"
    assert "Oui" in next(iter(document.fiches.values()))[0]["CPO envisagée"]
    assert any(re.match(r"\d+ avis", block.text) for block in document.blocks)


def test_every_unknown_name_of_a_template_is_said_with_its_place(workspace: Path) -> None:
    relay(
        workspace,
        ("{{ fiche.proposition }}", "Texte : {{ fiche.propositoin }}"),
        ("{{ contrat.debut }}", "{{ debut }}"),
        ("fiche.bilans %}", "fiche.bilan %}"),
    )
    relay(workspace, ("{{ contrat.exercice }}", "{{ contrat.annee }}"), part="word/header1.xml")
    with pytest.raises(TabellionError) as refused:
        run(workspace)
    findings = {
        (finding.code, finding.place.fichier.rpartition("/")[2], finding.message) for finding in refused.value.findings
    }
    assert {code for code, _, _ in findings} == {"balise-fausse"}
    assert {name for _, name, _ in findings} == {"document.docx"}
    messages = "\n".join(sorted(message for _, _, message in findings))
    for name, meant, place in (
        ("propositoin", " ; est-ce « proposition » ?", "« Texte : {{ fiche.propositoin }} »"),
        ("debut", "", "« {{ debut }} – {{ contrat.fin }} »"),
        ("bilan", " ; est-ce « bilans » ?", "« {% for bilan in fiche.bilan %} »"),
        ("annee", "", "« {{ contrat.titre }}Exercice {{ contrat.annee }} »"),
    ):
        assert f"au paragraphe {place} : le nom « {name} » n'existe pas{meant}" in messages, messages
    assert len(findings) == 4


@pytest.mark.parametrize(
    ("change", "place", "detail"),
    [
        (("{%p endif %}", ""), "« {% if couverture.logo %} »", "« if » n'est pas fermée"),
        (("| ecart }}", "| ecrat }}"), "| ecrat }} »", "le filtre « ecrat » n'existe pas"),
        (("{%p for pilier in", "{%p fro pilier in"), "fro pilier in piliers %} »", "« fro » n'existe pas"),
        (("{{ contrat.titre }}", "{{ contrat.titre"), "« {{ contrat.titre", "pas bien écrite"),
        (
            ("{{ contrat.debut }}", "{{ contrat.debut + 'a' }}"),
            "« {{ contrat.debut + 'a' }} – ",
            "ne peut pas être remplie",
        ),
        (
            ("{{ contrat.debut }}", "{{ contrat.titre.format.__globals__ }}"),
            "« {{ contrat.titre.format",
            "« __globals__ »",
        ),
        (("{%tr endfor %}", "{%p endfor %}"), "", "deux endroits qui ne vont pas ensemble"),
    ],
)
def test_a_tag_that_is_wrong_is_said_with_its_place(
    workspace: Path, change: tuple[str, str], place: str, detail: str
) -> None:
    path = workspace / "templates" / "document.docx"
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name).decode() for name in source.namelist()}
    parts["word/document.xml"] = parts["word/document.xml"].replace(*change, 1)
    with zipfile.ZipFile(path, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content)
    done = tabellion("publish", cwd=workspace)
    assert (done.code, "Traceback" in done.err) == (2, False)
    message = flat(done.err)
    assert place in message
    assert detail in message
    assert not (workspace / "workbooks" / "publication").exists()


def test_a_template_without_tags_is_no_template_any_more(workspace: Path) -> None:
    path = workspace / "templates" / "document.docx"
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    parts["word/document.xml"] = re.sub(rb"\{.*?\}+", b"...", parts["word/document.xml"])
    with zipfile.ZipFile(path, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content)
    with pytest.raises(TabellionError) as refused:
        run(workspace)
    assert [finding.code for finding in refused.value.findings] == ["gabarit-word-faux"]


def test_a_bookmark_of_the_template_that_a_loop_repeats_is_there_once(workspace: Path) -> None:
    mark = '<w:bookmarkStart w:id="0" w:name="_GoBack"/><w:bookmarkEnd w:id="0"/>'
    relay(
        workspace,
        ('</w:pPr><w:r><w:t xml:space="preserve">{{ fiche.objectif', f"</w:pPr>{mark}<w:r><w:t>{{{{ fiche.objectif"),
    )
    document = PublishedDocument(run(workspace, conventions=(5,)).paths[0])
    starts, ends = (
        [element.attrib[f"{W}id"] for element in document.root.iter(f"{W}bookmark{kind}")] for kind in ("Start", "End")
    )
    assert len(starts) == len(set(starts))
    assert sorted(starts) == sorted(ends)
    names = [element.attrib[f"{W}name"] for element in document.root.iter(f"{W}bookmarkStart")]
    assert names.count("_GoBack") == 1


def test_a_field_added_to_the_lines_is_a_column_of_their_table(workspace: Path) -> None:
    path = workspace / "schemas" / "lignes_budgetaires.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["fields"] += [
        {"name": "direction", "type": "string", "title": "Direction", "description": "Le service qui dépense."},
        {"name": "agents", "type": "integer", "title": "Agents", "description": "Combien d'agents."},
    ]
    path.write_text(json.dumps(schema), encoding="utf-8")
    lines = workspace / "workbooks" / "registre" / "lignes_budgetaires.csv"
    rows = table(workspace, "lignes_budgetaires")
    with lines.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "direction", "agents"])
        writer.writeheader()
        writer.writerows({**row, "direction": f"Pôle {rank}", "agents": str(rank)} for rank, row in enumerate(rows))
    document = PublishedDocument(run(workspace, conventions=(5,)).paths[0])
    (budget,) = [block for block in document.blocks if block.rows and block.rows[0][0] == "Collectivité et action"]
    assert budget.rows is not None
    assert budget.rows[0][1:3] == ["Direction", "Agents"]
    expected = [[f"Pôle {rank}", str(rank)] for rank, row in enumerate(rows) if row["convention_id"] == "5"]
    assert [row[1:3] for row in budget.rows if row[1].startswith("Pôle")] == expected
    assert len({len(row) for row in budget.rows}) == 1


def test_a_template_that_libreoffice_saved_publishes_the_same(workspace: Path, editor: Editor) -> None:
    whole = PublishedDocument(run(workspace).paths[0])
    path = workspace / "templates" / "document.docx"
    editor.open(path)
    editor.save(path)
    again = PublishedDocument(run(workspace).paths[0])
    assert (again.fiches, again.budgets(), again.headings) == (whole.fiches, whole.budgets(), whole.headings)
    assert again.counts() == whole.counts()
    entries = [
        [block.text for block in document.blocks if block.style.startswith("toc ")] for document in (again, whole)
    ]
    assert entries[0] == entries[1]
    for names in (("pageBreakBefore", "br"), ("tblHeader",), ("cantSplit",), ("bookmarkStart",), ("tblCaption",)):
        numbers = [sum(1 for name in names for _ in document.root.iter(f"{W}{name}")) for document in (again, whole)]
        assert numbers[0] == numbers[1], names
    assert all(element.attrib[f"{W}val"] for element in again.root.iter(f"{W}tblCaption"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" * 200, None])
def test_a_template_that_is_no_word_document_is_said(workspace: Path, content: bytes | None) -> None:
    path = workspace / "templates" / "document.docx"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(TabellionError) as refused:
        run(workspace)
    assert [finding.code for finding in refused.value.findings] == ["gabarit-word-faux"]


def test_texts_of_the_workspace_are_optional_and_plain(workspace: Path) -> None:
    folder = workspace / "templates" / "textes"
    assert run(workspace, conventions=(5,)).paths
    folder.mkdir()
    (folder / "convention-05.txt").write_text("Un <premier>\nparagraphe & suite.\n\nUn second.", encoding="utf-8")
    document = PublishedDocument(run(workspace, conventions=(5,)).paths[0])
    body = [block.text for block in document.blocks if block.style == "Body Text"]
    assert {"Un <premier> paragraphe & suite.", "Un second."} <= set(body)
    (folder / "convention-05.txt").write_text(
        "## Un *titre* ##\n\nEn **gras**, 2 * 3 * 4 :\n- un point\n  qui continue\n- un autre\n\n1. d'abord\n2. puis\n",
        encoding="utf-8",
    )
    document = PublishedDocument(run(workspace, conventions=(5,)).paths[0])
    start = next(rank for rank, block in enumerate(document.blocks) if block.text == "Un titre")
    assert [(block.style, block.text) for block in document.blocks[start : start + 6]] == [
        ("heading 4", "Un titre"),
        *(("Body Text", text) for text in (
            "En gras, 2 * 3 * 4 :", "un point qui continue", "un autre", "d'abord", "puis",
        )),
    ]  # fmt: skip
    (folder / "convention-05.txt").write_bytes("É".encode("latin-1"))
    with pytest.raises(TabellionError) as refused:
        run(workspace)
    assert [finding.code for finding in refused.value.findings] == ["texte-illisible"]


def test_a_text_in_markdown_is_written_as_its_author_means_it(workspace: Path) -> None:
    folder = workspace / "templates" / "textes"
    folder.mkdir()
    (folder / "convention-05.md").write_text(
        "# Titre\n\nDu **gras**, de l'*italique*, un [lien](https://example.fr/?a=1&b=2).\n\n"
        "1. un\n2. deux\n   - dessous\n\nPuis :\n\n1. encore un\n\n"
        "| a | b |\n|---|---|\n| 1 | {{ x }} |\n\n![photo](x.png)\n",
        encoding="utf-8",
    )
    done = run(workspace, conventions=(5,))
    assert [(finding.code, finding.valeur) for finding in done.notices] == [("texte-non-repris", "convention-05.md")]
    document = docx.Document(str(done.paths[0]))
    runs = {run.text: run for paragraph in document.paragraphs for run in paragraph.runs}
    assert (runs["gras"].bold, runs["italique"].italic) == (True, True)
    body = document.element.body.xml
    assert 'HYPERLINK "https://example.fr/?a=1&amp;b=2"' in body.replace("&quot;", '"')
    lists = {
        paragraph.text: [int(mark.val) for mark in paragraph._p.pPr.numPr]
        for paragraph in document.paragraphs
        if paragraph._p.pPr is not None and paragraph._p.pPr.numPr is not None
    }
    assert (lists["dessous"], lists["un"][1] == lists["deux"][1]) == ([1, 1], True)
    assert lists["encore un"][1] != lists["un"][1], "a second list begins again at 1"
    assert any([cell.text for cell in row.cells] == ["1", "{{ x }}"] for table in document.tables for row in table.rows)


@pytest.mark.parametrize("piece", ["# ", "**a ", "1. ", "- ", "__ "])
def test_a_text_of_marks_alone_takes_no_time(piece: str) -> None:
    start = process_time()
    (only,) = paragraphs(piece * 60_000 + "x")
    assert only.words.endswith("x")
    assert process_time() - start < 5


def test_a_text_that_is_not_printed_is_said(workspace: Path) -> None:
    folder = workspace / "templates" / "textes"
    folder.mkdir()
    for name in ("Convention-5.MD", "convention-05.txt", "convention-99.md", "Santé.md", "convention-03.docx"):
        (folder / name).write_text(f"Texte de {name}.", encoding="utf-8")
    (folder / "LISEZMOI.txt").write_text("À propos de ce dossier.", encoding="utf-8")
    done = run(workspace, conventions=(5,))
    assert sorted(str(finding.valeur) for finding in done.notices) == [
        "Santé.md", "convention-03.docx", "convention-05.txt", "convention-99.md",
    ]  # fmt: skip
    assert {finding.code for finding in done.notices} == {"texte-inutilise"}
    assert "Texte de Convention-5.MD." in {block.text for block in PublishedDocument(done.paths[0]).blocks}


# Any contract


def made(rows: dict[str, list[dict[str, object]]]) -> DocumentModel:
    theme = load_theme(ROOT / "templates" / "contrat.toml", schemas())
    return DocumentModel(
        Book(SETTINGS, schemas(), theme, make_tables(schemas(), rows)), frozenset(), {}, (), "d’un essai"
    )


@pytest.mark.parametrize("rows", [awkward_rows, empty_rows, large_rows])
def test_any_contract_is_published(rows: object, tmp_path: Path) -> None:
    made_rows = rows()  # type: ignore[operator]
    path = tmp_path / "essai.docx"
    path.write_bytes(make_document(made(made_rows), load_template(TEMPLATE)))
    assert list(PublishedDocument(path).fiches) == [fiche["fiche_id"] for fiche in made_rows["fiches"]]


def test_the_plan_de_financement_of_the_exercice_is_in_its_fiche(tmp_path: Path) -> None:
    rows = large_rows(conventions=1, towns=1, fiches=2)
    fiche, year = rows["fiches"][0]["fiche_id"], SETTINGS.exercice
    funder = rows["financeurs"][0]
    own = {"fiche_id": fiche, "exercice": year}
    rows["plan_charges"] = [
        {**own, "poste": "60 Achats", "montant": 1_500_50, "charge_id": "a", "commentaire": "Petit <matériel>"},
        {**own, "poste": "86 Emplois des contributions volontaires en nature", "montant": 30_00, "charge_id": "b"},
        {**own, "exercice": year + 1, "poste": "60 Achats", "montant": 999_00, "charge_id": "c"},
    ]
    asked = {"compte": "74 Subventions", "financeur_id": funder["financeur_id"], "montant_demande": 1_200_00}
    rows["plan_produits"] = [
        {**own, **asked, "montant_accorde": 1_000_00, "montant_verse": 400_00, "produit_id": "p"},
        {**own, "compte": "Autofinancement", "montant_demande": 450_50, "produit_id": "q"},
    ]
    path = tmp_path / "essai.docx"
    path.write_bytes(make_document(made(rows), load_template(TEMPLATE)))
    document = PublishedDocument(path)
    _, _, plan = (excel_table.rows for excel_table in document.tables_under(f"Fiche action {fiche}"))
    assert plan is not None
    assert [[flat(cell) for cell in row] for row in plan] == [
        ["Charges et produits", "Retenu", "Demandé", "Accordé", "Versé", "État"],
        ["Charges", "1 500,50 €", "", "", "", ""],
        ["60 Achats Petit <matériel>", "1 500,50 €", "", "", "", ""],
        ["Produits", "1 450,50 €", "1 650,50 €", "1 000 €", "400 €", ""],
        [f"74 Subventions – {funder['nom']}", "1 000 €", "1 200 €", "1 000 €", "400 €", "versé en partie"],
        ["Autofinancement", "450,50 €", "450,50 €", "", "", "demandé"],
        ["Contributions volontaires", "", "", "", "", ""],
        ["86 Emplois des contributions volontaires en nature", "30 €", "", "", "", ""],
        ["Écart des contributions", "-30 €", "", "", "", ""],
        ["Produits moins charges", "-50 €", "", "", "", ""],
        ["Cofinancement", "66,6 %", "", "", "", ""],
    ]
    assert len(document.tables_under(f"Fiche action {rows['fiches'][1]['fiche_id']}")) == 2


@pytest.mark.parametrize(("amounts", "rates"), [(1, 0), (3, 2)])
def test_an_amount_of_tens_of_millions_has_room_on_its_line(amounts: int, rates: int, tmp_path: Path) -> None:
    rows = large_rows(conventions=1, towns=2, fiches=1)
    names = ("montant_realise", "montant_vote", "montant_prevu")
    for line in rows["lignes_budgetaires"]:
        line |= {name: 12_345_678_05 if rank < amounts else None for rank, name in enumerate(names)}
    path = tmp_path / "essai.docx"
    path.write_bytes(make_document(made(rows), load_template(TEMPLATE)))
    for page_table in PublishedDocument(path).tables_under("Annexe 3 – Le budget de l’exercice")[:3]:
        widths = [int(column.attrib[f"{W}w"]) for column in page_table.element.iter(f"{W}gridCol")]
        assert widths[-amounts - rates] >= 1_500  # twentieths of a point: 17 signs and the sides
        assert sum(widths[: -amounts - rates]) >= sum(widths) / 3


def test_a_fiche_that_names_nobody_has_the_partners_of_the_register(tmp_path: Path) -> None:
    rows = large_rows(conventions=1, towns=2, fiches=2)
    named, blank = (fiche["fiche_id"] for fiche in rows["fiches"])
    first, second = rows["partenaires"] = [
        {"partenaire_id": partner_id, "nom": partner_id.title()} for partner_id in ("ville", "asso")
    ]
    rows["fiches"][0]["porteurs"], rows["fiches"][1]["porteurs"] = "Les 2 villes", None
    rows["fiches"][1]["partenaires_operationnels"] = None
    rows["participations"] = [
        {"fiche_id": fiche, "partenaire_id": partner["partenaire_id"], "role": "porteur"}
        for fiche in (named, blank) for partner in (first, second)
    ]  # fmt: skip
    path = tmp_path / "essai.docx"
    path.write_bytes(make_document(made(rows), load_template(TEMPLATE)))
    document = PublishedDocument(path)
    assert document.fiches[named][0]["Porteur(s)"] == "Les 2 villes"
    assert document.fiches[blank][0]["Porteur(s)"] == f"{first['nom']}, {second['nom']}"
    assert document.fiches[blank][0]["Partenaires opérationnels"] == ""


def test_hostile_texts_are_whole_and_harmless(tmp_path: Path) -> None:
    rows = large_rows(conventions=1, towns=1, fiches=1)
    hostile = "<w:p>&amp; ]]> \x00\x0b\ud800 {titre} 𝄞\u202e " + "mot " * 2500 + "fin"
    rows["fiches"][0]["proposition"] = hostile
    rows["conventions"][0]["titre"] = rows["lignes_budgetaires"][0]["libelle"] = "=1+1 </w:t> « \x07 »"
    path = tmp_path / "essai.docx"
    path.write_bytes(make_document(made(rows), load_template(TEMPLATE)))
    document = PublishedDocument(path)
    ((fields, _, _),) = document.fiches.values()
    shown = fields["Proposition d'action"]
    assert shown.startswith("<w:p>&amp; ]]> \ufffd\n\ufffd {titre} 𝄞")
    assert shown.endswith("mot fin")
    assert shown.count("mot") == 2500


# LibreOffice


@pytest.mark.libreoffice
def test_the_pdf_has_every_fiche_and_line_on_the_pages_that_are_said(chartres: tuple[Path, PublishedDocument]) -> None:
    folder, document = chartres
    done = tabellion("publish", "--format", "pdf", cwd=folder)
    assert done.code == 0, done.err
    path = folder / "workbooks" / "publication" / "chartres-2015-2020-2013.pdf"
    assert pdf_is_intact(path.read_bytes())
    text = subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True).stdout
    pages = text.removesuffix("\f").split("\f")
    assert all(len(page.split()) > 20 for page in pages[1:])  # no empty page
    where = {
        key: rank for rank, page in enumerate(pages, 1) for key in re.findall(r"^ *Fiche action (\S+)$", page, re.M)
    }
    assert list(where) == list(document.fiches)
    listed = {key: int(page) for page in pages for key, page in re.findall(r"^ *(\S+/\d+) +\S.* (\d+)$", page, re.M)}
    assert listed == where
    contents = next(page for page in pages if re.search("^ *Sommaire$", page, re.M))
    entries = re.findall(r"^ *(\S.*?)\.{3,} ?(\d+)$", contents, re.M)
    headings = [text for level, text in document.headings if level <= 2]
    assert [flat(words) for words, _ in entries] == [flat(heading) for heading in headings]
    for entry, number in entries:
        starts = re.escape(flat(entry)[:40])
        assert re.search(f"^{starts}", flat_lines(pages[int(number) - 1]), re.M), entry
    with pdfplumber.open(path) as pdf:
        elements = list(structure(pdf.structure_tree))
    kinds = Counter(kind for kind, _ in elements)
    assert kinds["Table", "Caption"] > len(document.fiches)
    assert kinds["TOC", "TOCI"] == len(entries)
    assert [bool(words) for (_, kind), words in elements if kind == "Figure"] == [True]
    everything = flat(text).replace(" ", "")
    for row in table(folder, "lignes_budgetaires"):
        assert flat(row["libelle"]).split(" ")[0] in everything
    assert everything.count("☒") == sum(
        sum(text.count("☒") for text in [*fields.values(), *(cell for cells in money for cell in cells)])
        for fields, money, _ in document.fiches.values()
    )


def structure(elements: list[Any], parent: str = "") -> Iterator[tuple[tuple[str, str], str | None]]:
    """The elements of a tagged PDF: what each is in what, and its words for who does not see it."""
    for element in elements:
        yield (parent, element["type"]), element.get("alt_text")
        yield from structure([kid for kid in element.get("children", ()) if isinstance(kid, dict)], element["type"])


def test_without_libreoffice_the_document_is_written_and_the_pdf_is_not(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(workspace))
    done = run(workspace, formats=("docx", "pdf"), conventions=(5,))
    assert [path.suffix for path in done.paths] == [".docx"]
    assert [finding.code for finding in done.notices] == ["pdf-impossible"]
    alone = run(workspace, formats=("pdf",), conventions=(5,))
    assert (alone.paths, [finding.code for finding in alone.notices]) == ((), ["pdf-impossible"])


def test_a_pdf_that_cannot_carry_the_register_says_so(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An office program whose PDF is laid out as no known one."""
    office = workspace / "soffice"
    office.write_text(
        '#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\n/bin/mkdir -p "$1"\necho %PDF-9.9 > "$1/document.pdf"\n'
    )
    office.chmod(0o755)
    monkeypatch.setenv("PATH", str(workspace))
    done = run(workspace, formats=("pdf",), conventions=(5,))
    assert [path.suffix for path in done.paths] == [".pdf"]
    assert [finding.code for finding in done.notices] == ["pdf-sans-registre"]


def test_a_year_of_the_lines_is_published_whatever_year_a_setting_may_be(workspace: Path) -> None:
    settings = find_workspace(workspace).settings
    assert (settings.showing(1998).exercice, settings.exercice) == (1998, 2013)
