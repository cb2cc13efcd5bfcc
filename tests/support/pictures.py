"""The README's pictures: sheets of the workbooks as LibreOffice prints them, and the report as a phone shows it.

Run from the repository: ``PYTHONPATH=scripts:tests python -m support.pictures``. Needs LibreOffice, Chromium,
``pdftoppm`` (poppler) and Pillow.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw

from support.browser import Browser
from support.chartres_campaign import first_night, second_night, start
from support.contracts import ROOT
from support.libreoffice import LibreOffice
from support.masters import master
from tabellion.commands.consolidate import consolidate
from tabellion.contract.workspace import find_workspace

PICTURE = ROOT / "tests" / "pictures" / "contrat.png"
CONSOLIDATION = PICTURE.with_name("consolidation.png")
#: The sheets of the picture by their keys: the front page and the budget stand left, the others right.
_LEFT, _RIGHT = ("Accueil", "B01"), ("Synthèse", "Rapprochement")
_WIDTH, _GAP, _DOTS_PER_INCH, _COLOURS = 1400, 24, 130, 200
_BACKGROUND, _EDGE = (233, 238, 244), (197, 208, 220)


def render(sheets: tuple[str, ...], folder: Path) -> dict[str, Image.Image]:
    """The first printed page of each sheet (by key), without its margins and its footer."""
    plan, content = master("Chartres")
    source = folder / "contrat.xlsx"
    source.write_bytes(content)
    with LibreOffice() as office:
        office.open(source)
        pdf = office.pdf(folder / "contrat.pdf")
    images = {}
    for page, text in enumerate(page_texts(pdf), 1):
        for key in sheets:
            if key not in images and re.search(rf"\s{re.escape(plan.sheets[key])}\s+Page ", text):
                images[key] = page_image(pdf, page, folder / "page")
    return images


def page_texts(pdf: Path) -> list[str]:
    """The text of each page of a PDF."""
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, timeout=60)
    return done.stdout.decode().split("\f")


def page_image(pdf: Path, page: int, stem: Path) -> Image.Image:
    """One page of a PDF, without its margins and its footer; ``stem`` is a file to make on the way."""
    options = ["-r", str(_DOTS_PER_INCH), "-f", str(page), "-l", str(page), "-png", "-singlefile"]
    subprocess.run(["pdftoppm", *options, pdf, stem], check=True, timeout=60)
    with Image.open(stem.with_suffix(".png")) as image:
        whole = image.convert("RGB")
    sheet = whole.crop((0, 0, whole.width, int(whole.height * 0.945)))
    box = ImageChops.difference(sheet, Image.new("RGB", sheet.size, "white")).getbbox()
    return sheet.crop(box) if box else sheet


def arrange(images: dict[str, Image.Image]) -> Image.Image:
    """Two columns of pages on a quiet ground, all as wide as their column; the longer one is cut at the other's end."""
    column = (_WIDTH - 3 * _GAP) // 2
    placed: list[tuple[Image.Image, int, int]] = []
    bottoms = []
    for rank, keys in enumerate((_LEFT, _RIGHT)):
        top = _GAP
        for key in keys:
            page = _framed(images[key], column)
            placed.append((page, _GAP + rank * (column + _GAP), top))
            top += page.height + _GAP
        bottoms.append(top)
    sheet = Image.new("RGB", (_WIDTH, min(bottoms)), _BACKGROUND)
    for page, left, top in placed:
        sheet.paste(page.crop((0, 0, page.width, min(page.height, sheet.height - _GAP - top))), (left, top))
    return sheet


def _framed(image: Image.Image, width: int) -> Image.Image:
    border = 10
    inner = width - 2 * border
    resized = image.resize((inner, round(image.height * inner / image.width)), Image.Resampling.LANCZOS)
    page = Image.new("RGB", (width, resized.height + 2 * border), "white")
    page.paste(resized, (border, border))
    ImageDraw.Draw(page).rectangle((0, 0, page.width - 1, page.height - 1), outline=_EDGE)
    return page


@contextmanager
def closing_browser() -> Iterator[Browser]:
    """A browser that is stopped afterwards."""
    browser = Browser()
    try:
        yield browser
    finally:
        browser.stop()


def consolidation(folder: Path) -> Image.Image:
    """The synthesis and the board of a campaign on the left, the report on a phone on the right."""
    campaign = start(folder / "contrat")
    workspace = find_workspace(campaign.root)
    first_night(campaign)
    consolidate(workspace, datetime(2016, 11, 15, 2, 30))
    second_night(campaign)
    consolidate(workspace, datetime(2016, 12, 5, 2, 30))
    with LibreOffice() as office:
        office.open(workspace.consolidation / "consolidation.xlsx")
        pdf = office.pdf(folder / "consolidation.pdf")
    pages = page_texts(pdf)
    boards = [page for page, text in enumerate(pages, 1) if re.search(r"\sSuivi des retours\s+Page ", text)]
    numbers = [1, *boards[:1]]
    left = [page_image(pdf, page, folder / "page") for page in numbers]
    with (
        closing_browser() as browser,
        browser.page(workspace.consolidation / "rapport.html", width=390, scripts=False) as phone,
    ):
        phone.picture(folder / "phone.png")
    with Image.open(folder / "phone.png") as image:
        report = image.convert("RGB")
    narrow = _WIDTH * 3 // 10
    wide = _WIDTH - narrow - 3 * _GAP
    framed = [_framed(picture, wide) for picture in left]
    height = 2 * _GAP + sum(picture.height for picture in framed) + _GAP
    sheet = Image.new("RGB", (_WIDTH, height), _BACKGROUND)
    top = _GAP
    for picture in framed:
        sheet.paste(picture, (_GAP, top))
        top += picture.height + _GAP
    screen = _framed(report, narrow)
    sheet.paste(screen.crop((0, 0, screen.width, height - 2 * _GAP)), (wide + 2 * _GAP, _GAP))
    return sheet


def save(picture: Image.Image, path: Path) -> None:
    """Write one picture, small."""
    path.parent.mkdir(exist_ok=True)
    colours = Image.Quantize.MAXCOVERAGE  # keeps the colours of the charts, which cover little
    picture.quantize(_COLOURS, colours, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size // 1024} KB\n")


def main() -> None:
    """Make the pictures anew."""
    with tempfile.TemporaryDirectory() as folder:
        save(arrange(render((*_LEFT, *_RIGHT), Path(folder))), PICTURE)
        save(consolidation(Path(folder)), CONSOLIDATION)


if __name__ == "__main__":
    main()
