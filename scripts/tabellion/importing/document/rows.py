"""One line of a budget table into its labels and amounts, also where two rows were run together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabellion.importing.document.amounts import find_amounts, only_amounts
from tabellion.importing.document.text import Line, clean, shown

PLACEHOLDER = re.compile(r"\((?:vide|blank)\)", re.IGNORECASE)
"""What a pivot table prints for an empty label."""

_LONGEST_ODDITY = 20


@dataclass(slots=True)
class BudgetRow:
    """A label with its amount in cents (None when blank), and how it was obtained.

    ``repair`` names what was put right and ``doubt`` the finding code of what could not be; ``source`` keeps the text
    then. ``tentative`` marks an amount that only the subtotal can confirm.
    """

    ligne: int
    libelle: str
    montant: int | None
    repair: str | None = None
    doubt: str | None = None
    source: str | None = None
    tentative: bool = False
    parts: int = 1


def _tokens(line: Line) -> list[str | list[int]]:
    """The row's cells in order: texts, and lists of amounts; a cell that starts with amounts and goes on is cut."""
    tokens: list[str | list[int]] = []
    for index, cell in enumerate(line.cells):
        text = clean(cell)
        if not text:
            continue
        amounts = only_amounts(text) if index or text.endswith("€") else None
        if amounts is not None:
            tokens.append(amounts)
            continue
        leading = find_amounts(text) if index else []
        if leading and leading[0].start == 0:
            tokens.append([leading[0].cents])
            text = text[leading[0].end :].strip()
        tokens.append(text)
    return tokens


def _pair(tokens: list[str | list[int]]) -> list[tuple[list[str], list[int]]]:
    """Tokens as (labels, amounts) in reading order."""
    pairs: list[tuple[list[str], list[int]]] = []
    for token in tokens:
        if isinstance(token, str):
            if not pairs or pairs[-1][1]:
                pairs.append(([], []))
            pairs[-1][0].append(token)
        else:
            if not pairs:
                pairs.append(([], []))
            pairs[-1][1].extend(token)
    return pairs


def _labels(libelle: str) -> list[str]:
    """A label cut at its placeholders: « X (vide) » is « X » and « (vide) »."""
    pieces = re.split(f"({PLACEHOLDER.pattern})", libelle, flags=re.IGNORECASE)
    return [piece.strip() for piece in pieces if piece.strip()]


def read_row(line: Line) -> list[BudgetRow] | None:
    """The budget rows of a line with tabs; None when its amounts have no label."""
    source = shown(line.texte)
    pairs = _pair(_tokens(line))
    if not pairs or not pairs[0][0]:
        return None
    glued = len(pairs) > 1
    rows: list[BudgetRow] = []
    for texts, amounts in pairs:
        row = _read_pair(line, texts, amounts, source)
        if glued:
            for each in row:
                each.repair, each.source = each.repair or "lignes collées", source
                each.parts = max(each.parts, len(pairs))
        rows.extend(row)
    return rows


def _read_pair(line: Line, texts: list[str], amounts: list[int], source: str) -> list[BudgetRow]:
    number = line.numero
    if len(texts) > 1 and not amounts and _is_odd_amount(texts[-1]):
        libelle = " ".join(texts[:-1])
        return [BudgetRow(number, libelle, None, doubt="montant-illisible", source=source)]
    libelle = " ".join(texts)
    pieces = _labels(libelle)
    if len(amounts) > 1:
        if len(pieces) == len(amounts) and len(texts) == 1:
            return [
                BudgetRow(number, piece, amount, repair="lignes collées", source=source, parts=len(amounts))
                for piece, amount in zip(pieces, amounts, strict=True)
            ]
        return [BudgetRow(number, libelle, None, doubt="montants-colles", source=source)]
    montant = amounts[0] if amounts else None
    real = [piece for piece in pieces if not PLACEHOLDER.fullmatch(piece)]
    if len(pieces) > 1 and len(real) == 1:
        return [BudgetRow(number, real[0], montant, repair="« (vide) » collé", source=source)]
    if len(texts) > 1:
        return [BudgetRow(number, libelle, montant, repair="cellules recollées", source=source)]
    return [BudgetRow(number, libelle, montant)]


def _is_odd_amount(text: str) -> bool:
    """True for what stands in the amount's cell without being an amount (« n.c. », « 12 k€ »)."""
    return len(text) <= _LONGEST_ODDITY or "€" in text
