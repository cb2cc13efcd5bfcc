"""The README's picture: four sheets of the repository's own workbook, as LibreOffice prints them, on one page.

Run from the repository: ``PYTHONPATH=scripts:tests python -m support.pictures``. Needs LibreOffice, ``pdftoppm``
(poppler) and Pillow.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw

from support.contracts import ROOT
from support.libreoffice import LibreOffice
from support.masters import master

PICTURE = ROOT / "tests" / "pictures" / "contrat.png"
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
    found = {}
    for page, text in enumerate(_pages(pdf), 1):
        for key in sheets:
            if key not in found and re.search(rf"\s{re.escape(plan.sheets[key])}\s+Page ", text):
                found[key] = _page(pdf, page, folder / "page")
    return found


def _pages(pdf: Path) -> list[str]:
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, timeout=60)
    return done.stdout.decode().split("\f")


def _page(pdf: Path, page: int, stem: Path) -> Image.Image:
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


def main() -> None:
    """Make the picture anew."""
    with tempfile.TemporaryDirectory() as folder:
        picture = arrange(render((*_LEFT, *_RIGHT), Path(folder)))
    PICTURE.parent.mkdir(exist_ok=True)
    colours = Image.Quantize.MAXCOVERAGE  # keeps the colours of the charts, which cover little
    picture.quantize(_COLOURS, colours, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    sys.stdout.write(f"{PICTURE}: {picture.width} x {picture.height}, {PICTURE.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    main()
