"""The funding rows of one fiche: each ticked funder with its dispositif and its amount."""

from __future__ import annotations

import re
from typing import Any

from tabellion.findings import Severity
from tabellion.importing.document.amounts import find_amounts, parse_amount
from tabellion.importing.document.cells import STATUSES, BoxText, FunderRow, resolve, roles
from tabellion.importing.document.fiche import Fiche
from tabellion.importing.document.funders import DocumentFunder, TickBox, match_boxes
from tabellion.importing.document.lines import LineAccount, fold, key, slug

_UNIT_PRICE = re.compile(r"\s*(?:/|par\b)")


def amount_state(text: str | None) -> tuple[int | None, str]:
    """The cents that an amount text states, and its state among the schema's.

    The amount is given only by exactly one figure in euros; a price per head or per year is not one.
    """
    if not text:
        return None, "non renseigné"
    whole = parse_amount(text)
    amounts = find_amounts(text)
    if whole is not None:
        return whole, "chiffré"
    if len(amounts) == 1 and not _UNIT_PRICE.match(fold(text)[amounts[0].end :]):
        return amounts[0].cents, "chiffré"
    folded = fold(text)
    if not amounts:
        for name, pattern in STATUSES:
            if pattern.search(folded):
                return None, name
    return None, "autre"


