"""What a cell of the document holds: amounts in euros, rows of a budget table, boxes, ticks, words crossed out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.lines import DocumentLine, clean, fold_chars, shown
from tabellion.schema import Field
from tabellion.schema.money import format_euros
from tabellion.schema.typed import Outcome, make_typed, read_typed

_SPACES = " \u00a0\u202f\u2009"
_INTEGER = rf"\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)|\d{{1,3}}(?:\.\d{{3}})+(?!\d)|\d{{1,15}}"
_EURO = r"(?:€|(?i:euros?|eur)\b)"
_WHOLE = re.compile(rf"(?P<sign>[-−–][{_SPACES}]?)?(?P<int>{_INTEGER})(?:[.,](?P<dec>\d{{1,2}}))?\s?\s?(?:{_EURO})?")
_INSIDE = re.compile(
    rf"(?P<sign>(?<!\S)[-−])?(?<![\d,.])(?P<int>{_INTEGER})(?:[.,](?P<dec>\d{{1,2}}))?(?!\d)\s?\s?{_EURO}"
)
_LONGEST = 60
_MONEY = Field("montant", "money", "Montant (€)", "")
#: What stands after an amount without being of it, and the end of an amount.
_NOTE = re.compile(r"\s*(?:\*+|\(\d{1,2}\)|\b(?:TTC|HT|ttc|ht)\b)\s*$")
_AT_END = re.compile(rf"\d\s*{_EURO}?\s*$")
_SCALED = re.compile(r"\d\s*(?:[kKM]\s?(?:€|eur)|[kM]$)|\bmillions?\b|\bmilliers?\b")


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
    text = without_note(text.strip())
    if not text:
        return []
    whole = parse_amount(text)
    if whole is None and _SCALED.search(text):
        whole = _typed(text)
    if whole is not None:
        return [whole]
    amounts = find_amounts(text)
    remainder = text
    for amount in reversed(amounts):
        remainder = remainder[: amount.start] + remainder[amount.end :]
    return [amount.cents for amount in amounts] if amounts and not remainder.strip() else None


def label_and_amount(text: str) -> tuple[str, int] | None:
    """The label and the cents of a text that ends with an amount and its euro sign; else None."""
    text = without_note(text)
    amounts = find_amounts(text)
    if not amounts or text[amounts[-1].end :].strip(" ."):
        return None
    return text[: amounts[-1].start].strip(), amounts[-1].cents


def without_note(text: str) -> str:
    """``text`` without what people put after an amount and is none of it: ``€*``, ``(1)``, ``TTC``."""
    bare = _NOTE.sub("", text)
    return bare if bare != text and _AT_END.search(bare) else text


def _typed(text: str) -> int | None:
    """The cents of an amount in a unit, as forms understand it: ``12 k€``, ``1,5 million d'euros``."""
    rule, reading = read_typed(make_typed(text, _MONEY))
    understood = rule.outcome in (Outcome.PRIS, Outcome.COMPRIS)
    return reading.value if understood and isinstance(reading.value, int) else None


#: A word before a row's label that says that it adds up the rows of a group.
_TOTAL = re.compile(r"(?:sous\s*-?\s*)?tota(?:l|ux)\b\s*:?\s*(?:general\b|de\b|du\b|d'|des\b)?\s*")
_TOTAL_AFTER = re.compile(r"\s*:?\s*(?:sous\s*-?\s*)?total\s*$")


def total_label(label: str) -> str | None:
    """What a row's label says that it adds up; empty for all, ``None`` for a row that is no total."""
    folded = fold_chars(label)
    if match := _TOTAL.match(folded):
        return label[match.end() :].strip(" :-–")
    if match := _TOTAL_AFTER.search(folded):
        return label[: match.start()].strip(" :-–")
    return None


def written(cents: int | None) -> str:
    """Cents as French text for a message, with plain spaces: ``1 234,56 €``, or ``(vide)``."""
    return "(vide)" if cents is None else " ".join(format_euros(cents).split())


#: What a pivot table prints for an empty label.
_PLACEHOLDER = re.compile(r"(\((?:vide|blank)\))", re.IGNORECASE)
_LONGEST_ODDITY = 20


@dataclass(slots=True)
class BudgetRow:
    """A label with its amount in cents (None when blank), and how it was obtained.

    ``repair`` names what was put right and ``doubt`` the finding code of what could not be; ``source`` keeps the text
    then. ``tentative`` marks an amount that only the subtotal can confirm. ``par_annee`` has the amounts of a table
    with a column a year; ``montant`` is then that of the first.
    """

    ligne: int
    libelle: str
    montant: int | None
    repair: str | None = None
    doubt: str | None = None
    source: str | None = None
    tentative: bool = False
    par_annee: dict[int, int | None] = field(default_factory=dict)


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
    pieces = [stripped for piece in _PLACEHOLDER.split(libelle) if (stripped := piece.strip())]
    if len(texts) > 1 and not amounts and (len(texts[-1]) <= _LONGEST_ODDITY or "€" in texts[-1]):
        # What stands in the amount's cell without being an amount (« n.c. », « 12 k€ »).
        return [BudgetRow(ligne, " ".join(texts[:-1]), None, doubt="montant-illisible", source=source)]
    if len(amounts) > 1:
        if len(pieces) != len(amounts) or len(texts) > 1:
            return [BudgetRow(ligne, libelle, None, doubt="montants-colles", source=source)]
        pairs = zip(pieces, amounts, strict=True)
        return [BudgetRow(ligne, piece, amount, "lignes collées", source=source) for piece, amount in pairs]
    montant = amounts[0] if amounts else None
    real = [piece for piece in pieces if not _PLACEHOLDER.fullmatch(piece)]
    if len(pieces) > 1 and len(real) == 1:
        return [BudgetRow(ligne, real[0], montant, "« (vide) » collé", source=source)]
    repair = "cellules recollées" if len(texts) > 1 else None
    return [BudgetRow(ligne, libelle, montant, repair, source=source if repair else None)]


