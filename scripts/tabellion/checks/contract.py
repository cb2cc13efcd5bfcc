"""The tables of a contract against all rules: pure functions, whatever file they were read from."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from tabellion.checks.ceilings import check_ceilings, check_cpo_years
from tabellion.checks.coherence import check_coherence
from tabellion.checks.inspection import Inspection, Settled
from tabellion.checks.integrity import (
    check_constraints,
    check_names,
    check_references,
    check_structure,
    check_unicity,
    check_usage,
)
from tabellion.checks.plans import check_funding
from tabellion.checks.same_lines import check_financements, check_same_lines
from tabellion.checks.texts import check_texts
from tabellion.checks.totals import check_totals
from tabellion.contract.book import Book, Locate
from tabellion.findings import Finding

_Checks = tuple[Callable[[Inspection], None], ...]
#: What a workbook needs of what the schemas declare; then the rest of that, and what the tables mean: a rule added here
#: is one of every command.
_KEYS: _Checks = (check_unicity, check_references)
_INTEGRITY: _Checks = (check_structure, *_KEYS)
_MEANING: _Checks = (
    check_usage, check_names, check_coherence, check_cpo_years, check_texts, check_same_lines, check_financements,
    check_totals, check_funding, check_ceilings,
)  # fmt: skip


def _check(book: Book, locate: Locate | None, rules: _Checks, settled: Settled = MappingProxyType({})) -> Inspection:
    inspection = Inspection(book, locate, settled)
    for rule in rules:
        rule(inspection)
    return inspection


def check_contract(book: Book, locate: Locate | None = None) -> list[Finding]:
    """Everything that is wrong, or worth saying, in the tables of a contract, by table, row and field.

    ``locate`` gives the place of a row or of a cell, where the book's own is not meant. Nothing more is said of the
    book's unknown cells, nor of the totals that miss only them.
    """
    return _check(book, locate, (*_INTEGRITY, *_MEANING)).findings


def check_integrity(book: Book, locate: Locate | None = None) -> list[Finding]:
    """Only what rows are found by: keys, names, references; without it there is no workbook."""
    return _check(book, locate, _INTEGRITY).findings


def integrity_cells(
    book: Book, *, structural: bool = False, locate: Locate | None = None
) -> list[tuple[str, int, str | None, Finding]]:
    """What the schemas declare and the tables break, each with its table, position and field.

    Only what is ``structural``, or every constraint: what people type is held to all of them.
    """
    return _check(book, locate, _INTEGRITY if structural else (check_constraints, *_KEYS)).cells


def check_meaning(book: Book, locate: Locate | None = None) -> list[Finding]:
    """The rest of :func:`check_contract`, for tables whose integrity is known."""
    return _check(book, locate, _MEANING).findings


def check_returned_rows(book: Book, locate: Locate, settled: Settled) -> list[Finding]:
    """The constraints and references of rows returned by partners, all files at once, but of ``settled`` cells.

    The book has the register's tables, with the returned rows in place of its own: unicity is a matter of each file.
    """
    return _check(book, locate, (check_constraints, check_references, check_names), settled).findings