class FinancingReader:
    """Reads the funding rows of the fiches, against the funders that all fiches share (``funders``, which may grow)."""

    def __init__(self, funders: list[DocumentFunder], account: LineAccount) -> None:
        self.funders = funders
        self.account = account
        self.lists = list(funders)
        self.taken: set[str] = set()

    def read(self, fiche: Fiche, rows: list[FunderRow]) -> list[dict[str, Any]]:
        """The rows of ``financements`` of one fiche. Its identifier must be settled."""
        rows = resolve(rows, self.lists)
        by_box = self._matches(fiche, rows)
        ticks: list[tuple[FunderRow, TickBox, DocumentFunder | None]] = [
            (row, box, by_box[id(box)]) for row in rows for box in row.boxes if box.ticked
        ]
        built = {id(box): self._new(fiche, box, funder) for _, box, funder in ticks}
        loose: list[dict[str, Any]] = []
        for row in rows:
            here = [box for _, box, _ in ticks if box in row.boxes]
            self._extras(fiche, row)
            dispositif, montant, glued = roles(row)
            if dispositif is None and montant is None:
                continue
            source = " | ".join(
                dict.fromkeys(self._source(fiche, value.ligne, {value.colonne}) for value in row.values)
            )
            if len(here) == 1:
                self._fill(built[id(here[0])], dispositif, montant, glued, source, row.ligne)
            elif here:
                for box in here:
                    self._fill(built[id(box)], dispositif, montant, glued, source, row.ligne)
                    built[id(box)]["montant"] = None
                    if built[id(box)]["statut_montant"] == "chiffré":
                        built[id(box)]["statut_montant"] = "autre"
                self.account.say(
                    "texte-partage", row.ligne, champ="montant", valeur=source[:500], fiche=fiche.row["fiche_id"],
                    nombre=len(here),
                )  # fmt: skip
            elif len(ticks) == 1:
                target = built[id(ticks[0][1])]
                self._fill(target, dispositif, montant, glued, source, row.ligne)
                self._repair(target, "texte sur une autre ligne", source)
                self.account.say(
                    "texte-deplace", row.ligne, champ="dispositif", valeur=source[:500], fiche=fiche.row["fiche_id"],
                    financeur=target["financeur_id"],
                )  # fmt: skip
            else:
                entry = self._new(fiche, None, None, row.ligne)
                self._fill(entry, dispositif, montant, glued, source, row.ligne)
                loose.append(entry)
                self.account.say(
                    "financement-sans-coche", row.ligne, champ="financeur_id", valeur=source[:500],
                    fiche=fiche.row["fiche_id"], nombre=len(ticks),
                )  # fmt: skip
        return [*built.values(), *loose]

    def _matches(self, fiche: Fiche, rows: list[FunderRow]) -> dict[int, DocumentFunder | None]:
        """The funder of each box, with a finding for each label that is not the usual one."""
        boxes = [box for row in rows for box in row.boxes]
        matches = match_boxes(boxes, self.lists)
        funders: dict[int, DocumentFunder | None] = {}
        numero = fiche.row["fiche_id"]
        seen: dict[int, int] = {}
        for box, match in zip(boxes, matches, strict=True):
            funder = match.funder
            if funder is None and box.ticked and box.libelle:
                funder = self._unknown(box)
            if match.how in {"near", "rang"} and match.funder is not None:
                self.account.say(
                    "financeur-variante", box.ligne, champ="financeur_id", valeur=box.libelle,
                    attendu=match.funder.libelle, fiche=numero,
                    gravite=Severity.AVERTISSEMENT if match.how == "rang" else None,
                )  # fmt: skip
            elif match.funder is None:
                self.account.say(
                    "financeur-inconnu", box.ligne, champ="financeur_id", valeur=box.libelle, fiche=numero,
                    gravite=Severity.AVERTISSEMENT if box.ticked else Severity.INFORMATION,
                )  # fmt: skip
            if box.typed:
                self.account.say(
                    "coche-tapee", box.ligne, champ="financeur_id", valeur=box.source, obtenu=box.libelle, fiche=numero
                )  # fmt: skip
            if box.rejoined:
                self.account.say(
                    "financeur-recolle", box.ligne, champ="financeur_id", valeur=box.source, obtenu=box.libelle,
                    fiche=numero,
                )  # fmt: skip
            if box.doubtful:
                self.account.say("coche-douteuse", box.ligne, champ="financeur_id", valeur=box.libelle, fiche=numero)
            if match.funder is not None:
                if match.funder.rang in seen:
                    self.account.say("case-repetee", box.ligne, champ="financeur_id", valeur=box.libelle, fiche=numero)
                seen[match.funder.rang] = box.ligne
            funders[id(box)] = funder
        absent = [funder.nom for funder in self.lists if funder.rang not in seen]
        if absent:
            self.account.say(
                "case-absente", fiche.ligne, champ="financeur_id", valeur=", ".join(absent), fiche=numero,
                nombre=len(absent),
            )  # fmt: skip
        return funders

    def _unknown(self, box: TickBox) -> DocumentFunder:
        """A funder of its own for a ticked label that the lists do not have."""
        for funder in self.funders[len(self.lists) :]:
            if key(funder.libelle) == key(box.libelle):
                return funder
        taken = {funder.financeur_id for funder in self.funders}
        base = slug(box.libelle, 26)
        rank = 1
        while (identifier := base if rank == 1 else f"{base}-{rank}") in taken:
            rank += 1
        categorie = self.lists[-1].categorie if self.lists else "privé"
        funder = DocumentFunder(len(self.funders), identifier, box.libelle[:120], box.libelle, categorie)
        self.funders.append(funder)
        return funder

    def _new(self, fiche: Fiche, box: TickBox | None, funder: DocumentFunder | None, ligne: int = 0) -> dict[str, Any]:
        base = f"{fiche.row['fiche_id']}:{funder.financeur_id if funder else 'sans-financeur'}"
        rank = 1
        while (identifier := base if rank == 1 else f"{base}-{rank}") in self.taken:
            rank += 1
        self.taken.add(identifier)
        entry: dict[str, Any] = {
            "financement_id": identifier,
            "fiche_id": fiche.row["fiche_id"],
            "financeur_id": funder.financeur_id if funder else None,
            "dispositif": None,
            "montant": None,
            "statut_montant": "non renseigné",
            "montant_texte": None,
            "ligne_source": box.ligne if box else ligne,
            "reparation": None,
            "texte_source": None,
        }
        if box is not None and box.typed:
            self._repair(entry, "coche tapée", self._source(fiche, box.ligne, {box.colonne}))
        return entry

    def _fill(
        self, entry: dict[str, Any], dispositif: str | None, montant: str | None, glued: bool, source: str, ligne: int
    ) -> None:
        entry["dispositif"] = " ".join(text for text in (entry["dispositif"], dispositif) if text) or None
        texte = " ".join(text for text in (entry["montant_texte"], montant) if text) or None
        entry["montant_texte"] = texte
        entry["montant"], entry["statut_montant"] = amount_state(texte)
        if glued:
            self._repair(entry, "en-tête collé", source)
            self.account.say(
                "en-tete-colle", ligne, champ="dispositif", valeur=source[:500], fiche=entry["fiche_id"],
                dispositif=entry["dispositif"] or "(vide)", montant=texte or "(vide)",
            )  # fmt: skip
        if entry["statut_montant"] == "autre":
            self.account.say("montant-a-preciser", ligne, champ="montant", valeur=texte, fiche=entry["fiche_id"])

    def _extras(self, fiche: Fiche, row: FunderRow) -> None:
        """Text glued after a label: the precision of a ticked funder, or a text without place."""
        for box in row.boxes:
            if box.extra:
                row.values.insert(0, BoxText(row.ligne, box.colonne, box.extra, "dispositif", glued=True))
                self.account.say(
                    "texte-colle-au-financeur", row.ligne, champ="financeur_id", valeur=f"{box.libelle} {box.extra}",
                    fiche=fiche.row["fiche_id"],
                )  # fmt: skip

    @staticmethod
    def _repair(entry: dict[str, Any], what: str, source: str) -> None:
        done = entry["reparation"].split(" ; ") if entry["reparation"] else []
        if what not in done:
            entry["reparation"] = " ; ".join([*done, what])
        before = entry["texte_source"]
        if before is None:
            entry["texte_source"] = source
        elif source not in before:
            entry["texte_source"] = f"{before} / {source}"

    @staticmethod
    def _source(fiche: Fiche, ligne: int, columns: set[int]) -> str:
        """The cells of a line as found: those of ``columns`` (0-based)."""
        cells = next((line.cells for line in fiche.block.lines if line.numero == ligne), ())
        return " | ".join(cell for column, cell in enumerate(cells) if column in columns and cell)
