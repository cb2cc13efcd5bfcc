"""What is known of the staff's saves of the workbook since the last adoption: kept beside the register.

The register says the last values; this file says what they were before, who saved them, when and in which cell.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.campaign.model import MergeOutcome, Modification
from tabellion.campaign.parsed_return import plain_json, value_of
from tabellion.findings import Place

#: The file of the staff's changes, in the register's folder.
SAVES_FILE = "saisies.json"


@dataclass(frozen=True)
class Saves:
    """The staff's changes since the last adoption, and the workbook last accepted: its digest, when saved, by whom."""

    modifications: tuple[Modification, ...] = ()
    sha256: str = ""
    saved: datetime | None = None
    author: str = ""


def load_saves(registre: Path) -> Saves:
    """The changes that were written; none where the file is not there, or is not what the program wrote.

    Without it nothing of the contract is lost: only who said what, and the means to tell an older copy.
    """
    try:
        content = json.loads((registre / SAVES_FILE).read_text(encoding="utf-8"))
        workbook = content["classeur"]
        return Saves(
            tuple(
                Modification(
                    table, tuple(map(value_of, key)), champ, value_of(before), value_of(after), None, None,
                    Place(*place), None if saved is None else datetime.fromisoformat(saved), author,
                    MergeOutcome(outcome), is_new_row,
                )
                for table, key, champ, before, after, place, saved, author, outcome, is_new_row in content["saisies"]
            ),
            workbook["sha256"],
            None if workbook["enregistre"] is None else datetime.fromisoformat(workbook["enregistre"]),
            workbook["auteur"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Saves()


def saves_json(saves: Saves) -> bytes:
    """The file that :func:`load_saves` reads; the same changes give the same bytes."""
    changes = [
        [
            change.table, [plain_json(part) for part in change.key], change.champ,
            plain_json(change.before), plain_json(change.after),
            [change.place.fichier, change.place.feuille, change.place.cellule, change.place.ligne],
            None if change.saved is None else change.saved.isoformat(), change.author, change.outcome.value,
            change.is_new_row,
        ]
        for change in saves.modifications
    ]  # fmt: skip
    workbook = {
        "sha256": saves.sha256,
        "enregistre": None if saves.saved is None else saves.saved.isoformat(),
        "auteur": saves.author,
    }
    text = json.dumps({"version": 1, "classeur": workbook, "saisies": changes}, ensure_ascii=False, indent=1)
    return (text + "\n").encode("utf-8", "backslashreplace")
