"""The rows of one fiche action: which label stands where, and which text follows it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.cells import has_box, normalise_boxes
from tabellion.importing.lines import DocumentLine, fold_chars

_FIELDS: dict[str, str] = {
    "entete": r"convention thematique\s*:",
    "sous_thematique": r"sous\s*-?\s*thematique\s*:",
    "axe": r"axe strategique",
    "objectif": r"objectifs?(?:\s+(?:operationnels?|de l'action))?(?!\s+\d)",
    "ref_interministerielle": r"ref(?:\.|erence)?\s*(?:de la )?convention interministerielle",
    "priorite": r"priorite du territoire",
    "transversal": r"axes? transversa(?:l|ux)\s*\*?\s*(?:\(\s*\*?\s*rayer (?:la|les) mentions? inutiles?\s*\))?",
    "proposition": r"propositions?\s*(?:\(s\))?\s*d'\s*actions?\s*(?:\(s\))?",
    "echeance": r"(?:delai\s*(?:/\s*echeance)?\s*de programmation|echeances?(?=\s*:|\s*$))",
    "porteurs": r"porteurs?\s*(?:\(s\))?\s*(?:identifies?\s*(?:\(s\))?|d[ue] (?:l'action|projet)(?=\s*:|\s*$))",
    "partenaires_operationnels": r"partenaires? (?:operationnels?|(?:mobilises?|associes?)(?=\s*:|\s*$))",
    "publics": r"partenaires? financiers? publics?(?:\s*/\s*droit commun identifie)?",
    "prives": r"partenaires? financiers? prives?",
    "cpo": r"cpo\s+envisagee?s?",
    "numero": r"(?:fiche(?:\s+action)?|action)\s*n\s*(?:[°º]|o(?![a-z]))",
}
_START = {name: re.compile(rf"(?:\*\*)?{pattern}\s*(?:\*\*)?\s*:?\s*") for name, pattern in _FIELDS.items()}
# « Objectif » and « axe stratégique » are words of the texts too: never looked for inside one.
_INSIDE = {name: re.compile(rf"(?<!\w){_FIELDS[name]}") for name in _FIELDS if name not in {"objectif", "axe"}}
_INSIDE["numero"] = re.compile(
    r"(?<!\w)(?:fiche(?:\s+action)?|action)\s*n\s*(?:[°º]|o(?![a-z]))\s*:?\s*(?=[a-z]{1,7}\s*-\s*\d|\d[\d. ]*/)"
)
_FUNDER_HEADER = re.compile(
    r"dispositifs?\s*/|dispositifs?\s+bop\b|montants?\s*\(\s*€\s*\)|montants? a titre indicatif"
)
_FORMAT = re.compile(r"</?(?!(?:input|s|del|strike)\b)[A-Za-z][A-Za-z0-9]{0,10}(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)
#: Labels whose value stands in their own cell.
_VALUE_IN_CELL = {"numero", "cpo", "entete", "sous_thematique"}
#: A fiche's number: that of its axe, and its rank there.
FICHE_NUMBER = re.compile(r"(?P<axe>(?:[A-Z]+-)?[0-9]+(?:\.[0-9]+)*)\.?/(?P<rang>[0-9]+)")
_TITLE = re.compile(
    r"(?:fiche(?:\s+action)?|action)\s+(?:n\s*[°º]\s*)?(?P<numero>(?:[a-z]{1,7}-)?\d[\d.]*(?:/\d+)?)(?<!\.)\s*(?:[-:.]\s*(?=\S)|$)"
)
FUNDERS, UNKNOWN = "financeurs", "inconnu"
_LONGEST_LABEL = 60


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
    unknown: list[Fragment] = field(default_factory=list)
    """The labels of rows that are none of our fields, each as its ``champ``, with the text beside it."""

    @property
    def ligne(self) -> int:
        """The fiche's first line."""
        return self.lines[0].numero

    def texts(self, champ: str) -> list[Fragment]:
        """The fragments of a field that hold text."""
        return [fragment for fragment in self.fragments if fragment.champ == champ and fragment.texte]


def label_in(cell: str) -> str | None:
    """The field whose label opens a cell; ``None`` where none does."""
    label = _label(cell)
    return None if label is None else label[0]


def _label(cell: str) -> tuple[str, int] | None:
    """The field whose label opens ``cell``, and where the label ends; else None."""
    folded = fold_chars(cell)
    return next(((name, match.end()) for name, pattern in _START.items() if (match := pattern.match(folded))), None)


def opens_row(line: DocumentLine, name: str) -> bool:
    """True when the line's first filled cell is the label ``name`` (with or without a value glued to it)."""
    first = next((cell for cell in line.cells if cell), "")
    match = _START[name].match(fold_chars(first))
    return match is not None and (name != "objectif" or match.end() == len(first))


def label_of(line: DocumentLine) -> str | None:
    """The field whose label is the whole first cell of a table's row; ``None`` for any other line."""
    label = _label(line.cells[0]) if line.tabbed else None
    return label[0] if label is not None and label[1] == len(line.cells[0]) else None


def fiche_title(line: DocumentLine) -> tuple[str, str] | None:
    """The number and the words of a title of its own (« Fiche action 1.2 : Prévenir »); ``None`` for any other line."""
    match = None if line.tabbed else _TITLE.match(fold_chars(line.texte))
    return None if match is None else (line.texte[slice(*match.span("numero"))], line.texte[match.end() :].strip())


