"""The boxes of a fiche: html, signs, brackets or typed crosses; ticks; words crossed out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabellion.importing.document.lines import clean

EMPTY, TICKED = "☐", "☑"

_INPUT = re.compile(r"<input\b([^<>]{0,300})>", re.IGNORECASE)
_CHECKED = re.compile(r"(?:^|[\s\"'])checked(?=[\s=/\"']|$)", re.IGNORECASE)
_EMPTY = re.compile(r"[□◻▢❏❑⬜]|\[[\s_]{0,3}\](?!\()")
_TICKED = re.compile(r"[☒✓✔✗✘🗹🗷■]|\[\s?[xX✓✔]\s?\]|\(\s?[xX]\s?\)")
_TYPED_CROSS = re.compile(r"(?<![\w'’.-])[xX](?![\w'’.-])")
_STRUCK = re.compile(r"<(s|del|strike)\b[^<>]{0,100}>(.*?)</\1\s*>|~~(.+?)~~", re.IGNORECASE | re.DOTALL)
_OVERLAY = "\u0335\u0336"
_BOX = re.compile(f"([{EMPTY}{TICKED}])")


def normalise_boxes(text: str) -> str:
    """``text`` with every box as ``☐`` or ``☑``: html inputs (attributes in any order and quoting), signs, brackets."""

    def box(match: re.Match[str]) -> str:
        attributes = match[1]
        kind = re.search(r"type\s*=\s*[\"']?\s*(\w+)", attributes, re.IGNORECASE)
        if kind and kind[1].lower() not in {"checkbox", "radio"}:
            return match[0]
        return TICKED if _CHECKED.search(attributes) else EMPTY

    if "<" in text:
        text = re.sub(r"</input\s*>", "", _INPUT.sub(box, text), flags=re.IGNORECASE)
    return _EMPTY.sub(EMPTY, _TICKED.sub(TICKED, text))


def has_box(text: str) -> bool:
    """True when a normalised text holds a box."""
    return EMPTY in text or TICKED in text


def typed_cross(text: str) -> re.Match[str] | None:
    """The first X typed as a word of its own (a tick made with the keyboard)."""
    return _TYPED_CROSS.search(text)


def after_cross(text: str) -> str | None:
    """What follows a typed X at the head of ``text``; None without one."""
    match = _TYPED_CROSS.match(text)
    return text[match.end() :].strip() if match else None


def struck_out(text: str) -> tuple[str, list[bool]]:
    """``text`` without its marks of crossing out, and for each character left whether it was crossed out.

    Read are ``<s>``, ``<del>``, ``<strike>``, ``~~…~~`` and the combining overlays U+0335 and U+0336.
    """
    chars: list[str] = []
    flags: list[bool] = []

    def take(piece: str, struck: bool) -> None:
        for char in piece:
            if char in _OVERLAY:
                if flags:
                    flags[-1] = True
                continue
            chars.append(char)
            flags.append(struck)

    position = 0
    for match in _STRUCK.finditer(text):
        take(text[position : match.start()], False)
        take(match[2] if match[2] is not None else match[3], True)
        position = match.end()
    take(text[position:], False)
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
        cross = typed_cross(zone) is not None
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
