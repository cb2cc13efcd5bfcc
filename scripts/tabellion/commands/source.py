"""What each command starts from: the contract (its workbook, or else its register), or the consolidated state.

``generate``, ``forms`` and the comparison of returns start from the register; ``annexe``, ``export`` and ``publish``
from :data:`Depuis`, what ``--depuis`` says; ``consolidate`` and ``adopt`` from the workbook, and from what was last
accepted where it is blocked (:mod:`tabellion.commands.inputs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum

from tabellion.campaign.adoption import load_adoption
from tabellion.campaign.books import read_book
from tabellion.checks.contract import check_integrity
from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.register import hand_print, load_register
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import load_theme
from tabellion.reading import read_workbook


class Depuis(StrEnum):
    """What ``--depuis`` may say."""

    CONTRAT = "contrat"
    CONSOLIDATION = "consolidation"


def load_contract(workspace: Workspace, depuis: Depuis | None = None) -> Book:
    """Read the contract from its register, or from what ``depuis`` says; nothing is written.

    Raises :class:`TabellionError` with every mistake of the schemas, then with all that keeps it from being read: of
    the layout, of the register (or the workbook), of what the schemas declare.
    """
    if depuis is Depuis.CONTRAT and workspace.contrat.exists():
        return _load_workbook(workspace)
    schemas, mistakes = workspace.schemas, list[Finding]()
    theme, book, adoption, by_hand = NO_THEME, None, "", ""
    folder = (
        workspace.registre if depuis is not Depuis.CONSOLIDATION else workspace.consolidation / workspace.registre.name
    )
    with _gathered(mistakes):
        theme = load_theme(workspace.layout, schemas)
    with _gathered(mistakes):
        if depuis is Depuis.CONSOLIDATION and not folder.is_dir():
            place = Place(str(workspace.consolidation))
            raise TabellionError([finding("consolidation-absente", place, valeur=str(workspace.consolidation))])
        book = load_register(folder, schemas, workspace.settings, theme)
        mistakes += check_integrity(book)
    with _gathered(mistakes):
        if depuis is not Depuis.CONSOLIDATION:
            adoption, by_hand = load_adoption(folder).name, hand_print(folder, schemas)
    if mistakes or book is None:
        raise TabellionError(mistakes)
    name = folder.relative_to(workspace.workbooks).as_posix()
    return replace(book, fichier=name, adoption=adoption, by_hand=by_hand)


def _load_workbook(workspace: Workspace) -> Book:
    theme = load_theme(workspace.layout, workspace.schemas)
    name = workspace.contrat.name
    book = read_book(read_workbook(workspace.contrat), name, workspace.settings, workspace.schemas, theme)
    findings = [each.in_file(name) for each in book.findings]
    if not book.is_sound:
        raise TabellionError([each for each in findings if each.bloquant] or findings)
    return replace(book, findings=())


@contextmanager
def _gathered(mistakes: list[Finding]) -> Iterator[None]:
    """Add what refuses a part to ``mistakes``, and go on to the next part."""
    try:
        yield
    except TabellionError as error:
        mistakes += error.findings


def source_words(workspace: Workspace, book: Book) -> str:
    """What a book was read from, in French."""
    if book.fichier == workspace.registre.name:
        return "le registre"
    return book.fichier if book.fichier == workspace.contrat.name else "l'état consolidé"
