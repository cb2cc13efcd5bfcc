"""What the import found and what each is held to be: proposed here, decided by the staff in a workbook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby

from tabellion.findings import Finding, Place, finding
from tabellion.importing.lines import key
from tabellion.importing.words import Certainty, ImportWords
from tabellion.layout.theme import Theme
from tabellion.reading.raw import RawSheet, RawWorkbook
from tabellion.wording import plural, shortened
from tabellion.xlsx.lists import CellMaker, ListColumn, finish, maker_for, note, write_columns
from tabellion.xlsx.sheets import Cell
from tabellion.xlsx.signature import close_signed
from tabellion.xlsx.writer import Sheet, Writer

SET_ASIDE = "(mettre de côté)"
"""What staff choose for what is not to be read."""
SHEET_GROUP = "Feuille"
"""The group of the matches that say what a whole sheet is."""
_MOST_SAMPLES = 3


class Topic(Enum):
    """What a match is about: the name of its sheet in ``correspondance.xlsx``."""

    COLUMNS = "Correspondance"
    COLLECTIVITES = "Collectivités"
    PARTNERS = "Partenaires"
    CONVENTIONS = "Conventions"
    YEARS = "Années"
    DOSSIERS = "Dossiers"


ChoiceKey = tuple[Topic, str, str]
"""A topic, a group (the kind of the table, for columns) and the key of what was found."""
Choices = Mapping[ChoiceKey, str]
"""What staff decided, in the words of the sheet."""


@dataclass(frozen=True, slots=True)
class Match:
    """One text of a document, and what it is held to be.

    ``where`` says its file, sheet and cell; ``meaning`` is in the words of the sheet, empty when nothing is proposed.
    Until it is ``decided``, one that ``blocks`` keeps the import from writing.
    """

    topic: Topic
    group: str
    text: str
    where: str
    samples: tuple[str, ...]
    meaning: str
    certainty: Certainty
    decided: bool
    blocks: bool

    @property
    def choice_key(self) -> ChoiceKey:
        """By what the decision about it is kept."""
        return self.topic, self.group, key(self.text)

    @property
    def is_open(self) -> bool:
        """Whether somebody is to look at it."""
        return not self.decided and self.certainty is not Certainty.SURE


@dataclass
class Correspondence:
    """All matches of one import, in the order in which they were found, and the decisions that they follow."""

    choices: Choices = field(default_factory=dict)
    matches: dict[ChoiceKey, Match] = field(default_factory=dict)

    def ask(
        self,
        topic: Topic,
        text: str,
        meaning: str | None,
        certainty: Certainty,
        *,
        group: str = "",
        where: str = "",
        samples: tuple[str, ...] = (),
        blocks: bool = False,
    ) -> str:
        """What is held of ``text``: as decided, else as proposed; empty when it is unknown or set aside.

        Asked again, the same thing gets the same answer; it is entered once.
        """
        match = Match(topic, group, text, where, samples[:_MOST_SAMPLES], meaning or "", certainty, False, blocks)
        decided = self.choices.get(match.choice_key)
        if decided is not None:
            match = Match(topic, group, text, where, samples[:_MOST_SAMPLES], decided, certainty, True, blocks)
        entered = self.matches.setdefault(match.choice_key, match)
        return "" if entered.meaning == SET_ASIDE else entered.meaning

    def is_set_aside(self, topic: Topic, text: str, group: str = "") -> bool:
        """Whether staff decided that it is not to be read."""
        return self.choices.get((topic, group, key(text))) == SET_ASIDE

    @property
    def open(self) -> list[Match]:
        """The matches that somebody is to look at."""
        return [match for match in self.matches.values() if match.is_open]


CORRESPONDENCE_FILE = "correspondance.xlsx"
ACCEPTED, TO_CONFIRM = "accepté", "à confirmer"
_HEADER = 4
_LISTS = "Listes"
_GROUP, _FOUND, _WHERE, _SAMPLES = "Tableau", "Trouvé", "Où", "Exemples"
_MEANING, _CERTAINTY, _DECISION, _PROPOSED = "C'est", "Certitude", "Décision", "Proposé"
_EARLIER = "un import précédent"
#: What a choice must look like, where it is no name (an exercice; a convention by its number), and how to type it.
_EXPECTED = {
    Topic.YEARS: (re.compile(r"20\d\d"), "Saisissez l'exercice en quatre chiffres, comme 2014"),
    Topic.CONVENTIONS: (re.compile(r"\d{1,3}\b.*", re.DOTALL), "Saisissez le numéro et l'intitulé, comme 3 - Santé"),
}
_INTRO = {
    Topic.COLUMNS: "Ce que l'import a trouvé : colonnes, rubriques et feuilles, et celui de nos champs que c'est.",
    Topic.COLLECTIVITES: "Les collectivités nommées dans les fichiers, et celle que c'est.",
    Topic.PARTNERS: "Les partenaires nommés : qui est-ce ? Un nom, plusieurs séparés par « ; », ou mis de côté.",
    Topic.CONVENTIONS: "Les conventions nommées : leur numéro et leur intitulé, comme « 3 - Santé ».",
    Topic.YEARS: "Les documents et les tableaux de crédits qui ne disent pas leur année : l'exercice de chacun.",
    Topic.DOSSIERS: "Les dossiers des exports : la fiche action de chacun, par son numéro.",
}  # fmt: skip
_HOW = "Corrigez « C'est » ou choisissez « accepté », enregistrez, puis relancez l'import."
_BLOCKS = " Rien n'est écrit tant que l'une d'elles porte des montants."


@dataclass(frozen=True)
class StaffChoices:
    """What ``correspondance.xlsx`` says: decisions by what they are about, the rows to keep, what cannot be used."""

    choices: dict[ChoiceKey, str]
    rows: tuple[Match, ...]
    findings: tuple[Finding, ...]


def write_correspondence(
    correspondence: Correspondence, earlier: Iterable[Match], words: ImportWords, lists: Mapping[Topic, Sequence[str]],
    theme: Theme, *, titre: str, year: int,
) -> bytes:  # fmt: skip
    """The bytes of the workbook: all matches, the open ones first; decisions of ``earlier`` imports after them.

    ``lists`` are what may be chosen for the names of each topic.
    """
    matches = dict(correspondence.matches)
    for match in earlier:
        matches.setdefault(match.choice_key, match)
    writer = Writer(theme)
    first: Sheet | None = None
    fields = [*words.titles.values(), SET_ASIDE]
    natures = [*(table.title for table in words.tables), SET_ASIDE]
    columns = {Topic.COLUMNS: fields, **{topic: [*names, SET_ASIDE] for topic, names in lists.items()}}
    ordered = list(columns)
    for topic in Topic:
        rows = [match for match in matches.values() if match.topic is topic]
        if not rows and topic not in (
            Topic.COLUMNS,
            Topic.COLLECTIVITES,
            Topic.PARTNERS,
            Topic.CONVENTIONS,
            Topic.YEARS,
        ):
            continue
        rows.sort(key=lambda match: (not match.is_open, match.group != SHEET_GROUP, match.group))
        sheet = writer.sheet(topic.value)
        first = first or sheet
        place = ordered.index(topic) if topic in columns else None
        _write_topic(sheet, topic, rows, place, len(columns.get(topic, ())), (len(ordered), len(natures)), titre)
    _write_lists(writer, [*columns.values(), natures])
    assert first is not None  # noqa: S101 (a sheet for the columns is always there)
    return close_signed(writer, first, title=f"{titre} : correspondance", subject="Import", year=year)


def _write_topic(
    sheet: Sheet, topic: Topic, rows: list[Match], place: int | None, count: int, natures: tuple[int, int], titre: str
) -> None:
    columns = _columns(maker_for(sheet.writer, len(rows)), topic)
    sheet.title(topic.value, _INTRO[topic], len(columns))
    left = sum(match.is_open for match in rows)
    more = _BLOCKS if any(match.is_open and match.blocks for match in rows) else ""
    note(sheet, 2, f"{plural(left, 'ligne à voir', 'lignes à voir')} sur {len(rows)}. {_HOW}{more}")
    last = write_columns(sheet, topic.name.capitalize(), _HEADER, columns, rows, empty="Rien.")
    labels = [column.label for column in columns]
    if rows:
        meaning, decision = labels.index(_MEANING), labels.index(_DECISION)
        first = _HEADER + 1
        for is_sheet, own in groupby(rows, key=lambda match: match.group == SHEET_GROUP):
            count_of = len(list(own))
            column, size = natures if is_sheet else (place, count)
            if column is not None:
                source = f"='{_LISTS}'!${_letter(column)}$1:${_letter(column)}${size}"
                listed: dict[str, object] = {"validate": "list", "source": source}
                listed["show_error"] = topic is Topic.COLUMNS  # names may be others than those known
                area = (first, meaning, first + count_of - 1, meaning)
                sheet.validation(area, listed, None, _MEANING, "Choisissez dans la liste.")
            first += count_of
        area = (_HEADER + 1, decision, last, decision)
        states: dict[str, object] = {"validate": "list", "source": [ACCEPTED, TO_CONFIRM]}
        sheet.validation(area, states, None, _DECISION, f"Choisissez « {ACCEPTED} » ou « {TO_CONFIRM} ».")
    sheet.hide([labels.index(_PROPOSED)], button=False)
    finish(sheet, titre, columns=0, header=_HEADER)


def _letter(column: int) -> str:
    return chr(ord("A") + column)


def _write_lists(writer: Writer, lists: Iterable[Sequence[str]]) -> None:
    sheet, style = writer.sheet(_LISTS), writer.format()
    for column, values in enumerate(lists):
        for row, value in enumerate(values):
            sheet.write(row, column, value, style)
    sheet.raw.very_hidden()


def _columns(maker: CellMaker, topic: Topic) -> list[ListColumn]:
    colours = maker.writer.theme.colours

    def typed(match: Match, text: str) -> Cell:
        """A cell to correct: yellow while the match is open."""
        ground = {"bg_color": colours["avertissement"]} if match.is_open else {}
        style = maker.writer.format(
            num_format="@", text_wrap=True, valign="top", border=1, border_color=colours["filet_saisie"],
            font_color=colours["avertissement_texte" if match.is_open else "encre"], **ground,
        )  # fmt: skip
        return Cell(text or None, style)

    def state(match: Match) -> Cell:
        return maker.state("? à voir", "avertissement") if match.is_open else maker.state("✓ réglé", "juste")

    group = [ListColumn(_GROUP, 22, cell=lambda match: maker.text(match.group))] if topic is Topic.COLUMNS else []
    samples = ListColumn(_SAMPLES, 34, cell=lambda match: maker.text(shortened(" · ".join(match.samples), 300) or None))
    return [
        ListColumn("État", 10, "center", cell=state),
        *group,
        ListColumn(_FOUND, 34, cell=lambda match: maker.text(match.text)),
        ListColumn(_WHERE, 30, cell=lambda match: maker.text(match.where or _EARLIER)),
        *([samples] if topic in (Topic.COLUMNS, Topic.DOSSIERS) else []),
        ListColumn(_MEANING, 36, cell=lambda match: typed(match, match.meaning)),
        ListColumn(_CERTAINTY, 11, "center", cell=lambda match: maker.centred(match.certainty.value)),
        ListColumn(_DECISION, 13, "center", cell=lambda match: typed(match, TO_CONFIRM if match.is_open else ACCEPTED)),
        ListColumn(_PROPOSED, 12, cell=lambda match: maker.line(match.meaning or None)),
    ]


def read_correspondence(workbook: RawWorkbook, words: ImportWords) -> StaffChoices:
    """What staff decided in a ``correspondance.xlsx``: a row that they accepted, or whose meaning they changed."""
    choices = dict[ChoiceKey, str]()
    rows, findings = list[Match](), list[Finding]()
    allowed = {SET_ASIDE, *words.titles.values(), *(table.title for table in words.tables)}
    for topic in Topic:
        sheet = workbook.sheet(topic.value)
        if sheet is None or len(sheet.rows) <= _HEADER:
            continue
        labels = {str(value): column for column, value in enumerate(sheet.rows[_HEADER], 1) if value is not None}
        if not {_FOUND, _MEANING} <= labels.keys():
            continue
        for row in range(_HEADER + 2, len(sheet.rows) + 1):
            text = _text(sheet, row, labels.get(_FOUND))
            meaning, proposed = (_text(sheet, row, labels.get(name)) for name in (_MEANING, _PROPOSED))
            decision = key(_text(sheet, row, labels.get(_DECISION)))
            is_decided = decision == key(ACCEPTED) or meaning != proposed
            if not text or not is_decided or (not meaning and not proposed):
                continue
            meaning = meaning or SET_ASIDE
            pattern, remedy = _EXPECTED.get(topic, (None, "Choisissez dans la liste de la cellule"))
            is_known = meaning in allowed if topic is Topic.COLUMNS else pattern is None or pattern.fullmatch(meaning)
            if not is_known and meaning != SET_ASIDE:
                cell = sheet.place(row, labels[_MEANING])
                place = Place(workbook.fichier, cell.feuille, cell.cellule)
                suggestion = f"{remedy}, enregistrez, puis relancez l'import."
                findings.append(finding("choix-hors-liste", place, valeur=meaning, suggestion=suggestion))
                continue
            group = _text(sheet, row, labels.get(_GROUP))
            word = _text(sheet, row, labels.get(_CERTAINTY))
            certainty = next((certainty for certainty in Certainty if certainty.value == word), Certainty.SURE)
            match = Match(topic, group, text, "", (), meaning, certainty, True, False)
            choices[match.choice_key] = meaning
            rows.append(match)
    return StaffChoices(choices, tuple(rows), tuple(findings))


def _text(sheet: RawSheet, row: int, column: int | None) -> str:
    value = None if column is None else sheet.value(row, column)
    return "" if value is None else " ".join(str(int(value) if isinstance(value, float) else value).split())