EMPTY, TICKED = "☐", "☑"

_INPUT = re.compile(r"<input\b([^<>]{0,300})>", re.IGNORECASE)
_CHECKED = re.compile(r"(?:^|[\s\"'])checked(?=[\s=/\"']|$)", re.IGNORECASE)
_EMPTY = re.compile(r"[□◻▢❏❑⬜]|\[[\s_]{0,3}\](?!\()")
_TICKED = re.compile(r"[☒✓✔✗✘🗹🗷■]|\[\s?[xX✓✔]\s?\]|\(\s?[xX]\s?\)")
#: An X typed as a word of its own: a tick made with the keyboard.
TYPED_CROSS = re.compile(r"(?<![\w'’.-])[xX](?![\w'’.-])")
_STRUCK = re.compile(r"<(s|del|strike)\b[^<>]{0,100}>(.*?)</\1\s*>|~~(.+?)~~", re.IGNORECASE | re.DOTALL)
_OVERLAY = "\u0335\u0336"
_BOX = re.compile(f"([{EMPTY}{TICKED}])")


def normalise_boxes(text: str) -> str:
    """``text`` with every box as ``☐`` or ``☑``: html inputs (attributes in any order and quoting), signs, brackets."""

    def box(match: re.Match[str]) -> str:
        kind = re.search(r"type\s*=\s*[\"']?\s*(\w+)", match[1], re.IGNORECASE)
        if kind and kind[1].lower() not in {"checkbox", "radio"}:
            return match[0]
        return TICKED if _CHECKED.search(match[1]) else EMPTY

    if "<" in text:
        text = re.sub(r"</input\s*>", "", _INPUT.sub(box, text), flags=re.IGNORECASE)
    return _EMPTY.sub(EMPTY, _TICKED.sub(TICKED, text))


def has_box(text: str) -> bool:
    """True when a normalised text holds a box."""
    return EMPTY in text or TICKED in text


def after_cross(text: str) -> str | None:
    """What follows a typed X at the head of ``text``; None without one."""
    match = TYPED_CROSS.match(text)
    return text[match.end() :].strip() if match else None


def struck_out(text: str) -> tuple[str, list[bool]]:
    """``text`` without its marks of crossing out, and for each character left whether it was crossed out.

    Read are ``<s>``, ``<del>``, ``<strike>``, ``~~…~~`` and the combining overlays U+0335 and U+0336.
    """
    chars: list[str] = []
    flags: list[bool] = []
    pieces, position = list[tuple[str, bool]](), 0
    for match in _STRUCK.finditer(text):
        pieces += [(text[position : match.start()], False), (match[2] if match[2] is not None else match[3], True)]
        position = match.end()
    for piece, is_struck in [*pieces, (text[position:], False)]:
        for char in piece:
            if char not in _OVERLAY:
                chars.append(char)
                flags.append(is_struck)
            elif flags:
                flags[-1] = True
    return "".join(chars), flags


def yes_no(text: str) -> tuple[bool, bool, bool]:
    """Whether OUI and NON are ticked in a normalised text, and whether a cross was typed for one of them.

    A box follows its word (« OUI ☐ NON ☐ »), or precedes it when the text begins with a box.
    """
    words = list(re.finditer(r"(?<!\w)(oui|non)(?!\w)", text, re.IGNORECASE))
    ends = [0, *(word.end() for word in words)]
    starts = [*(word.start() for word in words), len(text)]
    zones = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    precedes = re.search(rf"[{EMPTY}{TICKED}]|(?<!\w)[xX](?!\w)", zones[0]) is not None
    answers = {"oui": False, "non": False}
    typed = False
    for word, zone in zip(words, zones if precedes else zones[1:], strict=False):
        cross = TYPED_CROSS.search(zone) is not None
        typed = typed or cross
        answers[word[1].lower()] |= cross or TICKED in zone
    return answers["oui"], answers["non"], typed


@dataclass(slots=True)
class TickBox:
    """One box and its label; ``typed`` when the tick is a typed X; ``extra`` is text glued after the label.

    ``source`` is the box and label as found; ``doubtful`` when its tick is unsure, ``rejoined`` when the label was cut.
    """

    ligne: int
    colonne: int
    libelle: str
    ticked: bool
    typed: bool = False
    extra: str = ""
    source: str = ""
    doubtful: bool = False
    rejoined: bool = False


def read_boxes(ligne: int, colonne: int, text: str) -> tuple[str, list[TickBox]]:
    """The boxes of a normalised cell, and the text before the first one.

    A typed X right after a box ticks it; so does one that stands where a box should (at the head of the cell).
    """
    leading, *pieces = (piece.strip() for piece in _BOX.split(text))
    boxes: list[TickBox] = []
    label = after_cross(leading)
    if label is not None:
        boxes.append(TickBox(ligne, colonne, clean(label), True, typed=True, source=leading))
        leading = ""
    for mark, piece in zip(pieces[::2], pieces[1::2], strict=True):
        label = after_cross(piece)
        box = TickBox(ligne, colonne, clean(piece), mark == TICKED, source=f"{mark} {piece}")
        if label is not None:
            box.libelle, box.ticked, box.typed = clean(label), True, not box.ticked
        boxes.append(box)
    return leading, boxes
