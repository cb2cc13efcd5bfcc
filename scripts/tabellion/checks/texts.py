"""What the words say: texts cut, labels that are none, amounts hidden in words, statuses, repairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tabellion.checks.inspection import OWN, Inspection
from tabellion.findings import Severity
from tabellion.measures import MEASURE
from tabellion.schema import Field, TableSchema
from tabellion.schema.money import euros, format_euros, parse_amount
from tabellion.schema.numbers import siret_fault
from tabellion.wording import shortened

#: A cut text loses up to this many characters more when the spaces at its ends are trimmed.
_TRIMMED = 2
_END_OF_SENTENCE = (".", "!", "?", "…", ")", "]", "»", "”", '"')
_CUT_TABLES = ("fiches", "financements")
#: Where a person's words stand, but not the person's own: the import writes them.
_WRITTEN_BY_IMPORT = {"reparation", "texte_source"}
_SPACE = r"[ \u00a0\u2007\u2009\u202f]"
_AMOUNT = re.compile(
    rf"(?<![\d.,])\d{{1,3}}(?:(?:{_SPACE}|[.'’])\d{{3}})+(?:,\d{{1,2}})?{_SPACE}?(?:[kKM]{_SPACE}?)?(?:€|euros?\b|EUR\b)"
    rf"|(?<![\d.,])\d+(?:[.,]\d+)?{_SPACE}?(?:[kKM]{_SPACE}?)?(?:€|euros?\b|EUR\b)",
    re.IGNORECASE,
)
_FIGURED = "chiffré"
#: Statuses that say nothing of the amount.
_FREE = (None, "autre")
_FUNDING = ("financeur_id", "dispositif", "montant")
_SIRET = "siret"
_SHOWN = 200
_ENDING = 40


def check_texts(inspection: Inspection) -> None:
    """Every rule of this module, on the tables whose columns are declared."""
    for table in _CUT_TABLES:
        for field in inspection.schemas[table].fields:
            if _is_free(inspection.schemas[table], field):
                _check_cut(inspection, table, field.name)
    for table, schema in inspection.schemas.items():
        for field in schema.fields:
            if field.required and _is_free(schema, field):
                placeholders = inspection.placeholders(inspection.column(table, field.name))
                for position in inspection.holding(table, field.name, placeholders):
                    inspection.say("libelle-vide", table, position, field.name, valeur=OWN)
        if inspection.has(table, "reparation", "texte_source"):
            _check_repairs(inspection, table)
        if inspection.has(table, _SIRET):
            _check_sirets(inspection, table)
    if inspection.has("fiches", "fiche_id", "proposition"):
        _check_proposals(inspection)
    if inspection.has("lignes_budgetaires", "libelle", MEASURE):
        _check_hidden_amounts(inspection, "lignes_budgetaires", "libelle", MEASURE, "montant-dans-libelle")
    if inspection.has("financements", "financeur_id", "dispositif", "montant", "statut_montant"):
        _check_hidden_amounts(inspection, "financements", "dispositif", "montant", "montant-dans-dispositif")
        _check_statuses(inspection)
        _check_funders(inspection)


def _is_free(schema: TableSchema, field: Field) -> bool:
    """Whether people write this field in their own words."""
    tied = field.enum or field.pattern or field.email or schema.refers_to(field.name)
    return field.kind == "string" and not tied and field.name not in {*schema.primary_key, *_WRITTEN_BY_IMPORT}


def _check_cut(inspection: Inspection, table: str, name: str) -> None:
    """A mail merge cuts at a fixed length, in mid-sentence: a text of that length that ends a sentence is whole."""
    texts, lengths = inspection.column(table, name), inspection.settings.longueurs_publipostage
    cut = {text for text in inspection.known(table, name) if looks_cut(text, lengths)}
    for position in inspection.holding(table, name, cut):
        text = texts[position].strip()
        ending = text[-_ENDING:]
        shown = ending[ending.find(" ") + 1 :] if len(text) > _ENDING else ending
        inspection.say("texte-coupe", table, position, name, valeur=shown, longueur=len(text))


def looks_cut(text: str, lengths: Iterable[int]) -> bool:
    """Whether a mail merge at one of these lengths has cut a text: a cut beside a space leaves a little less."""
    text = text.strip()
    return not text.endswith(_END_OF_SENTENCE) and any(length - _TRIMMED <= len(text) <= length for length in lengths)


def _check_proposals(inspection: Inspection) -> None:
    proposals = inspection.column("fiches", "proposition")
    missing = {None, *inspection.placeholders(proposals)}
    for position in inspection.holding("fiches", "proposition", missing):
        fiche = inspection.value("fiches", position, "fiche_id") or ""
        inspection.say("fiche-sans-proposition", "fiches", position, "proposition", valeur=OWN, fiche=fiche)


def _check_hidden_amounts(inspection: Inspection, table: str, name: str, amount: str, code: str) -> None:
    """An amount in euros in the words, while every amount of the row is blank. A comment makes it a mere reminder."""
    amounts = [field.name for field in inspection.schemas[table].fields if field.kind == "money"]
    texts = inspection.column(table, name)
    blank: Sequence[int] = range(len(texts))
    for column in (inspection.column(table, amount) for amount in amounts):
        blank = [position for position in blank if column[position] is None]
    named = {text for text in {texts[position] for position in blank} if text is not None and _AMOUNT.search(text)}
    unread = inspection.unread(table, name, *amounts)
    for position in blank if named else ():
        text = texts[position]
        if text not in named or position in unread:
            continue
        written = [match[0].strip() for match in _AMOUNT.finditer(text)]
        cents = parse_amount(written[0]).cents
        commented = inspection.has(table, "commentaire") and inspection.value(table, position, "commentaire")
        inspection.say(
            code, table, position, name, valeur=shortened(text, _SHOWN), trouve=_listed(written),
            attendu=euros(cents) if name == "libelle" and len(written) == 1 else None,
            gravite=Severity.INFORMATION if commented else None, liees=[(table, position, amount)],
        )  # fmt: skip


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " et " + words[-1]


def _check_statuses(inspection: Inspection) -> None:
    """« chiffré » wants an amount; the other statuses say that there is none."""
    pairs = zip(*(inspection.column("financements", name) for name in ("statut_montant", "montant")), strict=True)
    wrong = (
        cents is None if status == _FIGURED else cents is not None and status not in _FREE for status, cents in pairs
    )
    for position in inspection.rows("financements", wrong, "statut_montant", "montant"):
        cents = inspection.value("financements", position, "montant")
        inspection.say(
            "montant-et-statut", "financements", position, "statut_montant", valeur=OWN,
            attendu=None if cents is None else _FIGURED, liees=[("financements", position, "montant")],
            constat="le montant est vide" if cents is None else f"le montant est rempli ({format_euros(cents)})",
        )  # fmt: skip


def _check_funders(inspection: Inspection) -> None:
    rows = zip(*(inspection.column("financements", name) for name in _FUNDING), strict=True)
    named = (funder is None and {scheme, cents} != {None} for funder, scheme, cents in rows)
    for position in inspection.rows("financements", named, "financeur_id"):
        scheme = inspection.value("financements", position, "dispositif")
        cents = inspection.value("financements", position, "montant")
        inspection.say(
            "dispositif-sans-financeur", "financements", position, "financeur_id",
            liees=[("financements", position, "montant" if scheme is None else "dispositif")],
            quoi=f"Le montant de {format_euros(cents)}" if scheme is None
            else f"Le dispositif « {shortened(scheme, _SHOWN)} »",
        )  # fmt: skip


def _check_sirets(inspection: Inspection, table: str) -> None:
    """Numbers of the right shape that are no SIRET, as a spreadsheet that shortens long numbers makes them."""
    schema = inspection.schemas[table]
    typed = (number is not None for number in inspection.column(table, _SIRET))
    for position in inspection.rows(table, typed, _SIRET):
        fault = siret_fault(inspection.value(table, position, _SIRET))
        if fault is not None:
            nom = schema.label and inspection.value(table, position, schema.label)
            nom = nom or inspection.value(table, position, schema.primary_key[0])
            inspection.say("siret-faux", table, position, _SIRET, valeur=OWN, nom=nom, detail=fault)


def _check_repairs(inspection: Inspection, table: str) -> None:
    for position in inspection.rows(table, (repair is not None for repair in inspection.column(table, "reparation"))):
        source = inspection.value(table, position, "texte_source") or ""
        shown = shortened(source, _SHOWN)
        inspection.say("texte-retabli", table, position, "reparation", valeur=OWN, source=shown)
