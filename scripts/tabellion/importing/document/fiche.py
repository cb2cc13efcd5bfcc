"""One fiche action: its fields out of the layout of its rows, except its funders."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tabellion.importing.document.funders import normalise_boxes, struck_out, yes_no
from tabellion.importing.document.layout import FicheLayout
from tabellion.importing.document.lines import LineAccount, clean, fold, shown

_AXE = re.compile(
    r"(?P<code>[IVXLC]{1,7}\s*[-–—]\s*\d{1,4}(?:\s?\.\s?\d{1,4})*)\s*\.?\s*[-–—:]?\s*(?P<titre>.*)", re.DOTALL
)
_PRIORITY = re.compile(r"(?<!\d)(\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")
_SUBTHEME = re.compile(r"(?P<n>\d{1,3})\s*[-–—.:]\s*(?P<titre>.*)", re.DOTALL)
_NUMBER = re.compile(r"[IVXLC]+-[0-9]+(\.[0-9]+)*\.?/[0-9]+")
_FROM_NUMBER = re.compile(r"([IVXLC]+-[0-9]+(?:\.[0-9]+)*)\.?/[0-9]+")
_MENTIONS = {
    "jeunes": re.compile(r"\bjeunes?\b|\(j\)"),
    "egalite_femmes_hommes": re.compile(r"\begalite\b|\(ddfe\)"),
    "lutte_discriminations": re.compile(r"\blutte contre les discriminations?\b|\bdiscriminations?\b|\(lcd\)"),
}
_TEXT_FIELDS = ("objectif", "ref_interministerielle", "proposition", "porteurs", "partenaires_operationnels")


@dataclass
class Fiche:
    """A fiche as read: the row of ``fiches`` under construction, and what the rest of the reading needs of it."""

    block: FicheLayout
    row: dict[str, Any]
    pilier_titre: str | None
    convention_numero: int | None
    convention_titre: str | None
    axe_titre: str | None
    repairs: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def ligne(self) -> int:
        """The fiche's first line."""
        return self.block.ligne

    def repaired(self, what: str, source: str) -> None:
        """Note a repair, and the text as it was found."""
        if what not in self.repairs:
            self.repairs.append(what)
        if source and source not in self.sources:
            self.sources.append(source)


def read_fiche(block: FicheLayout, account: LineAccount) -> Fiche:
    """The fields of one fiche; its identifier may still be missing (see ``numbers.py``)."""
    fiche = Fiche(block, {}, None, None, None, None)
    fiche.pilier_titre = _joined(fiche, "entete", account)
    theme = _joined(fiche, "sous_thematique", account)
    match = _SUBTHEME.fullmatch(theme) if theme else None
    if match:
        fiche.convention_numero, fiche.convention_titre = int(match["n"]), match["titre"].strip() or None
    else:
        fiche.convention_titre = theme
    numero = _joined(fiche, "numero", account)
    fiche.row["fiche_id"] = numero
    fiche.row["convention_id"] = fiche.convention_numero
    _axe(fiche, numero, account)
    values = {name: _joined(fiche, name, account) for name in _TEXT_FIELDS}
    fiche.row["objectif"] = values["objectif"]
    fiche.row["ref_interministerielle"] = values["ref_interministerielle"]
    _priority(fiche, account)
    _transversal(fiche, account)
    fiche.row["proposition"] = values["proposition"]
    _echeance(fiche, account)
    fiche.row["porteurs"] = values["porteurs"]
    fiche.row["partenaires_operationnels"] = values["partenaires_operationnels"]
    fiche.row["ligne_source"] = fiche.ligne
    if values["objectif"] is None:
        account.say("fiche-champ-absent", fiche.ligne, champ="objectif", fiche=numero or "sans numéro")
    if numero and not _NUMBER.fullmatch(numero):
        account.say("fiche-numero-irregulier", block.labels.get("numero", fiche.ligne), champ="fiche_id", valeur=numero)
    return fiche


def _joined(fiche: Fiche, champ: str, account: LineAccount) -> str | None:
    """A field's text: its fragments joined by spaces; None when blank. What was cut or glued is a repair, and said."""
    fragments = fiche.block.texts(champ)
    texts = [clean(fragment.texte) for fragment in fragments]
    texts = [text for text in texts if text]
    if not texts:
        return None
    value = " ".join(texts)
    lines = sorted({fragment.ligne for fragment in fragments})
    glued = any(fragment.glued for fragment in fragments)
    if champ in {"entete", "sous_thematique"} and not glued and len(lines) == 1:
        return value
    what = "lignes recollées" if len(lines) > 1 else "cellules recollées" if len(texts) > 1 else "lignes collées"
    if glued or len(texts) > 1:
        source = " / ".join(shown(line.texte) for line in fiche.block.lines if line.numero in lines)
        fiche.repaired(what, source)
        account.say("fiche-reparee", lines[0], champ=champ, valeur=source[:1000], reparation=what, obtenu=value[:300])
    return value


