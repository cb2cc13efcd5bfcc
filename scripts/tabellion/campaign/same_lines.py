"""Budget lines that may be one: the same words, convention, collectivité and exercice under two identifiers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tabellion.campaign.decisions import Choice, Decisions, Kind, Question, Statement, question_id
from tabellion.campaign.merge import Merged
from tabellion.campaign.model import DroppedRow, MergeOutcome
from tabellion.campaign.questions import drop_rows
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.measures import AMOUNT_WORDS, AMOUNTS
from tabellion.schema import Key
from tabellion.schema.money import format_euros
from tabellion.wording import fold

SAME, APART = "meme-ligne", "deux-lignes"
_TABLE, _ID, _LABEL = "lignes_budgetaires", "ligne_id", "libelle"
_GROUP = ("convention_id", "collectivite_id", "exercice")


@dataclass(frozen=True, slots=True)
class AskedLines:
    """Lines that may be one, the one that would stay first: their values and where they stand."""

    question: str
    rows: tuple[Mapping[str, Any], ...]
    places: tuple[Place, ...]


def merge_same_lines(merged: Merged, decisions: Decisions, blank_labels: Collection[str]) -> list[AskedLines]:
    """Make one line of those that were decided to be one; returns the lines that are to be asked about, or were.

    The first one keeps its identifier and its amounts, and takes what it has blank from the others, which go.
    ``blank_labels`` are the words that stand for a missing label.
    """
    asked: list[AskedLines] = []
    gone: list[int] = []
    rows, origins = merged.rows[_TABLE], merged.origins[_TABLE]
    for group, positions in _alike(rows, blank_labels).items():
        identifiers = sorted({str(rows[position][_ID]) for position in positions})
        question = question_id(Kind.SAME_LINE, *group, identifiers)
        lines = tuple(dict(rows[position]) for position in positions)
        asked.append(AskedLines(question, lines, tuple(origins[position] for position in positions)))
        if decisions.code(question) == SAME:
            for position in positions[1:]:
                _fill(merged, positions[0], position)
                key = (rows[position][_ID], rows[position]["exercice"])
                place = origins[position]
                merged.dropped.append(DroppedRow(_TABLE, key, rows[position][_LABEL], place, question))
                gone.append(position)
    if gone:
        keys = {(rows[position][_ID], rows[position]["exercice"]) for position in gone}
        merged.modifications = [
            replace(each, outcome=MergeOutcome.DECLINED)
            if each.outcome is MergeOutcome.APPLIED and each.table == _TABLE and each.key in keys
            else each
            for each in merged.modifications
        ]
        drop_rows(merged, _TABLE, gone)
    return asked


def same_line_questions(asked: Iterable[AskedLines], labels: Labels) -> Iterator[Question]:
    """One question for each line under several identifiers."""
    for each in asked:
        first, *others = each.rows
        key: Key = (first[_ID], first["exercice"])
        town = labels.word(_TABLE, "collectivite_id", first["collectivite_id"])
        where = f"convention {first['convention_id']}, {town}, {first['exercice']}"
        statements = [
            Statement(f"Ligne {row[_ID]}", _amounts(row), place)
            for row, place in zip(each.rows, each.places, strict=True)
        ]
        lost = " ; ".join(f"{row[_ID]} ({_amounts(row)})" for row in others)
        yield Question(
            each.question, Kind.SAME_LINE, _TABLE, key, None, f"{first[_LABEL]} ({where})", labels.table(_TABLE),
            f"« {first[_LABEL]} » ({where}) est là sous {len(each.rows)} identifiants.", tuple(statements),
            (
                Choice(SAME, "même ligne", f"{first[_ID]} reste avec ses montants ; ne compte plus : {lost}."),
                Choice(APART, "deux lignes" if len(others) == 1 else "lignes distinctes", "Toutes comptent."),
            ), each.places[0],
        )  # fmt: skip


def _alike(rows: Sequence[Mapping[str, Any]], blank_labels: Collection[str]) -> dict[tuple[Any, ...], list[int]]:
    """The positions of the lines that have the same words in the same place, where their identifiers differ."""
    missing = {fold(word) for word in blank_labels}
    groups: dict[tuple[Any, ...], list[int]] = {}
    for position, row in enumerate(rows):
        words = fold(row[_LABEL] or "")
        place = tuple(row[name] for name in _GROUP)
        if any(map(str.isalnum, words)) and words not in missing and None not in place:
            groups.setdefault((*place, words), []).append(position)
    return {
        group: positions
        for group, positions in groups.items()
        if len(positions) > 1 and len({rows[position][_ID] for position in positions}) == len(positions)
    }


def _fill(merged: Merged, kept: int, other: int) -> None:
    """Give the line that stays what it has blank and the other has not."""
    rows = merged.rows[_TABLE]
    for name, value in rows[other].items():
        if rows[kept][name] is None and value is not None:
            rows[kept][name] = value
            merged.cells[_TABLE, kept, name] = merged.cells.get((_TABLE, other, name), merged.origins[_TABLE][other])


def _amounts(row: Mapping[str, Any]) -> str:
    known = [f"{AMOUNT_WORDS[name]} {format_euros(row[name])}" for name in AMOUNTS if row.get(name) is not None]
    return ", ".join(known) or "sans montant"
