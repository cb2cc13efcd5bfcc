"""The pictures of the guides: pages of real workbooks, as LibreOffice prints them, in few colours.

Run from the repository: ``PYTHONPATH=scripts:tests python -m support.guide_pictures``. Needs LibreOffice, ``pdftoppm``
(poppler) and Pillow.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image

from support.chartres_campaign import first_night, second_night, start
from support.contracts import ROOT
from support.libreoffice import LibreOffice
from support.pictures import page_image, page_texts
from tabellion.commands.consolidate import consolidate
from tabellion.contract.workspace import find_workspace

FOLDER = ROOT / "templates" / "guides" / "images"
_WIDTH, _COLOURS = 1000, 64


@dataclass(frozen=True)
class Shot:
    """One picture: the workbook (from ``workbooks/``), the sheet as its footer names it, how much of the page is
    shown (the shares of its height and of its width, from the top and the left)."""

    name: str
    workbook: str
    sheet: str
    height: float = 1.0
    width: float = 1.0


SHOTS = (
    Shot("accueil", "contrat.xlsx", "Accueil", 0.62),
    Shot("reglages", "contrat.xlsx", "Réglages"),
    Shot("budget", "contrat.xlsx", "B01 Education, parentalité", 0.7),
    Shot("controles", "contrat.xlsx", "Contrôles", 0.4),
    Shot("suivi", "consolidation/consolidation.xlsx", "Suivi des retours", 0.55),
    Shot("a-decider", "consolidation/consolidation.xlsx", "À décider", 0.95, 0.62),
    Shot("demandes", "consolidation/consolidation.xlsx", "Demandes"),
    Shot("formulaire", "envois/2016/luce-2016.xlsx", "Mode d'emploi", 0.58),
    Shot("saisie", "envois/2016/luce-2016.xlsx", "Budget", 0.34),
    Shot("copie-annotee", "constats/mainvilliers.xlsx", "Constats", 0.5),
)


def campaign(folder: Path) -> Path:
    """The ``workbooks/`` of a campaign under way."""
    played = start(folder / "contrat")
    workspace = find_workspace(played.root)
    first_night(played)
    consolidate(workspace, datetime(2016, 11, 15, 2, 30))
    second_night(played)
    consolidate(workspace, datetime(2016, 12, 5, 2, 30))
    return workspace.workbooks


def pictures(workbooks: Path, folder: Path) -> Iterator[tuple[str, Image.Image]]:
    """Each picture by its name; ``folder`` takes what is made on the way."""
    printed: dict[str, Path] = {}
    with LibreOffice() as office:
        for rank, workbook in enumerate(dict.fromkeys(shot.workbook for shot in SHOTS)):
            office.open(workbooks / workbook)
            printed[workbook] = office.pdf(folder / f"{rank}.pdf")
    texts = {workbook: page_texts(pdf) for workbook, pdf in printed.items()}
    for shot in SHOTS:
        pages = enumerate(texts[shot.workbook], 1)
        page = next(number for number, text in pages if re.search(rf"\s{re.escape(shot.sheet)}\s+Page ", text))
        whole = page_image(printed[shot.workbook], page, folder / "page")
        cut = whole.crop((0, 0, round(whole.width * shot.width), round(whole.height * shot.height)))
        height = round(cut.height * _WIDTH / cut.width)
        yield shot.name, cut.resize((_WIDTH, height), Image.Resampling.LANCZOS)


def main() -> None:
    """Make the pictures anew."""
    with tempfile.TemporaryDirectory() as name:
        for shot, picture in pictures(campaign(Path(name)), Path(name)):
            path = FOLDER / f"{shot}.png"
            few = picture.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
            sys.stdout.write(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    main()