def _axe(fiche: Fiche, numero: str | None, account: LineAccount) -> None:
    """The axe's code and title; the code is taken from the fiche's number when the axe's row lacks it."""
    text = _joined(fiche, "axe", account)
    match = _AXE.fullmatch(text) if text else None
    if match:
        fiche.row["axe_id"] = re.sub(r"\s", "", match["code"]).replace("–", "-").replace("—", "-")
        fiche.axe_titre = match["titre"].strip() or None
        return
    fiche.axe_titre = text
    match = _FROM_NUMBER.fullmatch(numero) if numero else None
    fiche.row["axe_id"] = match[1] if match else None
    ligne = fiche.block.labels.get("axe", fiche.ligne)
    if match:
        fiche.repaired("axe déduit du numéro", text or "")
        account.say("axe-deduit", ligne, champ="axe_id", valeur=text, attendu=match[1], fiche=numero)
    else:
        account.say("axe-absent", ligne, champ="axe_id", valeur=text, fiche=numero or "sans numéro")


def _priority(fiche: Fiche, account: LineAccount) -> None:
    """« 1 (2016) » is priority 1 of 2016."""
    text = _joined(fiche, "priorite", account) or ""
    year = _YEAR.search(text)
    rest = text if year is None else text[: year.start()] + text[year.end() :]
    rank = _PRIORITY.findall(rest)
    fiche.row["priorite"] = int(rank[0]) if len(rank) == 1 and rank[0] != "0" else None
    fiche.row["annee_priorite"] = int(year[1]) if year else None
    left = re.sub(r"priorite|n°|[\s()\-–:°]|\d", "", fold(text))
    if text and (fiche.row["priorite"] is None or left or len(_YEAR.findall(text)) > 1):
        account.say(
            "priorite-illisible", fiche.block.labels.get("priorite", fiche.ligne), champ="priorite", valeur=text
        )


def _transversal(fiche: Fiche, account: LineAccount) -> None:
    """Each transverse axe is kept unless crossed out or its mention removed; unknown when the row is blank."""
    fragments = fiche.block.texts("transversal")
    text, flags = struck_out(" ".join(fragment.texte for fragment in fragments))
    folded = fold(text)
    for name, pattern in _MENTIONS.items():
        match = pattern.search(folded)
        if not text.strip():
            fiche.row[name] = None
        elif match is None:
            fiche.row[name] = False
        else:
            struck = [flags[i] for i in range(match.start(), match.end()) if text[i].isalnum()]
            fiche.row[name] = sum(struck) * 2 <= len(struck)
    if not text.strip():
        ligne = fiche.block.labels.get("transversal", fiche.ligne)
        account.say("axes-transversaux-absents", ligne, champ="jeunes", fiche=fiche.row["fiche_id"] or "sans numéro")


def _echeance(fiche: Fiche, account: LineAccount) -> None:
    """The term as published, and the CPO's two boxes."""
    fragments = fiche.block.texts("cpo")
    text = normalise_boxes(" ".join(fragment.texte for fragment in fragments))
    ligne = fiche.block.labels.get("cpo", fiche.ligne)
    oui, non, typed = yes_no(text)
    answers = [value for value, ticked in ((True, oui), (False, non)) if ticked]
    fiche.row["echeance"] = _joined(fiche, "echeance", account)
    fiche.row["cpo"] = answers[0] if len(answers) == 1 else None
    if len(answers) > 1:
        account.say("cpo-double", ligne, champ="cpo", valeur=shown(text), fiche=fiche.row["fiche_id"] or "sans numéro")
    if typed:
        fiche.repaired("coche tapée", shown(text))
        account.say(
            "coche-tapee", ligne, champ="cpo", valeur=shown(text), obtenu="CPO", fiche=fiche.row["fiche_id"] or "?"
        )
    rest = re.sub(r"(?i)(?<!\w)(oui|non|x)(?!\w)|[☐☑\s/:]", "", text)
    if rest and fiche.row["echeance"] is None:
        fiche.row["echeance"] = re.sub(r"(?i)(?<!\w)(oui|non|x)(?!\w)|[☐☑]", "", text).strip()
        fiche.repaired("échéance après la CPO", shown(text))
        account.say(
            "fiche-reparee", ligne, champ="echeance", valeur=shown(text), reparation="échéance après la CPO",
            obtenu=fiche.row["echeance"],
        )  # fmt: skip
    elif rest:
        account.say(
            "texte-de-fiche-non-place", ligne, champ="cpo", valeur=shown(text), fiche=fiche.row["fiche_id"] or "?"
        )
