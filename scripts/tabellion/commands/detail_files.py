"""The detail workbooks of a run: those that changed are made, those that say what they said stay as they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tabellion.campaign.model import Consolidation
from tabellion.contract.folders import DETAILS
from tabellion.contract.labels import Labels
from tabellion.outputs.consolidation import Details, write_detail_workbook
from tabellion.outputs.state import PreviousOutputs
from tabellion.transaction.manifest import content_digest


@dataclass(frozen=True)
class DetailFiles:
    """The detail workbooks of a consolidation, by their names from its folder.

    ``made`` are those to put in place, ``published`` the SHA-256 of all, ``removed`` those that are there no more.
    """

    made: dict[str, Path]
    published: dict[str, str]
    removed: list[str]


def make_detail_files(
    consolidation: Consolidation,
    details: Details,
    previous: PreviousOutputs | None,
    folder: Path,
    edited: Collection[Path],
    prepared: Path,
) -> DetailFiles:
    """Make in ``prepared`` the workbooks that are not in ``folder`` as they are to be.

    One is left alone where ``previous`` knows the digest of what it says, and it is there, and nobody wrote into it
    (``edited`` are those where somebody did).
    """
    known, outputs = ({}, {}) if previous is None else (previous.details, previous.outputs)
    labels, files = Labels(consolidation.contract), DetailFiles({}, {}, [])
    for workbook in details.workbooks:
        name = f"{DETAILS}/{workbook.name}"
        place, is_same = folder / name, known.get(workbook.name) == workbook.digest
        if is_same and name in outputs and place.exists() and place not in edited:
            files.published[name] = outputs[name]
            continue
        path = prepared / workbook.name
        path.write_bytes(write_detail_workbook(consolidation, details, workbook, labels))
        files.made[name], files.published[name] = path, content_digest(path)
    files.removed.extend(f"{DETAILS}/{name}" for name in known if f"{DETAILS}/{name}" not in files.published)
    return files
