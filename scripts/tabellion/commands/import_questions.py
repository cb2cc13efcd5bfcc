"""``correspondance.xlsx`` beside an import: what it asks, what staff decided there, and the preview of what will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tabellion.contract.workspace import Workspace, starter_kit
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.importing import (
    CORRESPONDENCE_FILE,
    IMPORT_FILE,
    Choices,
    Correspondence,
    ImportWords,
    Match,
    Topic,
    load_import_words,
    read_correspondence,
    write_correspondence,
)
from tabellion.layout.theme import load_theme
from tabellion.reading import read_workbook
from tabellion.reading.source import read_source
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Row
from tabellion.transaction.files import keep_dated_copy
from tabellion.transaction.open_files import owner_of
from tabellion.wording import plural
from tabellion.xlsx.signature import is_intact

_LISTED = 5
ContractRows = Mapping[str, Sequence[Row]]
"""The rows of tables, by their names."""


@dataclass
class CorrespondenceFile:
    """The workbook of an import's questions at ``path``: the decisions that it holds, and what is written there."""

    workspace: Workspace
    path: Path
    words: ImportWords = field(init=False)
    choices: Choices = field(init=False, default_factory=dict)
    findings: list[Finding] = field(init=False, default_factory=list)
    _earlier: tuple[Match, ...] = ()
    _is_open: bool = False

    def __post_init__(self) -> None:
        own = self.workspace.templates / IMPORT_FILE
        self.words = load_import_words(own if own.exists() else starter_kit() / "templates" / IMPORT_FILE)
        if not self.path.exists():
            return
        try:
            answers = read_correspondence(read_workbook(self.path), self.words)
        except TabellionError as error:
            detail = error.findings[0].message
            self.findings.append(finding("correspondance-illisible", Place(CORRESPONDENCE_FILE), detail=detail))
            return
        self.choices, self._earlier = answers.choices, answers.rows
        self.findings += answers.findings

    def left(self, correspondence: Correspondence) -> int:
        """How many things somebody is to look at."""
        return len(correspondence.open)

    def blocking(self, correspondence: Correspondence) -> list[Finding]:
        """What is said where a doubt keeps the import from writing: one finding that lists them all."""
        open_ = [match for match in correspondence.open if match.blocks]
        if not open_:
            return []
        listed = ", ".join(f"« {match.text} » ({match.where})" for match in open_[:_LISTED])
        more = " …" if len(open_) > _LISTED else ""
        count = plural(len(open_), "chose est", "choses sont")
        return [
            finding(
                "correspondance-a-confirmer", Place(CORRESPONDENCE_FILE, Topic.COLUMNS.value), valeur=count,
                liste=listed + more, chemin=str(self.path),
            )
        ]  # fmt: skip

    def contents(self, correspondence: Correspondence, tables: ContractRows, now: datetime) -> dict[Path, bytes]:
        """The workbook to write at its path; nothing, said, while somebody has it open, nor where nothing changed."""
        content = self._content(correspondence, tables)
        if self.path.is_file() and read_source(self.path) == content:
            return {}
        owner = owner_of(self.path, now)
        if owner is None or owner.is_stale:
            return {self.path: content}
        self._is_open = True
        owner_words = f" chez {owner.nom}" if owner.nom else ""
        self.findings.append(finding("correspondance-ouverte", Place(CORRESPONDENCE_FILE), valeur=owner_words))
        return {}

    def _content(self, correspondence: Correspondence, tables: ContractRows) -> bytes:
        """The workbook with all that this import found, and the decisions of the ones before."""
        lists = {
            Topic.COLLECTIVITES: [row["nom"] for row in tables["collectivites"]],
            Topic.PARTNERS: [row["nom"] for row in tables["partenaires"]],
            Topic.CONVENTIONS: [f"{row['convention_id']} - {row['titre']}" for row in tables["conventions"]],
            Topic.DOSSIERS: [row["fiche_id"] for row in tables["fiches"]],
        }
        settings = self.workspace.settings
        return write_correspondence(
            correspondence, self._earlier, self.words, lists,
            load_theme(self.workspace.layout, self.workspace.schemas), titre=settings.titre, year=settings.debut,
        )  # fmt: skip

    def keep_edited(self, now: datetime, archives: Path | None) -> list[Path]:
        """Keep a dated copy of what somebody edited there: their decisions are written again, their notes are not."""
        if self._is_open or not self.path.exists() or is_intact(read_source(self.path)):
            return []
        return [keep_dated_copy(self.path, now, archives)]


def counted_contract(tables: ContractRows) -> str:
    """A contract in a few numbers: « 69 fiches, 160 lignes, 12 660 397 € »; empty for none."""
    lines = tables.get("lignes_budgetaires", ())
    fiches = tables.get("fiches", ())
    if not lines and not fiches:
        return ""
    kinds = ("montant_realise", "montant_vote", "montant_prevu")
    amounts = [next((row[kind] for kind in kinds if row[kind] is not None), 0) for row in lines]
    total = format_euros(sum(amounts)).replace("\u202f", " ").replace("\u00a0", " ")
    grants = len(tables.get("subventions", ()))
    more = f", {plural(grants, 'subvention')}" if grants else ""
    return f"{plural(len(fiches), 'fiche')}, {plural(len(lines), 'ligne')}, {total}{more}"
