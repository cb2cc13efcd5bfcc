"""The places of a contract's files, from the folder where its settings stand; nothing heavy is needed to know them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SETTINGS_FILE = "tabellion.toml"
#: In the workspace's memory: the journal, outputs being put in place, the workbook as it was last published, requests.
JOURNAL, STAGING = "journal.sqlite", "publication"
AS_PUBLISHED, REQUESTS_FILE = "consolidation.xlsx", "demandes.json"
#: The rows of the contract that returns or decisions speak of.
ANSWERED = "repondues.json"
#: The notices that were sent by mail, the letters of campaigns, both.
SENT_NOTICES, SENT_LETTERS = "avis.json", "courriers.json"
#: The mails that were collected.
COLLECTED = "releve.json"
OUTBOXES = (SENT_NOTICES, SENT_LETTERS)
#: The folder, in that of the consolidation, of the accepted files that are kept: what is in force never depends on a
#: file that people may move, replace or delete.
KEPT = "acceptes"
#: The folder, in that of the consolidation, of the consolidations before.
HISTORY = "historique"
#: The folder, in that of the consolidation, of the long tables of a large contract.
DETAILS = "details"


@dataclass(frozen=True)
class Folders:
    """The places of a contract whose settings stand in ``root``."""

    root: Path

    @property
    def workbooks(self) -> Path:
        """The folder of all that people open: the other paths are in it."""
        return self.root / "workbooks"

    @property
    def registre(self) -> Path:
        """The folder of the CSV Data Package."""
        return self.workbooks / "registre"

    @property
    def contrat(self) -> Path:
        """The master workbook."""
        return self.workbooks / "contrat.xlsx"

    @property
    def envois(self) -> Path:
        """The folder of the forms sent, by exercice."""
        return self.workbooks / "envois"

    @property
    def retours(self) -> Path:
        """The folder where the forms that come back are put, in any order and under any name."""
        return self.workbooks / "retours"

    @property
    def constats(self) -> Path:
        """The folder of the annotated copies."""
        return self.workbooks / "constats"

    @property
    def consolidation(self) -> Path:
        """The folder of the consolidated state."""
        return self.workbooks / "consolidation"

    @property
    def archives(self) -> Path:
        """The folder of the dated copies of the contract."""
        return self.workbooks / "archives"

    @property
    def layout(self) -> Path:
        """The layout of the workbooks: colours, fonts, column orders."""
        return self.templates / "contrat.toml"

    @property
    def memory(self) -> Path:
        """The hidden folder of what the program remembers: the journal, the lock, outputs being put in place."""
        return self.workbooks / ".tabellion"

    @property
    def templates(self) -> Path:
        """The folder of what people see: sheet layouts and texts."""
        return self.root / "templates"

    @property
    def input_folders(self) -> tuple[Path, ...]:
        """The folders that are read: nothing of the contract can be said without them."""
        return (self.root / "schemas", self.templates, self.registre, self.retours, self.envois)


def find_root(start: Path) -> Path | None:
    """The folder at ``start``, or the nearest one above it, that holds the settings of a contract."""
    start_folder = start.resolve()
    return next(
        (folder for folder in (start_folder, *start_folder.parents) if (folder / SETTINGS_FILE).is_file()), None
    )


#: What a workspace keeps at its own places, from its root: what an option names must stand elsewhere.
_PLACES: Mapping[str, str] = {
    "workbooks/contrat.xlsx": "le contrat",
    "workbooks/registre": "le registre du contrat",
    "workbooks/envois": "les formulaires envoyés",
    "workbooks/retours": "les retours des partenaires",
    "workbooks/constats": "les copies annotées",
    "workbooks/consolidation": "la consolidation",
    "workbooks/guides": "les guides du contrat",
    "workbooks/essais": "les courriels à regarder avant l'envoi",
    "workbooks/archives": "les copies datées",
    "workbooks/.tabellion": "la mémoire du programme",
    "workbooks": "les classeurs du contrat",
    "schemas": "les schémas du contrat",
    "templates": "les modèles du contrat",
    SETTINGS_FILE: "les réglages du contrat",
}
#: Where files of people's choice may stand.
_OPEN = "workbooks"


def reserved_place(path: Path) -> tuple[str, str] | None:
    """Whether an output at ``path`` would be one of the places that a workspace (any one) keeps, or lie in one.

    Gives that place from the workspace's root, and what it holds in words; ``None`` where the path is free. A link
    counts for what it leads to.
    """
    whole = path.resolve()
    for root in whole.parents:
        if not (root / SETTINGS_FILE).is_file():
            continue
        for place, words in _PLACES.items():
            reserved = (root / place).resolve()
            above = (whole,) if place == _OPEN else (whole, *whole.parents)
            if any(folder == reserved or _is_one(folder, reserved) for folder in above):
                return place, words
    return None


def _is_one(path: Path, other: Path) -> bool:
    """Whether two names are one file: under two spellings, on a disk that takes them for the same."""
    with suppress(OSError):
        return path.name.casefold() == other.name.casefold() and path.samefile(other)
    return False
