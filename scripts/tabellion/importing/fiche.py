"""One fiche action: its fields, except its funders, out of its rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tabellion.importing.cells import normalise_boxes, struck_out, yes_no
from tabellion.importing.fiche_layout import FICHE_NUMBER, FicheLayout
from tabellion.importing.lines import LineAccount, Record, clean, fold_chars, shown

_AXE = re.compile(
    r"(?P<code>(?:[A-Z]{1,7}\s*[-–—]\s*)?\d{1,4}(?:\s?\.\s?\d{1,4})*)\s*\.?\s*[-–—:]?\s*(?P<titre>.*)", re.DOTALL
)
_PRIORITY = re.compile(r"(?<!\d)(\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")
_SUBTHEME = re.compile(r"(?P<n>\d{1,3})\s*[-–—.:]\s*(?P<titre>.*)", re.DOTALL)
_MENTIONS = {
    "jeunes": re.compile(r"\bjeunes?\b|\(j\)"),
    "egalite_femmes_hommes": re.compile(r"\begalite\b|\(ddfe\)"),
    "lutte_discriminations": re.compile(r"\blutte contre les discriminations?\b|\bdiscriminations?\b|\(lcd\)"),
}
MENTIONS = tuple(_MENTIONS)
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

    def repaired(self, repair: str, source: str) -> None:
        """Note a repair, and the text as it was found."""
        if repair not in self.repairs:
            self.repairs.append(repair)
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
        fiche.say("fiche-champ-absent", "objectif", champ="objectif", fiche=numero or "sans numéro")
    for fragment in layout.unknown:
        account.say("rubrique-non-comprise", fragment.ligne, valeur=fragment.champ, exemple=fragment.texte[:80])
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
    repair = "lignes recollées" if len(lines) > 1 else "cellules recollées" if len(texts) > 1 else "lignes collées"
    source = " / ".join(shown(line.texte) for line in fiche.layout.lines if line.numero in lines)
    fiche.repaired(repair, source)
    fiche.account.say(
        "fiche-reparee", lines[0], champ=champ, valeur=source[:1000], reparation=repair, obtenu=value[:300]
    )
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
    remainder = text if year is None else text[: year.start()] + text[year.end() :]
    rank = _PRIORITY.findall(remainder)
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
    remainder = _ANSWERS.sub("", text).strip()
    if not re.sub(r"[\s/:]", "", remainder):
        return
    if fiche.row["echeance"] is None:
        repair = "échéance après la CPO"
        fiche.row["echeance"] = remainder
        fiche.repaired(repair, source)
        fiche.say("fiche-reparee", "cpo", champ="echeance", valeur=source, reparation=repair, obtenu=remainder)
    else:
        fiche.say("texte-de-fiche-non-place", "cpo", champ="cpo", valeur=source, fiche=numero or "?")
