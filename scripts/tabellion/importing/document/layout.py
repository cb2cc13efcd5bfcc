"""The rows of a fiche: which label stands where, and which text follows it, whatever column it slipped into."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.document.boxes import has_box, normalise_boxes
from tabellion.importing.document.lines import DocumentLine, fold

_FIELDS: dict[str, str] = {
    "entete": r"convention thematique\s*:",
    "sous_thematique": r"sous\s*-?\s*thematique\s*:",
    "axe": r"axe strategique",
    "objectif": r"objectifs?(?!\s+\d)",
    "ref_interministerielle": r"ref(?:\.|erence)?\s*(?:de la )?convention interministerielle",
    "priorite": r"priorite du territoire",
    "transversal": r"axes? transversa(?:l|ux)\s*\*?\s*(?:\(\s*\*?\s*rayer (?:la|les) mentions? inutiles?\s*\))?",
    "proposition": r"propositions?\s*(?:\(s\))?\s*d'\s*actions?\s*(?:\(s\))?",
    "echeance": r"delai\s*(?:/\s*echeance)?\s*de programmation",
    "porteurs": r"porteurs?\s*(?:\(s\))?\s*identifies?\s*(?:\(s\))?",
    "partenaires_operationnels": r"partenaires? operationnels?",
    "publics": r"partenaires? financiers? publics?(?:\s*/\s*droit commun identifie)?",
    "prives": r"partenaires? financiers? prives?",
    "cpo": r"cpo\s+envisagee?s?",
    "numero": r"action\s*n\s*(?:[°º]|o(?![a-z]))",
}
_START = {name: re.compile(rf"(?:\*\*)?{pattern}\s*(?:\*\*)?\s*:?\s*") for name, pattern in _FIELDS.items()}
# « Objectif » and « axe stratégique » are words of the texts too: never looked for inside one.
_INSIDE = {name: re.compile(rf"(?<!\w){_FIELDS[name]}") for name in _FIELDS if name not in {"objectif", "axe"}}
_NUMBER_INSIDE = re.compile(r"(?<!\w)action\s*n\s*(?:[°º]|o(?![a-z]))\s*:?\s*(?=[ivxlc]{1,7}\s*-\s*\d)")
_FUNDER_HEADER = re.compile(
    r"dispositifs?\s*/|dispositifs?\s+bop\b|montants?\s*\(\s*€\s*\)|montants? a titre indicatif"
)
_FORMAT = re.compile(r"</?(?!(?:input|s|del|strike)\b)[A-Za-z][A-Za-z0-9]{0,10}(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)
FUNDERS = "financeurs"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a fiche's text: the field it belongs to, its line and column (0-based cell), and its text.

    ``glued`` is True where the label and the text, or two rows, shared one cell.
    """

    champ: str
    ligne: int
    colonne: int
    texte: str
    glued: bool = False


@dataclass
class FicheLayout:
    """The lines of one fiche, and what they hold: the labels met (with their line) and the fragments in order."""

    lines: list[DocumentLine]
    labels: dict[str, int] = field(default_factory=dict)
    fragments: list[Fragment] = field(default_factory=list)

    @property
    def ligne(self) -> int:
        """The fiche's first line."""
        return self.lines[0].numero

    def texts(self, champ: str) -> list[Fragment]:
        """The fragments of a field that hold text."""
        return [fragment for fragment in self.fragments if fragment.champ == champ and fragment.texte]


def label_of(cell: str) -> str | None:
    """The field whose label opens ``cell``, else None."""
    folded = fold(cell)
    return next((name for name, pattern in _START.items() if pattern.match(folded)), None)


def opens_row(line: DocumentLine, name: str) -> bool:
    """True when the line's first filled cell is the label ``name`` (with or without a value glued to it)."""
    first = next((cell for cell in line.cells if cell), "")
    match = _START[name].match(fold(first))
    return match is not None and (name != "objectif" or match.end() == len(first))


