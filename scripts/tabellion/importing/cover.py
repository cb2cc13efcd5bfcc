"""What a document says of its contract as a whole, and the settings of the contract that it makes.

Its title page gives the title, the part that it is, the years; its text the exercice of the census; its fiches the
years of the priorities.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tabellion.contract.settings import STAFF_SETTINGS, SettingValue, setting_text
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, finding
from tabellion.importing.lines import DocumentLine, LineAccount, Record, clean, fold_chars

_PERIOD = re.compile(r"(?<!\d)(20\d\d)\s*(?:-|/|a|au)\s*(20\d\d)(?!\d)")
_CENSUS = re.compile(r"\bexercices?\s+(?:budgetaires?\s+|comptables?\s+)?(20\d\d)(?!\d)")
#: What a line under the title holds that says which part of a contract it is, which amendment, its years or its day.
_SOURCE = re.compile(
    r"\b(?:partie|volet|tome|avenant|annexe|version|conventions? thematiques?)\b"
    r"|\b\d{1,2}(?:er)? (?:janv|fevr|mars|avril|mai|juin|juil|aout|sept|oct|nov|dec)[a-z.]* 20\d\d\b"
)
_DASH = re.compile(r"\s+[-–—]\s+")
_PERIOD_AT_END = re.compile(r"[\s,–—-]*\(?\b20\d\d\s*(?:[-–—/]|à|au)\s*20\d\d\)?\s*$")
_YEARS = frozenset(("debut", "fin"))
_TITLE, _LONGEST = "contrat de ville", 200


class TitlePage(NamedTuple):
    """What the title page says; ``source`` is its lines under the title: the part of the contract, its day."""

    titre: str | None
    source: str
    debut: int | None
    fin: int | None

    def setting_values(self, exercice: int | None, fiches: Iterable[Record]) -> dict[str, SettingValue | None]:
        """The settings that the document says, by their names; ``exercice`` is that of its census."""
        years = (self.debut, self.fin) if (self.debut or 0) <= (self.fin or 0) else (None, None)
        titre = _PERIOD_AT_END.sub("", self.titre or "") or self.titre
        return {
            "titre": titre, "source": self.source or None, "debut": years[0], "fin": years[1], "exercice": exercice,
            "priorites": priority_years(fiches) or None,
        }  # fmt: skip


def read_title_page(cover: list[DocumentLine], account: LineAccount) -> TitlePage:
    """The title page, from the lines before the first table or paragraph of the document."""
    filled: list[DocumentLine] = []
    for line in cover:
        if line.tabbed or len(line.texte) > _LONGEST:
            break
        if not line.blank:
            filled.append(line)
    named = (rank for rank, line in enumerate(filled) if _TITLE in fold_chars(clean(line.texte)))
    title = next(named, 0)
    below: list[str] = []
    periods = [_PERIOD.search(fold_chars(clean(line.texte))) for line in filled[: title + 1]]
    for line in filled[title + 1 :]:
        folded = fold_chars(clean(line.texte))
        period = _PERIOD.search(folded)
        is_period_alone = period is not None and len(folded) - len(period[0]) < len("pour la periode ")
        if not is_period_alone and not _SOURCE.search(folded):
            break
        periods.append(period)
        account.use(line.numero, "utilisée : source du contrat")
        if not is_period_alone:
            below.append(_DASH.sub(", ", clean(line.texte)))
    stated = next(filter(None, periods), None)
    if stated is None:
        account.say("periode-introuvable", cover[0].numero if cover else None)
    if filled:
        account.use(filled[title].numero, "utilisée : titre du contrat")
    titre = clean(filled[title].texte) if filled else None
    debut, fin = (int(stated[1]), int(stated[2])) if stated else (None, None)
    return TitlePage(titre, ", ".join(below), debut, fin)


def census_year(lines: list[DocumentLine], debut: int | None, account: LineAccount) -> int | None:
    """The exercice of the census, as the text names it (« l'exercice 2013 »).

    Several years: the most frequent, and a finding. None named: the year before the contract begins (``debut``), the
    last one that its authors could count, and a finding; None when even that is unknown.
    """
    texts = [(fold_chars(line.texte), line.numero) for line in lines if not line.tabbed]
    named = [(int(match[1]), ligne) for text, ligne in texts for match in _CENSUS.finditer(text)]
    years = Counter(year for year, _ in named)
    if not years:
        year_before = debut - 1 if debut else None
        account.say("exercice-introuvable", None, champ="exercice", attendu=year_before, retenu=year_before or "aucun")
        return year_before
    year = years.most_common(1)[0][0]
    if len(years) > 1:
        first = next(ligne for other, ligne in named if other == year)
        valeur = ", ".join(str(other) for other in sorted(years))
        account.say("exercice-double", first, champ="exercice", valeur=valeur, attendu=year)
    return year


def priority_years(fiches: Iterable[Record]) -> dict[int, int]:
    """The year that each rank of priority means: the one that most fiches give it."""
    pairs = Counter((fiche["priorite"], fiche["annee_priorite"]) for fiche in fiches)
    years: dict[int, int] = {}
    for (rank, year), _ in pairs.most_common():
        if isinstance(rank, int) and isinstance(year, int):
            years.setdefault(rank, year)
    return dict(sorted(years.items()))


def setting_rows(values: Mapping[str, SettingValue | None], first: Settings, present: Settings) -> list[Record]:
    """The settings that a document makes, as rows of the table ``reglages``; ``values`` is what it says, by name.

    They take the place of the ``first`` values, those of a contract without a document; what staff set otherwise
    (``present``) stays. The current exercice is one of the contract's years.
    """
    own: dict[str, SettingValue] = {name: getattr(present, name) for name in values}
    free = {name for name, value in values.items() if value is not None and own[name] == getattr(first, name)}
    if not free.issuperset(_YEARS):
        free -= _YEARS
    made = own | {name: value for name, value in values.items() if name in free and value is not None}
    years = (made["debut"], present.exercice_courant, made["fin"])
    made["exercice_courant"] = sorted(year for year in years if isinstance(year, int))[1]
    return [{"reglage_id": name, "valeur": setting_text(value)} for name, value in made.items()]


def settings_findings(
    values: Mapping[str, SettingValue | None], made: Settings, first: Settings, place: Place
) -> Iterator[Finding]:
    """What people are asked to confirm: the settings that the document gave, and those that it says otherwise."""
    titles = {setting.identifier: setting.field.title for setting in STAFF_SETTINGS}
    taken = []
    for name, value in values.items():
        own = getattr(made, name)
        if value is not None and own != value:
            shown, kept = setting_text(value), setting_text(own)
            yield finding("reglage-dit-autrement", place, champ=name, valeur=shown, attendu=kept, titre=titles[name])
        elif own != getattr(first, name):
            taken.append(f"{titles[name]} : {setting_text(own)}")
    if taken:
        yield finding("reglages-du-document", place, valeur=" ; ".join(taken))
