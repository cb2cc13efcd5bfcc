"""Fiches and their funders out of the tables of other people, as the readers of documents take them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tabellion.importing.blocks import FUNDER_COLUMN
from tabellion.importing.cells import TickBox, normalise_boxes, read_boxes
from tabellion.importing.fiche import Fiche, read_fiche
from tabellion.importing.fiche_layout import FicheLayout, Fragment
from tabellion.importing.funders import BoxText, DocumentFunder, FunderRow, funder_identifier
from tabellion.importing.grids import cents_of, printed
from tabellion.importing.lines import DocumentLine, LineAccount, Record, fold_chars, key, unique
from tabellion.importing.names import ConventionNames, Quarters
from tabellion.importing.records import SheetRecord
from tabellion.importing.words import category_of
from tabellion.wording import shortened

_YES = frozenset({"oui", "o", "x", "1", "vrai", "true", "yes", "☑", "☒", "✓", "✔", "ok"})
_NO = frozenset({"non", "n", "0", "faux", "false", "no", "☐", "-", "neant"})
#: The transverse axes, by the columns that answer for each, as a document names them.
_MENTIONS = {
    "jeunes": "Jeunes", "egalite_femmes_hommes": "Egalité", "lutte_discriminations": "Lutte contre les discriminations",
}  # fmt: skip
TEXT_LABELS = {
    "objectif": "objectif", "ref_interministerielle": "ref_interministerielle", "priorite": "priorite",
    "transversal": "transversal", "proposition": "proposition", "echeance": "echeance", "porteurs": "porteurs",
    "partenaires_operationnels": "partenaires_operationnels", "fiche_id": "numero",
}  # fmt: skip
"""The label, in a document's fiche, of each of our fields."""
_FUNDER_LIST = re.compile(r"\s*[;/\n,]\s*")
_CATEGORY = re.compile(r"\s*\((public local|public national|privé)\)\s*$")


def yes_or_no(text: str) -> bool | None:
    """What a cell that is ticked, crossed or answered says; ``None`` for anything else, a blank too."""
    word = fold_chars(text).strip(" .")
    return True if word in _YES else False if word in _NO else None


