"""Amounts in euros as the document types them, and one line of a budget table into its labels and amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabellion.importing.document.lines import DocumentLine, clean, shown
from tabellion.schema.money import format_euros

_SPACES = " \u00a0\u202f\u2009"
_INTEGER = rf"\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)|\d{{1,3}}(?:\.\d{{3}})+(?!\d)|\d{{1,15}}"
_EURO = r"(?:€|(?i:euros?|eur)\b)"
_WHOLE = re.compile(rf"(?P<sign>[-−–][{_SPACES}]?)?(?P<int>{_INTEGER})(?:[.,](?P<dec>\d{{1,2}}))?\s?\s?(?:{_EURO})?")
_INSIDE = re.compile(
    rf"(?P<sign>(?<!\S)[-−])?(?<![\d,.])(?P<int>{_INTEGER})(?:[.,](?P<dec>\d{{1,2}}))?(?!\d)\s?\s?{_EURO}"
)
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class PrintedAmount:
    """An amount found in a text: where it starts and ends, and its value in cents."""

    start: int
    end: int
    cents: int


def _cents(match: re.Match[str]) -> int:
    units = int(re.sub(r"\D", "", match["int"]))
    decimals = (match["dec"] or "").ljust(2, "0")
    value = units * 100 + int(decimals)
    return -value if match["sign"] else value


def parse_amount(text: str) -> int | None:
    """The cents of a text that is one amount and nothing else, with or without its euro sign; else None.

    Thousands may be spaced (also with no-break spaces) or dotted; cents follow a comma or a dot. What has a wrong
    grouping (``12 34``, ``1,234``) is not read: a guess would invent euros.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    match = _WHOLE.fullmatch(text)
    return _cents(match) if match else None


def find_amounts(text: str) -> list[PrintedAmount]:
    """Every amount with a euro sign that ``text`` states, in order. A dash before a space is a dash, not a minus."""
    return (
        [PrintedAmount(m.start(), m.end(), _cents(m)) for m in _INSIDE.finditer(text)]
        if "€" in text or "eur" in text.lower()
        else []
    )


def only_amounts(text: str) -> list[int] | None:
    """The cents of a cell that holds nothing but amounts: none for a blank cell, several when rows ran together.

    None when the cell holds anything else.
    """
    text = text.strip()
    if not text:
        return []
    whole = parse_amount(text)
    if whole is not None:
        return [whole]
    amounts = find_amounts(text)
    rest = text
    for amount in reversed(amounts):
        rest = rest[: amount.start] + rest[amount.end :]
    return [amount.cents for amount in amounts] if amounts and not rest.strip() else None


def written(cents: int | None) -> str:
    """Cents as French text for a message, with plain spaces: ``1 234,56 €``, or ``(vide)``."""
    return "(vide)" if cents is None else " ".join(format_euros(cents).split())


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


def _tokens(line: DocumentLine) -> list[str | list[int]]:
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


def read_row(line: DocumentLine) -> list[BudgetRow] | None:
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
            for budget_row in row:
                budget_row.repair, budget_row.source = budget_row.repair or "lignes collées", source
                budget_row.parts = max(budget_row.parts, len(pairs))
        rows.extend(row)
    return rows


def _read_pair(line: DocumentLine, texts: list[str], amounts: list[int], source: str) -> list[BudgetRow]:
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
