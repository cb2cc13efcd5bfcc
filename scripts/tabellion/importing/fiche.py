"""One fiche action: which label stands where, which text follows it, and its fields, except its funders."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tabellion.importing.cells import has_box, normalise_boxes, struck_out, yes_no
from tabellion.importing.lines import DocumentLine, LineAccount, Record, clean, fold_chars, shown

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
_INSIDE["numero"] = re.compile(r"(?<!\w)action\s*n\s*(?:[°º]|o(?![a-z]))\s*:?\s*(?=[a-z]{1,7}\s*-\s*\d|\d[\d. ]*/)")
_FUNDER_HEADER = re.compile(
    r"dispositifs?\s*/|dispositifs?\s+bop\b|montants?\s*\(\s*€\s*\)|montants? a titre indicatif"
)
_FORMAT = re.compile(r"</?(?!(?:input|s|del|strike)\b)[A-Za-z][A-Za-z0-9]{0,10}(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)
#: Labels whose value stands in their own cell.
_VALUE_IN_CELL = {"numero", "cpo", "entete", "sous_thematique"}
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


def _label(cell: str) -> tuple[str, int] | None:
    """The field whose label opens ``cell``, and where the label ends; else None."""
    folded = fold_chars(cell)
    return next(((name, match.end()) for name, pattern in _START.items() if (match := pattern.match(folded))), None)


def opens_row(line: DocumentLine, name: str) -> bool:
    """True when the line's first filled cell is the label ``name`` (with or without a value glued to it)."""
    first = next((cell for cell in line.cells if cell), "")
    match = _START[name].match(fold_chars(first))
    return match is not None and (name != "objectif" or match.end() == len(first))


def read_layout(lines: list[DocumentLine]) -> FicheLayout:
    """Cut the lines of one fiche into fragments by the labels of its rows.

    A label counts where it is a whole cell. Where none is, it also counts at the head of a cell, then inside one (rows
    run together). Text without a label continues the row above it, except what belongs to the funders' rows, known by
    its boxes or its headers.
    """
    layout = FicheLayout(lines)
    cells = [cell for line in lines for cell in line.cells if cell]
    whole = {label[0] for cell in cells if (label := _label(cell)) is not None and label[1] == len(cell)}
    current = "entete"
    for line in lines:
        for column, raw in enumerate(line.cells):
            cell = _FORMAT.sub("", raw).strip() if "<" in raw else raw
            if cell:
                current = _read_cell(layout, line, column, cell, current, whole)
    return layout


def _read_cell(layout: FicheLayout, line: DocumentLine, column: int, cell: str, current: str, whole: set[str]) -> str:
    """Add a cell's fragments; the field that goes on after it."""
    pieces = _cut(cell, column, whole, set(layout.labels))
    for name, text in pieces:
        glued = len(pieces) > 1
        if name is None:
            current = FUNDERS if _is_funder_cell(text, current) else current
        else:
            layout.labels.setdefault(name, line.numero)
            current = FUNDERS if name in {"publics", "prives"} else name
            if name == "numero":
                number, text = _number(text)
                layout.fragments.append(Fragment("numero", line.numero, column, number, glued))
                current = "proposition"
            elif name not in _VALUE_IN_CELL:
                glued = glued or bool(text)
        layout.fragments.append(Fragment(current, line.numero, column, text, glued))
    return current


