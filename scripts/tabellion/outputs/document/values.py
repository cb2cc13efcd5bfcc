"""What the Word template can name: the contract as plain values, under French names, in the order of the document.

An amount is cents, for the filters ``euros`` and ``ecart``; in the ``montants`` of a row, which a loop prints one after
the other, it is already text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from tabellion.measures import (
    AMOUNT_WORDS,
    AMOUNTS,
    DETAIL,
    RECAP,
    SCOPE_ALL,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Published,
    Sums,
)
from tabellion.measures.funding import is_voluntary, progress, retained
from tabellion.outputs import Values
from tabellion.outputs.document.annexes import amount_heads, annex_values
from tabellion.outputs.document.model import (
    NO_BREAK,
    NOTICE,
    SIGNATORIES,
    Convention,
    DocumentModel,
    Paragraph,
    Pilier,
    bookmark_name,
    box,
    money,
    text_name,
)
from tabellion.schema import FUNDING_TABLES, Field
from tabellion.schema.money import signed_euros
from tabellion.schema.tables import Row, grouped
from tabellion.wording import french_date

#: A fiche shows the empty boxes of its other funders up to so many.
_MOST_BOXES = 24
_ORIGIN = ("ligne_source", "reparation", "texte_source")
#: Fields that the template shows in their own way, or not at all: any other one is an « ajout » of its workspace.
_FICHE_FIELDS = (
    "fiche_id", "convention_id", "axe_id", "objectif", "ref_interministerielle", "priorite", "annee_priorite",
    "proposition", "echeance", "cpo", "porteurs", "partenaires_operationnels", *_ORIGIN,
)  # fmt: skip
_LINE_FIELDS = (
    "ligne_id", "convention_id", "collectivite_id", "libelle", "commentaire", "exercice", *AMOUNTS, *_ORIGIN,
)  # fmt: skip


def document_values(model: DocumentModel) -> Values:
    """All that the template can name."""
    settings = model.contract.settings
    numbers = ", ".join(str(convention.number) for convention in model.conventions)
    return {
        "contrat": {
            "titre": settings.titre,
            "debut": settings.debut,
            "fin": settings.fin,
            "source": settings.source or "",
            "exercice": model.exercice,
            "origine": model.made_from,
            "structure": model.contract.overview.town,
        },
        "couverture": _cover(model),
        "extrait": f"convention{'s' if len(model.only) > 1 else ''} {numbers}" if model.only else "",
        "avertissement": _paragraphs(model.texts.get(NOTICE, ())),
        "avertissement_redige": model.sources.get(NOTICE, ""),
        "recensement": model.is_census,
        "montants": amount_heads(model.amounts),
        "titres": {field.name: field.title for field in model.fields("fiches")},
        "recapitulatif": _recap(model),
        "piliers": [_pilier(model, pilier) for pilier in model.piliers],
        **annex_values(model),
    }


def _cover(model: DocumentModel) -> Values:
    """What the cover says beside the titles: who signs, the state of which day, a picture (bytes, or ``None``)."""
    signatories = [paragraph.words.removeprefix(f"•{NO_BREAK}") for paragraph in model.texts.get(SIGNATORIES, ())]
    towns = model.contract.tables["collectivites"].column("nom")
    return {
        "signataires": signatories or [name for name in towns if name],
        "date": "" if model.day is None else french_date(model.day),
        "logo": model.logo,
    }


def _paragraphs(text: Iterable[Paragraph]) -> list[Values]:
    return [{"mots": paragraph.words, "est_titre": paragraph.is_title} for paragraph in text]


def _recap(model: DocumentModel) -> Values:
    """A census shows the amount that was published beside it; another exercice, each amount that its lines have."""
    unit = f"montant {AMOUNT_WORDS[model.amounts[-1]]}" if model.is_census else "en euros"
    published = None if model.only else model.published(RECAP, SCOPE_ALL)
    return {
        "unite": f"Crédits de droit commun, exercice {model.exercice}, {unit}.",
        "colonnes": ["Recalculé", "Publié", "Écart"] if model.is_census else amount_heads(model.amounts),
        "conventions": [_recap_convention(model, convention) for convention in model.conventions],
        "total": {"montants": _recap_amounts(model, model.total(), published)},
    }


def _recap_convention(model: DocumentModel, convention: Convention) -> Values:
    number = convention.number
    sums_of = {town: sums for town, (sums, _) in model.towns(number).items()}
    for town in model.contract.accounts.towns:
        if model.published(RECAP, SCOPE_TOWN, number, town) is not None:
            sums_of.setdefault(town, Sums())

    def amounts(town: str | None, sums: Sums) -> list[str]:
        return _recap_amounts(model, sums, model.published(RECAP, SCOPE_TOWN, number, town))

    return {
        **_heading(convention),
        "montants": _recap_amounts(model, model.total(number), model.published(RECAP, SCOPE_CONVENTION, number)),
        "collectivites": [
            {"nom": model.town_name(town), "montants": amounts(town, sums)} for town, sums in sums_of.items()
        ],
    }


def _recap_amounts(model: DocumentModel, sums: Sums, published: Published | None) -> list[str]:
    if not model.is_census:
        return [money(sums.total(name)) for name in model.amounts]
    total = sums.total(model.amounts[-1])
    if published is None or published.cents is None:
        return [money(total), "", ""]
    return [money(total), money(published.cents), signed_euros((total or 0) - published.cents)]


def _heading(convention: Convention) -> Values:
    return {
        "numero": convention.number,
        "intitule": f"{convention.number} – {convention.title}",
        "signet": bookmark_name("convention", convention.number),
    }


def _pilier(model: DocumentModel, pilier: Pilier) -> Values:
    key, title, conventions = pilier
    return {
        "intitule": f"{key} – Conventions thématiques «\u00a0{title}\u00a0»" if title else key,
        "titre": title,
        "signet": bookmark_name("pilier", key) if key else "",
        "conventions": [_convention(model, convention) for convention in conventions],
    }


def _convention(model: DocumentModel, convention: Convention) -> Values:
    return {
        **_heading(convention),
        "titre": convention.title,
        "titre_court": convention.short,
        "textes": _paragraphs(model.texts.get(text_name(convention.number), ())),
        "texte_redige": model.sources.get(text_name(convention.number), ""),
        "budget": _budget(model, convention.number),
        "fiches": [_fiche(model, fiche) for fiche in convention.fiches],
    }


def _budget(model: DocumentModel, number: int) -> Values:
    census = model.is_census
    added = [field for field in model.fields("lignes_budgetaires") if field.name not in _LINE_FIELDS]

    def sums(total: Sums, published: Published | None) -> list[str]:
        amounts = [money(total.total(name)) for name in model.amounts]
        return [*amounts, money(published.cents if published else None)] if census else amounts

    def line(row: Row) -> Values:
        amounts = [*(money(row[name]) for name in model.amounts), *([""] if census else [])]
        return {**row, "montants": amounts, "ajouts": [_added(field, row) for field in added]}

    return {
        "colonnes": amount_heads(model.amounts) + (["Publié"] if census else []),
        "ajouts": [field.title for field in added],
        "collectivites": [
            {
                "nom": model.town_name(town),
                "montants": sums(total, model.published(DETAIL, SCOPE_TOWN, number, town)),
                "lignes": [line(row) for row in lines],
            }
            for town, (total, lines) in model.towns(number).items()
        ],
        "total": {"montants": sums(model.total(number), model.published(RECAP, SCOPE_CONVENTION, number))},
    }


def _added(field: Field, row: Row) -> Values:
    """A field that a workspace added, as it is printed."""
    value = row[field.name]
    if value is None:
        text = ""
    elif field.kind == "money":
        text = money(value)
    elif field.kind == "boolean":
        text = f"{box(value is True)} Oui     {box(value is False)} Non"
    else:
        text = f"{value}{NO_BREAK}%" if field.kind == "percent" else _text(value)
    return {"titre": field.title, "texte": text, "est_nombre": field.kind in ("money", "percent", "integer")}


def _fiche(model: DocumentModel, fiche: Row) -> Values:
    key, axe = fiche["fiche_id"], fiche["axe_id"] or ""
    fields = [field for field in model.fields("fiches") if field.name not in _FICHE_FIELDS]
    axes = [field for field in model.contract.schemas["fiches"].fields if field in fields and field.kind == "boolean"]
    return {
        **fiche,
        "signet": bookmark_name("fiche", key),
        "axe": f"{axe}. {model.axes[axe]}" if model.axes.get(axe) else axe,
        "priorite_et_annee": _priority(fiche),
        "axes_transversaux": [
            {"titre": field.title, "oui": fiche[field.name] is True, "non": fiche[field.name] is False}
            for field in axes
        ],
        "porteurs": fiche["porteurs"] or _participants(model, key, "porteur"),
        "partenaires_operationnels": fiche["partenaires_operationnels"] or _participants(model, key, "opérationnel"),
        "ajouts": [_added(field, fiche) for field in fields if field not in axes],
        "bilans": [{**suivi, "texte": _progress(model, suivi)} for suivi in model.of_fiche("suivis", key)],
        "financements": _financing(model, model.financements.get(key, [])),
        "plan": _plan(model, key),
    }


def _participants(model: DocumentModel, fiche: str, role: str) -> str:
    """The partners that have a role in a fiche, for one whose own text does not name them."""
    rows = [row for row in model.of_fiche("participations", fiche) if row["role"] == role]
    return ", ".join(model.partners.get(row["partenaire_id"], row["partenaire_id"] or "") for row in rows)


def _text(value: object) -> str:
    return french_date(value) if isinstance(value, date) else str(value)


def _priority(fiche: Row) -> str:
    rank, year = fiche["priorite"], fiche["annee_priorite"]
    if rank is None:
        return "" if year is None else str(year)
    return str(rank) if year is None else f"{rank} ({year})"


def _progress(model: DocumentModel, suivi: Row) -> str:
    parts = [
        model.partners.get(suivi["partenaire_id"], suivi["partenaire_id"] or ""),
        suivi["avancement"] or "",
        "" if suivi["pourcentage"] is None else f"{suivi['pourcentage']}{NO_BREAK}%",
        "" if suivi["montant_engage"] is None else f"{money(suivi['montant_engage'])} engagés",
        "" if suivi["date_bilan"] is None else f"le {_text(suivi['date_bilan'])}",
        suivi["commentaire"] or "",
    ]
    return " – ".join(filter(None, parts))


def _financing(model: DocumentModel, rows: Sequence[Row]) -> Values:
    """By category, each funder that is ticked with what it brings, then the others with their empty boxes.

    Where there are many, those that are ticked alone: sixty empty boxes on each fiche say nothing.
    """
    by_funder, known = grouped(rows, "financeur_id"), model.contract.overview.funder_names
    are_many = len(known) > _MOST_BOXES
    categories: list[Values] = []
    for category, funders in model.funders.items():
        ticked = [_financement(box(True) + name, row) for key, name in funders for row in by_funder.get(key, ())]
        others = [box(False) + name.replace(" ", NO_BREAK) for key, name in funders if key not in by_funder]
        if not are_many or ticked:
            boxes = "" if are_many else "   ".join(others)
            categories.append({"nom": category, "financements": ticked, "autres": boxes})
    unlisted = [
        _financement("Aucun financeur coché" if key is None else f"{box(True)}{key}", row)
        for key, financements in by_funder.items()
        if key not in known
        for row in financements
    ]
    if not categories and not unlisted:
        unlisted = [{"nom": "Aucun financeur coché", "dispositif": None, "montants": []}]
    return {"categories": categories, "hors_liste": unlisted}


def _financement(name: str, row: Row) -> Values:
    amount, text, state = row["montant"], row["montant_texte"], row["statut_montant"]
    year = row.get("exercice")
    parts = [money(amount), text or (state if amount is None else None), None if year is None else f"exercice {year}"]
    amounts = filter(None, parts)
    return {**row, "nom": name, "montants": list(dict.fromkeys(amounts))}


def _plan(model: DocumentModel, fiche: str) -> Values | None:
    """The plan de financement of a fiche in the exercice, where it has one.

    An amount is « retenu » as it counts in the plan: what was accordé once it is known, else demandé.
    """
    plan = model.contract.plans.get((fiche, model.exercice))
    if plan is None:
        return None
    charges, produits = (
        [row for row in model.of_fiche(table, fiche) if row["exercice"] == model.exercice] for table in FUNDING_TABLES
    )
    return {
        "total_charges": plan.charges,
        "total_produits": plan.produits,
        "total_demande": plan.asked,
        "total_accorde": plan.granted,
        "total_verse": plan.paid,
        "ecart": plan.gap,
        "ecart_volontaire": plan.voluntary_gap,
        "cofinancement": plan.rate,
        "charges": [row for row in charges if not is_voluntary(row["poste"])],
        "charges_volontaires": [row for row in charges if is_voluntary(row["poste"])],
        "produits": [_produit(model, row) for row in produits if not is_voluntary(row["compte"])],
        "produits_volontaires": [_produit(model, row) for row in produits if is_voluntary(row["compte"])],
    }


def _produit(model: DocumentModel, row: Row) -> Values:
    funder = row["financeur_id"]
    name = None if funder is None else model.contract.overview.funder_names.get(funder, funder)
    heading = " – ".join(filter(None, [row["compte"], name]))
    return {**row, "intitule": heading, "retenu": retained(row), "etat": progress(row)}
