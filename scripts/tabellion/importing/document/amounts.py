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
    if "€" not in text and "eur" not in text.lower():
        return []
    return [PrintedAmount(match.start(), match.end(), _cents(match)) for match in _INSIDE.finditer(text)]


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


def label_and_amount(text: str) -> tuple[str, int] | None:
    """The label and the cents of a text that ends with an amount and its euro sign; else None."""
    amounts = find_amounts(text)
    if not amounts or text[amounts[-1].end :].strip(" ."):
        return None
    return text[: amounts[-1].start].strip(), amounts[-1].cents


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


def read_row(line: DocumentLine) -> list[BudgetRow] | None:
    """The budget rows of a line with tabs; None when its amounts have no label."""
    pairs = _pairs(line)
    if not pairs or not pairs[0][0]:
        return None
    source = shown(line.texte)
    rows = [row for texts, amounts in pairs for row in _read_pair(line.numero, texts, amounts, source)]
    if len(pairs) > 1:
        for row in rows:
            row.repair, row.source = row.repair or "lignes collées", source
    return rows


def _pairs(line: DocumentLine) -> list[tuple[list[str], list[int]]]:
    """The row's labels and amounts in reading order; a cell that starts with an amount and goes on is cut."""
    pairs: list[tuple[list[str], list[int]]] = []

    def add(texts: list[str], amounts: list[int]) -> None:
        if not pairs or (texts and pairs[-1][1]):
            pairs.append(([], []))
        pairs[-1][0].extend(texts)
        pairs[-1][1].extend(amounts)

    for index, cell in enumerate(line.cells):
        text = clean(cell)
        if not text:
            continue
        amounts = only_amounts(text) if index or text.endswith("€") else None
        if amounts is not None:
            add([], amounts)
            continue
        leading = find_amounts(text) if index else []
        if leading and leading[0].start == 0:
            add([], [leading[0].cents])
            text = text[leading[0].end :].strip()
        add([text], [])
    return pairs


def _read_pair(ligne: int, texts: list[str], amounts: list[int], source: str) -> list[BudgetRow]:
    """The rows of one or more labels and the amounts after them: « X (vide) » is « X » and « (vide) »."""
    libelle = " ".join(texts)
    pieces = [piece.strip() for piece in re.split(f"({PLACEHOLDER.pattern})", libelle, flags=re.IGNORECASE)]
    pieces = [piece for piece in pieces if piece]
    if len(texts) > 1 and not amounts and (len(texts[-1]) <= _LONGEST_ODDITY or "€" in texts[-1]):
        # What stands in the amount's cell without being an amount (« n.c. », « 12 k€ »).
        return [BudgetRow(ligne, " ".join(texts[:-1]), None, doubt="montant-illisible", source=source)]
    if len(amounts) > 1:
        if len(pieces) != len(amounts) or len(texts) > 1:
            return [BudgetRow(ligne, libelle, None, doubt="montants-colles", source=source)]
        pairs = zip(pieces, amounts, strict=True)
        return [BudgetRow(ligne, piece, amount, "lignes collées", source=source) for piece, amount in pairs]
    montant = amounts[0] if amounts else None
    real = [piece for piece in pieces if not PLACEHOLDER.fullmatch(piece)]
    if len(pieces) > 1 and len(real) == 1:
        return [BudgetRow(ligne, real[0], montant, "« (vide) » collé", source=source)]
    if len(texts) > 1:
        return [BudgetRow(ligne, libelle, montant, "cellules recollées", source=source)]
    return [BudgetRow(ligne, libelle, montant)]