@dataclass
class ForeignFiches:
    """The fiches of one import and the funding rows of each, under construction."""

    account: LineAccount
    conventions: ConventionNames
    quarters: Quarters
    lines: dict[int, DocumentLine]
    fiches: list[Fiche] = field(default_factory=list)
    funding: list[list[tuple[str, SheetRecord, str, str]]] = field(default_factory=list)
    """Of each fiche: the funder's name, the record, the dispositif and the amount as texts."""
    others: list[Fiche] = field(default_factory=list)
    """The fiches that the contract has from elsewhere, to which funding rows may belong."""
    unticked: dict[str, str] = field(default_factory=dict)
    """The funders offered, ticked or not, by their keys."""
    _known: dict[str, Record] = field(default_factory=dict)

    def offer(self, funder: str) -> None:
        """Note a funder that every fiche offers, ticked or not."""
        self.unticked.setdefault(key(funder), funder)

    def add(self, record: SheetRecord, where: str) -> None:
        """Add the fiche of a record."""
        titre = record.get("convention_titre")
        convention = self.conventions.find(record.get("convention"), titre, record.line_of("convention"), where)
        self._put_under_pilier(record, convention)
        own = sorted({record.ligne, *(record.line_of(champ) for champ in record.places)})
        layout = FicheLayout([self.lines[ligne] for ligne in own])
        for champ, label in TEXT_LABELS.items():
            if text := record.get(champ):
                if champ == "priorite" and (year := record.get("annee_priorite")):
                    text = f"{text} ({year})"
                self._fragment(layout, record, champ, label, _number(text) if champ == "fiche_id" else text)
        axe = " ".join(filter(None, (record.get("axe"), record.get("axe_titre"))))
        if axe:
            self._fragment(layout, record, "axe", "axe", axe)
        if convention is not None:
            titre = self.conventions.titles[convention]
            self._fragment(layout, record, "convention", "sous_thematique", f"{convention} - {titre}")
        if any(record.get(champ) for champ in _MENTIONS) and not record.get("transversal"):
            text = " ".join(m if yes_or_no(record.get(champ)) else f"~~{m}~~" for champ, m in _MENTIONS.items())
            self._fragment(layout, record, next(iter(_MENTIONS)), "transversal", text)
        fiche = read_fiche(layout, self.account)
        fiche.row["convention_id"] = convention
        if text := record.get("quartiers"):
            fiche.row["quartiers"] = self.quarters.named(text)
        self._flags(fiche, record)
        self.fiches.append(fiche)
        self.funding.append([])
        if text := record.get("financeurs"):
            self._listed(record, text)
        for title, text in record.texts.items():
            if title.startswith(FUNDER_COLUMN):
                self._column(record, title.removeprefix(FUNDER_COLUMN), text)

    def _listed(self, record: SheetRecord, text: str) -> None:
        """The funders that one cell lists: those ticked among boxes, all of them where it has none."""
        leading, boxes = read_boxes(record.ligne, 0, normalise_boxes(text))
        if not boxes:
            boxes = [TickBox(record.ligne, 0, nom.strip(), True) for nom in _FUNDER_LIST.split(leading) if nom.strip()]
        for box in boxes:
            self.offer(box.libelle)
            if box.ticked:
                self.funding[-1].append((box.libelle, record, "", ""))

    def _put_under_pilier(self, record: SheetRecord, convention: int | None) -> None:
        if record.get("pilier"):
            self.conventions.put_under(convention, record.get("pilier"), record.line_of("pilier"))

    @staticmethod
    def _fragment(layout: FicheLayout, record: SheetRecord, champ: str, label: str, text: str) -> None:
        ligne = record.line_of(champ)
        layout.labels.setdefault(label, ligne)
        layout.fragments.append(Fragment(label, ligne, record.places.get(champ, (0, 0))[1], text))

    def _flags(self, fiche: Fiche, record: SheetRecord) -> None:
        """The answers of columns of their own: yes, no, a cross; what is neither is said and left blank."""
        for champ in (*_MENTIONS, "cpo"):
            if champ not in record.texts:
                continue
            answer = yes_or_no(record.texts[champ])
            fiche.row[champ] = answer
            if answer is None:
                self.account.say(
                    "reponse-illisible", record.line_of(champ), champ=champ, valeur=shortened(record.texts[champ], 200),
                    fiche=fiche.row["fiche_id"] or "?",
                )  # fmt: skip

    def _column(self, record: SheetRecord, funder: str, text: str) -> None:
        """A funder's own column: a cross ticks it, an amount or a text ticks it too and is kept."""
        answer = yes_or_no(text)
        if answer is False or not text:
            return
        if answer:
            self.funding[-1].append((funder, record, "", ""))
        elif not cents_of(text)[1]:
            row, column = record.places[f"{FUNDER_COLUMN}{funder}"]
            self.funding[-1].append((funder, record, "", printed(record.grid.rows[row][column])))
        else:
            self.funding[-1].append((funder, record, text, ""))

    def add_funding(self, record: SheetRecord) -> None:
        """Add a row of a list of financements to its fiche, known by its number."""
        number = key(_number(record.get("fiche_id")))
        place = next(
            (index for index, fiche in enumerate(self.fiches) if key(fiche.row["fiche_id"] or "") == number), None
        )
        funder = record.get("financeur")
        if funder:
            self.offer(funder)
        if place is None:
            line = self.lines[record.ligne]
            self.account.unplaced(line, f"la fiche « {record.get('fiche_id')} » n'est pas parmi celles lues")
            return
        if "coche" in record.texts and yes_or_no(record.texts["coche"]) is False:
            return
        amount = next((key_ for key_ in record.amounts if key_[0] == "montant"), None)
        text = ""
        if amount is not None and "montant" in record.places:
            row, column = record.places["montant"]
            text = printed(record.grid.rows[row][column])
        self.funding[place].append((funder, record, record.get("dispositif"), text))

    def know(self, rows: list[Record]) -> None:
        """Learn the fiches that are known from elsewhere."""
        self._known = {key(row["fiche_id"]): row for row in rows}

    def _place_of(self, numero: str) -> int | None:
        """The place of a fiche, by its number, among those read and then those known; ``None`` where it is neither."""
        read = [*self.fiches, *self.others]
        for index, fiche in enumerate(read):
            if key(str(fiche.row["fiche_id"])) == key(numero):
                return index
        row = self._known.get(key(numero))
        if row is None:
            return None
        self.others.append(Fiche(FicheLayout([DocumentLine(0, "", ())]), self.account, dict(row)))
        self.funding.append([])
        return len(read)

    def funders(self) -> list[DocumentFunder]:
        """The funders offered by all fiches, in the order found."""
        taken = set[str]()
        funders = list[DocumentFunder]()
        for nom in self.unticked.values():
            match = _CATEGORY.search(nom)
            categorie = match[1] if match else category_of(nom)
            funders.append(DocumentFunder(len(funders), unique(funder_identifier(nom), taken), nom, nom, categorie))
        return funders

    def rows(self, funders: list[DocumentFunder]) -> list[list[FunderRow]]:
        """The funding rows of each fiche, every box of the list offered once."""
        names = {key(funder.libelle): funder.libelle for funder in funders}
        return [list(self._rows(index, names)) for index in range(len(self.funding))]

    def _rows(self, index: int, names: dict[str, str]) -> Iterable[FunderRow]:
        ligne = [*self.fiches, *self.others][index].ligne
        ticked = set[str]()
        for funder, record, dispositif, montant in self.funding[index]:
            boxes = [TickBox(record.ligne, 0, names[key(funder)], True)] if funder else []
            ticked.add(key(funder))
            values = [
                BoxText(record.ligne, record.places.get(champ, (0, 0))[1], text, champ)
                for champ, text in (("dispositif", dispositif), ("montant", montant))
                if text
            ]
            yield FunderRow(record.ligne, boxes, values)
        left = [TickBox(ligne, 0, libelle, False) for known, libelle in names.items() if known not in ticked]
        if left:
            yield FunderRow(ligne, left)


def _number(text: str) -> str:
    """A fiche's number as our tables write it, without spaces, its dashes plain."""
    bare = re.sub(r"\s*([-–—./])\s*", lambda match: match[1].replace("–", "-").replace("—", "-"), text.strip())
    return re.sub(r"^(?:fiche|action)\s*(?:action\s*)?(?:n\s*[°º]\s*)?:?\s*(?=\w)", "", bare, flags=re.IGNORECASE)
