"""Every kind of workbook and document that the program writes, each made once: of the repository's own contract, and
of a wide one."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import openpyxl

from support.consolidations import consolidation_of, rich
from support.contracts import ROOT
from support.forms import written_form
from support.large_contracts import wide_rows
from support.masters import chartres, contract_of, master, theme, written
from tabellion.commands.diff import diff
from tabellion.contract.book import Book
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding, Place, Severity
from tabellion.outputs.annex import write_annex
from tabellion.outputs.consolidation import write_consolidation
from tabellion.outputs.document import make_document
from tabellion.outputs.document.model import DocumentModel
from tabellion.outputs.document.template import load_template
from tabellion.outputs.forms import make_forms
from tabellion.outputs.forms.workbook import write_form
from tabellion.xlsx.annotation import annotated_copy

_FINDINGS = tuple(
    Finding("valeur-hors-liste", Severity.ERREUR, True, Place("x", "Budget", cell), "Message.", "Remède.")
    for cell in ("F6", "F7", "P300")
)


@cache
def wide() -> Book:
    """The wide contract, with its plans de financement."""
    made = contract_of(wide_rows())
    return replace(made, settings=replace(made.settings, plan_de_financement=True))


def _form() -> bytes:
    return written_form("Chartres", "chartres")


def _wide_form() -> bytes:
    (form,) = make_forms(wide(), 2016, ["bailleur"])
    return write_form(wide(), form)


@cache
def saved_by_openpyxl() -> bytes:
    """A form as openpyxl saves it."""
    stream = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(_form())).save(stream)
    return stream.getvalue()


def _differences() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        before, after, target = (Path(folder) / f"{name}.xlsx" for name in ("avant", "apres", "differences"))
        _, content = master("Chartres")
        before.write_bytes(content)
        book = openpyxl.load_workbook(io.BytesIO(content))
        budget, fiches = (next(sheet for sheet in book if sheet.title.startswith(key)) for key in ("B01", "C01"))
        table = budget.tables["Lignes_01"].ref
        for row in budget[table][1:4]:
            row[5].value = 12345.67
        fiches["D6"].value = "Autre objectif"
        book.save(after)
        diff(find_workspace(ROOT), before, after, now=datetime(2016, 12, 1), to_workbook=target)
        return target.read_bytes()


def _document() -> bytes:
    template = load_template(ROOT / "templates" / "document.docx")
    return make_document(DocumentModel(wide(), frozenset(), {}, (), "d’un essai"), template)


#: How each kind is made, whose ending is ``.xlsx`` but for the document.
MAKERS: Mapping[str, Callable[[], bytes]] = {
    "contrat": lambda: master("Chartres")[1],
    "contrat large": lambda: written(wide())[1],
    "formulaire": _form,
    "formulaire large": _wide_form,
    "consolidation": lambda: write_consolidation(rich()),
    "consolidation large": lambda: write_consolidation(consolidation_of(wide(), wide().tables)),
    "annexe": lambda: write_annex(chartres(), 2013),
    "annexe large": lambda: write_annex(wide(), 2016),
    "différences": _differences,
    "copie annotée": lambda: annotated_copy(_form(), _FINDINGS, theme()),
    "copie annotée d'openpyxl": lambda: annotated_copy(saved_by_openpyxl(), _FINDINGS, theme()),
    "document": _document,
}


@cache
def content_of(kind: str) -> bytes:
    """The file of one of the kinds of :data:`MAKERS`."""
    return MAKERS[kind]()