def read_layout(lines: list[DocumentLine]) -> FicheLayout:
    """Cut the lines of one fiche into fragments by the labels of its rows.

    A label counts where it is a whole cell. Where none is, it also counts at the head of a cell, then inside one (rows
    run together). Text without a label continues the row above it, except what belongs to the funders' rows, known by
    its boxes or its headers.
    """
    block = FicheLayout(lines)
    whole = {
        name
        for line in lines
        for cell in line.cells
        if cell
        for name in [label_of(cell)]
        if name is not None and (match := _START[name].match(fold(cell))) and match.end() == len(cell)
    }
    current = "entete"
    for line in lines:
        for column, raw in enumerate(line.cells):
            cell = _FORMAT.sub("", raw).strip() if "<" in raw else raw
            if cell:
                current = _read_cell(block, line, column, cell, current, whole)
    return block


def _read_cell(block: FicheLayout, line: DocumentLine, column: int, cell: str, current: str, whole: set[str]) -> str:
    """Add a cell's fragments; the field that goes on after it."""
    pieces = _cut(cell, column, whole, set(block.labels))
    glued = len(pieces) > 1
    for name, text in pieces:
        if name is None:
            champ = FUNDERS if _is_funder_cell(text, current) else current
        else:
            block.labels.setdefault(name, line.numero)
            champ = FUNDERS if name in {"publics", "prives"} else name
            if name == "numero":
                number, text = _number(text)
                block.fragments.append(Fragment("numero", line.numero, column, number, glued))
                champ = "proposition"
        joined = glued or (
            name is not None and bool(text) and name not in {"entete", "sous_thematique", "cpo", "numero"}
        )
        block.fragments.append(Fragment(champ, line.numero, column, text, joined))
        current = champ
    return current


def _number(text: str) -> tuple[str, str]:
    """The fiche number at the head of ``text``, and what follows it; all of it when it has not the usual form."""
    match = re.match(r"[IVXLCivxlc]{1,7}\s*[-–—]\s*\d{1,4}(?:\s*\.\s*\d{1,4})*\s*\.?\s*/\s*\d{1,4}(?!\d)", text)
    return (match[0].strip(), text[match.end() :].strip()) if match else (text.strip(), "")


def _is_funder_cell(text: str, current: str) -> bool:
    if current == FUNDERS:
        return True
    if _FUNDER_HEADER.match(fold(text)):
        return True
    return has_box(normalise_boxes(text)) and current != "cpo" and not re.search(r"(?<!\w)(OUI|NON)(?!\w)", text)


def _cut(cell: str, column: int, whole: set[str], seen: set[str]) -> list[tuple[str | None, str]]:
    """A cell cut at the labels it holds: (field, text), the field None for text before the first label."""
    folded = fold(cell)
    marks: list[tuple[int, int, str]] = []
    head = next(((name, m) for name, p in _START.items() if (m := p.match(folded))), None)
    if head is not None:
        name, match = head
        exact = match.end() == len(cell)
        if exact or name in {"numero", "cpo", "entete", "sous_thematique"} or (
            name not in whole and (name != "objectif" or (column == 0 and name not in seen))
        ):  # fmt: skip
            marks.append((0, match.end(), name))
    for name, pattern in _INSIDE.items():
        search = _NUMBER_INSIDE if name == "numero" else pattern
        if name in whole and name not in {"numero", "cpo"}:
            continue
        inside = search.search(folded, marks[0][1] if marks else 1)
        if inside and cell[inside.start() : inside.start() + 1].isupper() and name not in {n for _, _, n in marks}:
            label = _START[name].match(folded, inside.start())
            marks.append((inside.start(), label.end() if label else inside.end(), name))
    if not marks:
        return [(None, cell)]
    marks.sort()
    pieces: list[tuple[str | None, str]] = []
    if marks[0][0] > 0:
        pieces.append((None, cell[: marks[0][0]].strip()))
    for index, (_, end, name) in enumerate(marks):
        stop = marks[index + 1][0] if index + 1 < len(marks) else len(cell)
        pieces.append((name, cell[end:stop].strip()))
    return pieces
