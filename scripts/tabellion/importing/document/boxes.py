"""Boxes, ticks and crossed-out words, however the extraction wrote them."""

from __future__ import annotations

import re

EMPTY, TICKED = "☐", "☑"

_INPUT = re.compile(r"<input\b([^<>]{0,300})>", re.IGNORECASE)
_CHECKED = re.compile(r"(?:^|[\s\"'])checked(?=[\s=/\"']|$)", re.IGNORECASE)
_EMPTY = re.compile(r"[□◻▢❏❑⬜]|\[[\s_]{0,3}\](?!\()")
_TICKED = re.compile(r"[☒✓✔✗✘🗹🗷■]|\[\s?[xX✓✔]\s?\]|\(\s?[xX]\s?\)")
_TYPED_CROSS = re.compile(r"(?<![\w'’.-])[xX](?![\w'’.-])")
_STRUCK = re.compile(r"<(s|del|strike)\b[^<>]{0,100}>(.*?)</\1\s*>|~~(.+?)~~", re.IGNORECASE | re.DOTALL)
_OVERLAY = "\u0335\u0336"


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


def yes_no(text: str) -> tuple[bool | None, bool | None, bool]:
    """Whether OUI and NON are ticked in a normalised text, and whether a cross was typed for one of them.

    A box follows its word (« OUI ☐ NON ☐ »), or precedes it when the text begins with a box. None when the word is
    not there.
    """
    words = list(re.finditer(r"(?<!\w)(oui|non)(?!\w)", text, re.IGNORECASE))
    if not words:
        return None, None, False
    before = re.search(rf"[{EMPTY}{TICKED}]|(?<!\w)[xX](?!\w)", text[: words[0].start()]) is not None
    answers: dict[str, bool] = {}
    typed = False
    for index, word in enumerate(words):
        if before:
            start = words[index - 1].end() if index else 0
            zone = text[start : word.start()]
        else:
            end = words[index + 1].start() if index + 1 < len(words) else len(text)
            zone = text[word.end() : end]
        cross = typed_cross(zone) is not None
        typed = typed or cross
        answers[word[1].lower()] = answers.get(word[1].lower(), False) or cross or TICKED in zone
    return answers.get("oui"), answers.get("non"), typed