def _number(text: str) -> tuple[str, str]:
    """The fiche number at the head of ``text``, and what follows it; all of it when it has not the usual form."""
    match = re.match(r"[IVXLCivxlc]{1,7}\s*[-–—]\s*\d{1,4}(?:\s*\.\s*\d{1,4})*\s*\.?\s*/\s*\d{1,4}(?!\d)", text)
    return (match[0].strip(), text[match.end() :].strip()) if match else (text.strip(), "")


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
_AXE = re.compile(
    r"(?P<code>(?:[A-Z]{1,7}\s*[-–—]\s*)?\d{1,4}(?:\s?\.\s?\d{1,4})*)\s*\.?\s*[-–—:]?\s*(?P<titre>.*)", re.DOTALL
)
_PRIORITY = re.compile(r"(?<!\d)(\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")
_SUBTHEME = re.compile(r"(?P<n>\d{1,3})\s*[-–—.:]\s*(?P<titre>.*)", re.DOTALL)
FICHE_NUMBER = re.compile(r"(?P<axe>(?:[A-Z]+-)?[0-9]+(?:\.[0-9]+)*)\.?/(?P<rang>[0-9]+)")
_MENTIONS = {
    "jeunes": re.compile(r"\bjeunes?\b|\(j\)"),
    "egalite_femmes_hommes": re.compile(r"\begalite\b|\(ddfe\)"),
    "lutte_discriminations": re.compile(r"\blutte contre les discriminations?\b|\bdiscriminations?\b|\(lcd\)"),
}
_ANSWERS = re.compile(r"(?<!\w)(?:oui|non|x)(?!\w)|[☐☑]", re.IGNORECASE)
_TEXT_FIELDS = ("objectif", "ref_interministerielle", "proposition", "porteurs", "partenaires_operationnels")


@dataclass
class Fiche:
    """A fiche as read: the row of ``fiches`` under construction, and what the rest of the reading needs of it."""

    layout: FicheLayout
    account: LineAccount
    row: Record = field(default_factory=dict)
    pilier_titre: str | None = None
    convention_numero: int | None = None
    convention_titre: str | None = None
    axe_titre: str | None = None
    repairs: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def ligne(self) -> int:
        """The fiche's first line."""
        return self.layout.ligne

    def line_of(self, label: str) -> int:
        """The line where a label stands; the fiche's first line when it is absent."""
        return self.layout.labels.get(label, self.ligne)

    def say(self, code: str, label: str | None = None, **words: Any) -> None:
        """Add a finding at the line of a label, by default the fiche's first line."""
        self.account.say(code, self.line_of(label or ""), **words)

    def repaired(self, what: str, source: str) -> None:
        """Note a repair, and the text as it was found."""
        if what not in self.repairs:
            self.repairs.append(what)
        if source and source not in self.sources:
            self.sources.append(source)


def read_fiche(layout: FicheLayout, account: LineAccount) -> Fiche:
    """The fields of one fiche; its identifier may still be missing (see :func:`settle_numbers`)."""
    fiche = Fiche(layout, account)
    fiche.pilier_titre = _joined(fiche, "entete")
    theme = _joined(fiche, "sous_thematique")
    match = _SUBTHEME.fullmatch(theme) if theme else None
    if match:
        fiche.convention_numero, fiche.convention_titre = int(match["n"]), match["titre"].strip() or None
    else:
        fiche.convention_titre = theme
    numero = _joined(fiche, "numero")
    fiche.row |= {"fiche_id": numero, "convention_id": fiche.convention_numero}
    _axe(fiche)
    texts = {name: _joined(fiche, name) for name in _TEXT_FIELDS}
    fiche.row |= {name: texts[name] for name in ("objectif", "ref_interministerielle")}
    _priority(fiche)
    _transversal(fiche)
    fiche.row["proposition"] = texts["proposition"]
    _echeance(fiche)
    fiche.row |= {name: texts[name] for name in ("porteurs", "partenaires_operationnels")}
    fiche.row["ligne_source"] = fiche.ligne
    if texts["objectif"] is None:
        fiche.say("fiche-champ-absent", champ="objectif", fiche=numero or "sans numéro")
    if numero and not FICHE_NUMBER.fullmatch(numero):
        fiche.say("fiche-numero-irregulier", "numero", champ="fiche_id", valeur=numero)
    return fiche


def _joined(fiche: Fiche, champ: str) -> str | None:
    """A field's text: its fragments joined by spaces; None when blank. What was cut or glued is a repair, and said."""
    fragments = fiche.layout.texts(champ)
    texts = [text for fragment in fragments if (text := clean(fragment.texte))]
    if not texts:
        return None
    value = " ".join(texts)
    lines = sorted({fragment.ligne for fragment in fragments})
    glued = any(fragment.glued for fragment in fragments)
    if not glued and (len(texts) == 1 or (champ in {"entete", "sous_thematique"} and len(lines) == 1)):
        return value
    what = "lignes recollées" if len(lines) > 1 else "cellules recollées" if len(texts) > 1 else "lignes collées"
    source = " / ".join(shown(line.texte) for line in fiche.layout.lines if line.numero in lines)
    fiche.repaired(what, source)
    fiche.account.say("fiche-reparee", lines[0], champ=champ, valeur=source[:1000], reparation=what, obtenu=value[:300])
    return value


