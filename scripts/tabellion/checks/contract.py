"""The tables of a contract against all rules: one pure function, whatever file they were read from."""

from __future__ import annotations

from tabellion.checks.coherence import check_coherence
from tabellion.checks.constraints import check_constraints
from tabellion.checks.inspection import Inspection, Locate
from tabellion.checks.keys import check_references, check_unicity
from tabellion.checks.plans import check_funding
from tabellion.checks.same_lines import check_same_lines
from tabellion.checks.texts import check_texts
from tabellion.checks.totals import check_totals
from tabellion.contract.book import Book
from tabellion.findings import Finding
from tabellion.schema import Key


def check_contract(book: Book, locate: Locate | None = None) -> list[Finding]:
    """Everything that is wrong, or worth saying, in the tables of a contract, by table, row and field.

    ``locate`` gives the place of a row or of a cell, where the book's own is not meant. Nothing more is said of the
    book's unknown cells, nor of the totals that miss only them.
    """
    inspection = Inspection(book, locate)
    _check_integrity(inspection)
    _check_meaning(inspection, book.apart)
    return inspection.findings


def check_integrity(book: Book, locate: Locate | None = None) -> list[Finding]:
    """Only what the schemas declare: constraints, unicity, keys; without it there is no workbook."""
    inspection = Inspection(book, locate)
    _check_integrity(inspection)
    return inspection.findings


def integrity_cells(book: Book) -> list[tuple[str, int, str | None, Finding]]:
    """What :func:`check_integrity` says, each with its table, position and field."""
    inspection = Inspection(book)
    _check_integrity(inspection)
    return inspection.cells


def check_meaning(book: Book, locate: Locate | None = None) -> list[Finding]:
    """The rest of :func:`check_contract`, for tables whose integrity is known."""
    inspection = Inspection(book, locate)
    _check_meaning(inspection, book.apart)
    return inspection.findings


def check_returned_rows(book: Book, locate: Locate) -> list[Finding]:
    """The constraints and references of rows returned by partners, all files at once.

    The book has the register's tables, with the returned rows in place of its own: unicity is a matter of each file.
    """
    inspection = Inspection(book, locate)
    check_constraints(inspection)
    check_references(inspection)
    return inspection.findings


def _check_integrity(inspection: Inspection) -> None:
    check_constraints(inspection)
    check_unicity(inspection)
    check_references(inspection)


def _check_meaning(inspection: Inspection, apart: frozenset[frozenset[Key]]) -> None:
    check_coherence(inspection)
    check_texts(inspection)
    check_same_lines(inspection, apart)
    check_totals(inspection)
    check_funding(inspection)