def read_layout(lines: list[DocumentLine]) -> FicheLayout:
    """Cut the lines of one fiche into fragments by the labels of its rows.

    A label counts where it is a whole cell. Where none is, it also counts at the head of a cell, then inside one (rows
    run together). Text without a label continues the row above it, except what belongs to the funders' rows, known by
    its boxes or its headers.
    """
    layout = FicheLayout(lines)
    title = fiche_title(lines[0])
    if title is not None:
        layout.fragments.append(Fragment("proposition", lines[0].numero, 0, title[1]))
    cells = [cell for line in lines for cell in line.cells if cell]
    whole = {label[0] for cell in cells if (label := _label(cell)) is not None and label[1] == len(cell)}
    current = "entete"
    for line in lines[title is not None :]:
        other = _other_label(line, current)
        if other is not None:
            layout.unknown.append(other)
            current = UNKNOWN
        for column, raw in enumerate(line.cells):
            cell = _FORMAT.sub("", raw).strip() if "<" in raw else raw
            if cell:
                current = _read_cell(layout, line, column, cell, current, whole)
    if title is not None and "numero" not in layout.labels:
        layout.labels["numero"] = lines[0].numero
        layout.fragments.append(Fragment("numero", lines[0].numero, 0, title[0]))
    return layout


def _other_label(line: DocumentLine, current: str) -> Fragment | None:
    """The label of a row that none of our fields has: short, at the head of its row, a text beside it."""
    label, *values = line.cells
    text = next((value for value in values if value), "")
    is_short = len(label) <= _LONGEST_LABEL and label[:1].isupper() and not label.endswith((".", ",", ";"))
    if not is_short or not text or current == FUNDERS or _label(label) is not None:
        return None
    cells = [normalise_boxes(cell) for cell in line.cells]
    if any(has_box(cell) or _FUNDER_HEADER.match(fold_chars(cell)) for cell in cells):
        return None
    if any(name is not None for cell in line.cells if cell for name, _ in _cut(cell, 1, set(), set())):
        return None
    return Fragment(label, line.numero, 0, text)


def _number_beside(line: DocumentLine, column: int) -> str:
    """The number of a fiche in the cell after its label; empty where that cell holds something else."""
    beside = "".join(line.cells[column + 1 : column + 2])
    return beside if FICHE_NUMBER.fullmatch(beside) else ""


def _read_cell(layout: FicheLayout, line: DocumentLine, column: int, cell: str, current: str, whole: set[str]) -> str:
    """Add a cell's fragments; the field that goes on after it."""
    if column and FICHE_NUMBER.fullmatch(cell) and _label(before := line.cells[column - 1]) == ("numero", len(before)):
        return current  # it was read with its label
    pieces = _cut(cell, column, whole, set(layout.labels))
    for name, text in pieces:
        glued = len(pieces) > 1
        if name is None:
            current = FUNDERS if _is_funder_cell(text, current) else current
        else:
            layout.labels.setdefault(name, line.numero)
            current = FUNDERS if name in {"publics", "prives"} else name
            if name == "numero":
                number, text = _number(text or _number_beside(line, column))
                layout.fragments.append(Fragment("numero", line.numero, column, number, glued))
                current = "proposition"
            elif name not in _VALUE_IN_CELL:
                glued = glued or bool(text)
        layout.fragments.append(Fragment(current, line.numero, column, text, glued))
    return current


def _number(text: str) -> tuple[str, str]:
    """The fiche number at the head of ``text``, and what follows it; all of it when it has not the usual form."""
    match = re.match(r"[IVXLCivxlc]{1,7}\s*[-–—]\s*\d{1,4}(?:\s*\.\s*\d{1,4})*\s*\.?\s*/\s*\d{1,4}(?!\d)", text)
    if match is None:
        return text.strip(), ""
    return re.sub(r"[–—]", "-", re.sub(r"\s", "", match[0])), text[match.end() :].strip()


def _is_funder_cell(text: str, current: str) -> bool:
    if current == FUNDERS:
        return True
    if _FUNDER_HEADER.match(fold_chars(text)):
        return True
    return has_box(normalise_boxes(text)) and current != "cpo" and not re.search(r"(?<!\w)(OUI|NON)(?!\w)", text)


def _cut(cell: str, column: int, whole: set[str], seen: set[str]) -> list[tuple[str | None, str]]:
    """A cell cut at the labels it holds: (field, text), the field None for text before the first label."""
    folded = fold_chars(cell)
    marks: list[tuple[int, int, str]] = []
    head = _label(cell)
    if head is not None:
        name, end = head
        free = name not in whole and (name != "objectif" or (column == 0 and name not in seen))
        if free or end == len(cell) or name in _VALUE_IN_CELL:
            marks.append((0, end, name))
    at_head = marks[0][2] if marks else None
    for name, pattern in _INSIDE.items():
        if name == at_head or (name in whole and name not in {"numero", "cpo"}):
            continue
        inside = pattern.search(folded, marks[0][1] if marks else 1)
        if inside and cell[inside.start() : inside.start() + 1].isupper():
            label = _START[name].match(folded, inside.start())
            marks.append((inside.start(), label.end() if label else inside.end(), name))
    marks.sort()
    starts = [*(start for start, _, _ in marks), len(cell)]
    pieces: list[tuple[str | None, str]] = [(None, cell[: starts[0]].strip())] if starts[0] else []
    for (_, end, name), stop in zip(marks, starts[1:], strict=True):
        pieces.append((name, cell[end:stop].strip()))
    return pieces


# « I-1.1 », « A-2 », « 1.1 »: letters of the level above where there is one, then numbers.