def _axe(fiche: Fiche) -> None:
    """The axe's code and title; the code is taken from the fiche's number when the axe's row lacks it."""
    text, numero = _joined(fiche, "axe"), fiche.row["fiche_id"]
    match = _AXE.fullmatch(text) if text else None
    if match:
        fiche.row["axe_id"] = re.sub(r"\s", "", match["code"]).replace("–", "-").replace("—", "-")
        fiche.axe_titre = match["titre"].strip() or None
        return
    fiche.axe_titre = text
    match = FICHE_NUMBER.fullmatch(numero) if numero else None
    fiche.row["axe_id"] = match["axe"] if match else None
    if match:
        fiche.repaired("axe déduit du numéro", text or "")
        fiche.say("axe-deduit", "axe", champ="axe_id", valeur=text, attendu=match["axe"], fiche=numero)
    else:
        fiche.say("axe-absent", "axe", champ="axe_id", valeur=text, fiche=numero or "sans numéro")


def _priority(fiche: Fiche) -> None:
    """« 1 (2016) » is priority 1 of 2016."""
    text = _joined(fiche, "priorite") or ""
    year = _YEAR.search(text)
    rest = text if year is None else text[: year.start()] + text[year.end() :]
    rank = _PRIORITY.findall(rest)
    fiche.row["priorite"] = int(rank[0]) if len(rank) == 1 and rank[0] != "0" else None
    fiche.row["annee_priorite"] = int(year[1]) if year else None
    left = re.sub(r"priorite|n°|[\s()\-–:°]|\d", "", fold_chars(text))
    if text and (fiche.row["priorite"] is None or left or len(_YEAR.findall(text)) > 1):
        fiche.say("priorite-illisible", "priorite", champ="priorite", valeur=text)


def _transversal(fiche: Fiche) -> None:
    """Each transverse axe is kept unless crossed out or its mention removed; unknown when the row is blank."""
    text, flags = struck_out(" ".join(fragment.texte for fragment in fiche.layout.texts("transversal")))
    blank, folded = not text.strip(), fold_chars(text)
    for name, pattern in _MENTIONS.items():
        match = pattern.search(folded)
        struck = [flags[i] for i in range(*match.span()) if text[i].isalnum()] if match else [True]
        fiche.row[name] = None if blank else sum(struck) * 2 <= len(struck)
    if blank:
        numero = fiche.row["fiche_id"] or "sans numéro"
        fiche.say("axes-transversaux-absents", "transversal", champ="jeunes", fiche=numero)


def _echeance(fiche: Fiche) -> None:
    """The term as published, and the CPO's two boxes."""
    text = normalise_boxes(" ".join(fragment.texte for fragment in fiche.layout.texts("cpo")))
    source, numero = shown(text), fiche.row["fiche_id"]
    oui, non, typed = yes_no(text)
    fiche.row["echeance"] = _joined(fiche, "echeance")
    fiche.row["cpo"] = bool(oui) if bool(oui) != bool(non) else None
    if oui and non:
        fiche.say("cpo-double", "cpo", champ="cpo", valeur=source, fiche=numero or "sans numéro")
    if typed:
        fiche.repaired("coche tapée", source)
        fiche.say("coche-tapee", "cpo", champ="cpo", valeur=source, obtenu="CPO", fiche=numero or "?")
    rest = _ANSWERS.sub("", text).strip()
    if not re.sub(r"[\s/:]", "", rest):
        return
    if fiche.row["echeance"] is None:
        what = "échéance après la CPO"
        fiche.row["echeance"] = rest
        fiche.repaired(what, source)
        fiche.say("fiche-reparee", "cpo", champ="echeance", valeur=source, reparation=what, obtenu=rest)
    else:
        fiche.say("texte-de-fiche-non-place", "cpo", champ="cpo", valeur=source, fiche=numero or "?")
