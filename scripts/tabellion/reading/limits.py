"""The limits of what is read from outside (DESIGN.md §8), declared once, and the way to refuse what exceeds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabellion.findings import CellValue, Place, TabellionError, finding

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may ask of the reader; sizes in bytes, times in seconds, the rest in counts."""

    file_bytes: int = 50 * MIB
    entries: int = 5_000
    part_bytes: int = 200 * MIB
    total_bytes: int = 300 * MIB
    ratio: int = 200
    """Inflated bytes per stored byte, for parts that inflate to more than ``ratio_from_bytes``."""
    ratio_from_bytes: int = MIB
    sheets: int = 256
    sheet_cells: int = 5_000_000
    """Cells of the rectangle from A1 to the last row and the last column that hold something."""
    form_rows: int = 30_000
    """Rows of one table of a form: hundreds of times what a partner answers, and examined within the time."""
    text_characters: int = 32_767
    xml_depth: int = 100
    memory_bytes: int = 1024 * MIB
    """Address space of the child process."""
    read_seconds: float = 30.0


LIMITS = Limits()


def refusal(
    code: str,
    *,
    feuille: str | None = None,
    cellule: str | None = None,
    valeur: CellValue = None,
    attendu: CellValue = None,
    **details: Any,
) -> TabellionError:
    """The error, to be raised, that refuses a file for the one reason ``code``; its file is named by who caught it."""
    place = Place(feuille=feuille, cellule=cellule)
    return TabellionError([finding(code, place, valeur=valeur, attendu=attendu, **details)])
