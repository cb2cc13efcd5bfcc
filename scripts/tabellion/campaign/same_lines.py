"""Budget lines that may be one: the same words, convention, collectivité and exercice under two identifiers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tabellion.campaign.decisions import Choice, Decisions, Question, QuestionKind, Statement, question_id
from tabellion.campaign.merged import NO_PLACES, Merged, drop_rows
from tabellion.campaign.model import DroppedRow, MergeOutcome
from tabellion.checks.same_lines import same_lines
from tabellion.contract.book import Book
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.measures import AMOUNT_WORDS, AMOUNTS
from tabellion.schema import Key
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Row
from tabellion.wording import fold

SAME, APART = "meme-ligne", "deux-lignes"
_TABLE, _ID, _LABEL = "lignes_budgetaires", "ligne_id", "libelle"
_GROUP = ("convention_id", "collectivite_id", "exercice")


@dataclass(frozen=True, slots=True)
class AskedLines:
    """Lines that may be one, the one that would stay first: their values and where they stand."""

    question: str
    rows: tuple[Row, ...]
    places: tuple[Place, ...]


def apart_lines(book: Book, decisions: Decisions) -> frozenset[frozenset[Key]]:
    """The pairs of lines, by their keys, that were decided to be two although they look the same."""
    if not any(decision.choice == APART for decision in decisions.by_question.values()):
        return frozenset()
    rows = book.tables[_TABLE].rows
    return frozenset(
        frozenset((_key(rows[positions[0]]), _key(rows[other])))
        for question, positions in _alike(book).items()
        if decisions.code(question) == APART
        for other in positions[1:]
    )


def merge_same_lines(merged: Merged, book: Book, decisions: Decisions) -> list[AskedLines]:
    """Make one line of those that were decided to be one; returns the lines that are to be asked about, or were.

    The first one keeps its identifier and its amounts, and takes what it has blank from the others, which go.
    ``book`` is the contract with the tables as merged.
    """
    asked: list[AskedLines] = []
    joined: list[int] = []
    row_places = merged.row_places[_TABLE]
    for question, positions in _alike(book).items():
        rows = merged.tables[_TABLE].rows
        alike = tuple(rows[position] for position in positions)
        asked.append(AskedLines(question, alike, tuple(row_places[position] for position in positions)))
        if decisions.code(question) == SAME:
            for position in positions[1:]:
                _fill(merged, positions[0], position)
                row = rows[position]
                merged.dropped.append(DroppedRow(_TABLE, _key(row), str(row[_LABEL]), row_places[position], question))
                joined.append(position)
    if joined:
        rows = merged.tables[_TABLE].rows
        keys = {_key(rows[position]) for position in joined}
        merged.modifications = [
            modification._replace(outcome=MergeOutcome.DECLINED)
            if modification.outcome is MergeOutcome.APPLIED
            and modification.table == _TABLE
            and modification.key in keys
            else modification
            for modification in merged.modifications
        ]
        drop_rows(merged, _TABLE, joined)
    return asked


def same_line_questions(asked: Iterable[AskedLines], labels: Labels) -> Iterator[Question]:
    """One question for each line under several identifiers."""
    for question in asked:
        first, *others = question.rows
        town = labels.word(_TABLE, "collectivite_id", first["collectivite_id"])
        where = f"convention {first['convention_id']}, {town}, {first['exercice']}"
        statements = [
            Statement(f"Ligne {row[_ID]}", _amounts(row), place)
            for row, place in zip(question.rows, question.places, strict=True)
        ]
        lost = " ; ".join(f"{row[_ID]} ({_amounts(row)})" for row in others)
        row = f"{first[_LABEL]} ({where})"
        yield Question(
            question.question, QuestionKind.SAME_LINE, _TABLE, _key(first), None, row, labels.table(_TABLE),
            f"« {first[_LABEL]} » ({where}) est là sous {len(question.rows)} identifiants.", tuple(statements),
            (
                Choice(SAME, "même ligne", f"{first[_ID]} reste avec ses montants ; ne compte plus : {lost}."),
                Choice(APART, "deux lignes" if len(others) == 1 else "lignes distinctes", "Toutes comptent."),
            ), question.places[0],
        )  # fmt: skip


def _alike(book: Book) -> dict[str, list[int]]:
    """The positions of lines that may be one, the first one first, by the id of their question."""
    groups: dict[int, list[int]] = {}
    for pair in same_lines(book):
        groups.setdefault(pair.first, [pair.first]).append(pair.second)
    rows = book.tables[_TABLE].rows if groups else []
    return {_question(rows, positions): positions for positions in groups.values()}


def _question(rows: Sequence[Row], positions: Sequence[int]) -> str:
    first = rows[positions[0]]
    place = [first[name] for name in _GROUP]
    return question_id(
        QuestionKind.SAME_LINE, *place, fold(first[_LABEL] or ""), sorted(str(rows[at][_ID]) for at in positions)
    )


def _fill(merged: Merged, kept: int, other: int) -> None:
    """Give the line that stays what it has blank and the other has not."""
    table = merged.tables[_TABLE]
    filled = {
        name: [*values[:kept], values[other], *values[kept + 1 :]]
        for name, values in table.columns.items()
        if values[kept] is None and values[other] is not None
    }
    merged.tables[_TABLE] = table.with_columns(filled)
    places = merged.cells.setdefault(_TABLE, [NO_PLACES] * len(table))
    known, row_place = places[other], merged.row_places[_TABLE][other]
    places[kept] = {**places[kept], **{name: known.get(name, row_place) for name in filled}}


def _key(row: Row) -> Key:
    return (row[_ID], row["exercice"])


def _amounts(row: Row) -> str:
    known = [f"{AMOUNT_WORDS[name]} {format_euros(row[name])}" for name in AMOUNTS if row.get(name) is not None]
    return ", ".join(known) or "sans montant"
