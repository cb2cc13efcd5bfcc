"""The conventions: heading, the workspace's own text, budget by collectivité, list of the fiches, then the fiches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tabellion.outputs.document.cover import (
    AMOUNT_HEADS,
    convention_heading,
    convention_mark,
    money,
    pilier_heading,
    pilier_mark,
)
from tabellion.outputs.document.funding import write_plan
from tabellion.outputs.document.model import Convention, Edition, Pilier, Row, Town, amount_of
from tabellion.outputs.document.styles import (
    AMOUNT,
    BODY,
    BUDGET,
    CAPTION,
    CONVENTION,
    CROSSED,
    FICHE,
    HEAD,
    HEAD_AMOUNT,
    LABEL,
    LINK,
    PART,
    PILIER,
    SUBTOTAL,
    SUBTOTAL_AMOUNT,
    TEXT,
    TOTAL,
    TOTAL_AMOUNT,
)
from tabellion.outputs.document.texts import text_name, write_text
from tabellion.outputs.document.writer import BLANK, TICKED, Cell, Pen, Run, Table, Words, bookmark_name, cell
from tabellion.schema import Field
from tabellion.schema.money import format_euros
from tabellion.wording import french_date

Told = Callable[[], None]
_SPACE = "\u00a0"


def write_chapters(pen: Pen, edition: Edition, told: Told) -> None:
    """Write every pilier and convention; ``told`` is called after each fiche."""
    for pilier in edition.piliers:
        for rank, convention in enumerate(pilier.conventions):
            if rank == 0:
                mark = pilier_mark(pilier)
                pen.paragraph(PILIER, pilier_heading(pilier), bookmark=mark, new_page=True, keep=True)
            _write_opening(pen, edition, convention, new_page=rank > 0)
            for fiche in convention.fiches:
                _write_fiche(pen, edition, pilier, convention, fiche)
                told()


def fiche_mark(key: str) -> str:
    """The bookmark of a fiche."""
    return bookmark_name("fiche", key)


def _write_opening(pen: Pen, edition: Edition, convention: Convention, *, new_page: bool) -> None:
    mark = convention_mark(convention.number)
    pen.paragraph(CONVENTION, convention_heading(convention), bookmark=mark, new_page=new_page, keep=True)
    if convention.short != convention.title:
        pen.paragraph(CAPTION, f"Dans les fiches : {convention.short}")
    write_text(pen, edition.texts.get(text_name(convention.number), ()))
    pen.paragraph(PART, f"Crédits de droit commun, exercice {edition.exercice}", keep=True)
    towns = edition.towns(convention.number)
    if towns:
        pen.table(_budget_table(edition, convention), _budget_rows(edition, convention, towns))
    else:
        pen.paragraph(BODY, f"Aucun crédit de droit commun n’est recensé pour l’exercice {edition.exercice}.")
    pen.paragraph(PART, "Fiches action", keep=True)
    if convention.fiches:
        pen.table(_list_table(convention), _list_rows(edition, convention))
    else:
        pen.paragraph(BODY, "Cette convention n’a pas de fiche action.")


def _budget_table(edition: Edition, convention: Convention) -> Table:
    words = [AMOUNT_HEADS[each] for each in edition.amounts] + (["Publié"] if edition.is_census else [])
    header = (cell(HEAD, "Collectivité et action"), *(cell(HEAD_AMOUNT, each) for each in words))
    title = f"Crédits de droit commun de la convention {convention.number}, exercice {edition.exercice}"
    description = "Pour chaque collectivité, son sous-total puis ses lignes ; le total de la convention à la fin."
    return Table(BUDGET, (60.0, *(20.0 for _ in words)), title, description, header, last_row=True)


def _budget_rows(edition: Edition, convention: Convention, towns: list[Town]) -> Iterator[tuple[Cell, ...]]:
    census = edition.is_census
    for town in towns:
        sums = (cell(SUBTOTAL_AMOUNT, format_euros(amount_of(town.sums, each))) for each in edition.amounts)
        printed = [cell(SUBTOTAL_AMOUNT, money(town.published.cents) if town.published else "")] if census else []
        yield (cell(SUBTOTAL, town.name), *sums, *printed)
        for line in town.lines:
            words = [line["libelle"] or "", *([line["commentaire"]] if line["commentaire"] else [])]
            amounts = (cell(AMOUNT, money(line[each])) for each in edition.amounts)
            yield (cell(TEXT, *words), *amounts, *([cell(AMOUNT)] if census else []))
    total = edition.total(convention.number)
    recap = edition.recap_convention(convention.number)
    sums = (cell(TOTAL_AMOUNT, format_euros(amount_of(total, each))) for each in edition.amounts)
    printed = [cell(TOTAL_AMOUNT, money(recap.cents) if recap else "")] if census else []
    yield (cell(TOTAL, f"Total de la convention {convention.number}"), *sums, *printed)


def _list_table(convention: Convention) -> Table:
    header = (cell(HEAD, "Fiche"), cell(HEAD, "Axe stratégique"), cell(HEAD, "Priorité"), cell(HEAD_AMOUNT, "Page"))
    title = f"Fiches action de la convention {convention.number}"
    return Table(BUDGET, (20.0, 70.0, 18.0, 10.0), title, "Chaque fiche, son axe, sa priorité et sa page.", header)


def _list_rows(edition: Edition, convention: Convention) -> Iterator[tuple[Cell, ...]]:
    for fiche in convention.fiches:
        mark = fiche_mark(fiche["fiche_id"])
        yield (
            cell(TEXT, [Run(fiche["fiche_id"], LINK, mark)]),
            cell(TEXT, _axe(edition, fiche)),
            cell(TEXT, _priority(fiche)),
            cell(AMOUNT, [Run("", page_of=mark)]),
        )


def _axe(edition: Edition, fiche: Row) -> str:
    key = fiche["axe_id"] or ""
    return f"{key}. {edition.axes[key]}" if edition.axes.get(key) else key


def _priority(fiche: Row) -> str:
    rank, year = fiche["priorite"], fiche["annee_priorite"]
    if rank is None:
        return "" if year is None else str(year)
    return str(rank) if year is None else f"{rank} ({year})"


def _write_fiche(pen: Pen, edition: Edition, pilier: Pilier, convention: Convention, fiche: Row) -> None:
    key = fiche["fiche_id"]
    pen.paragraph(PART, f"Fiche action {key}", bookmark=fiche_mark(key), new_page=True, keep=True)
    pen.paragraph(CAPTION, f"{pilier_heading(pilier)}\n{convention_heading(convention)}", keep=True)
    header: tuple[Cell, ...] = (cell(HEAD, "Rubrique"), cell(HEAD, "Contenu"))
    title, description = f"Fiche action {key}", "Chaque rubrique de la fiche et son contenu."
    pen.table(Table(FICHE, (28.0, 82.0), title, description, header, first_column=True), _fields(edition, fiche))
    header = tuple(cell(HEAD, words) for words in ("Partenaires financiers", "Dispositif / BOP", "Montant indicatif"))
    title, description = f"Financements de la fiche {key}", "☒ : financeur retenu ; ☐ : financeur non retenu."
    financing = Table(FICHE, (44.0, 40.0, 26.0), title, description, header)
    pen.table(financing, _financing(edition, fiche), keep_rows=True)
    write_plan(pen, edition, key)


def _fields(edition: Edition, fiche: Row) -> Iterator[tuple[Cell, ...]]:
    def row(label: str, words: Words | None) -> tuple[Cell, ...]:
        return cell(LABEL, label), cell(TEXT, words or "")

    yield row("Axe stratégique", _axe(edition, fiche))
    for field in ("objectif", "ref_interministerielle"):
        yield row(edition.title_of(field), fiche[field])
    yield row("Priorité du territoire", _priority(fiche))
    yield row("Axes transversaux", _crossed(edition, fiche))
    yield row(edition.title_of("proposition"), fiche["proposition"])
    yield row(edition.title_of("echeance"), fiche["echeance"])
    cpo = fiche["cpo"]
    yield row("CPO envisagée", f"{box(cpo is True)} Oui     {box(cpo is False)} Non")
    for field, role in (("porteurs", "porteur"), ("partenaires_operationnels", "opérationnel")):
        yield row(edition.title_of(field), fiche[field] or edition.participants(fiche["fiche_id"], role))
    for each in edition.other_fields:
        yield row(each.title, _shown(each, fiche[each.name]))
    for suivi in edition.suivis.get(fiche["fiche_id"], ()):
        yield row(f"Bilan {suivi['exercice'] or ''}".rstrip(), _progress(edition, suivi))


def box(ticked: bool) -> str:
    """A box, and the space that holds it to its words."""
    return (TICKED if ticked else BLANK) + _SPACE


def _crossed(edition: Edition, fiche: Row) -> list[Run]:
    """The axes transversaux, those that do not apply crossed out, and with an empty box for who cannot see that."""
    found: list[Run] = []
    for field in edition.transverse:
        if found:
            found.append(Run("     "))
        value = fiche[field.name]
        found.append(Run(box(value is True)))
        found.append(Run(field.title, CROSSED if value is False else None))
    return found


def _shown(field: Field, value: object) -> str:
    if value is None:
        return ""
    if field.kind == "money" and isinstance(value, int):
        return format_euros(value)
    if field.kind == "boolean":
        return f"{box(value is True)} Oui     {box(value is False)} Non"
    if field.kind == "percent":
        return f"{value}{_SPACE}%"
    return _text(value)


def _text(value: object) -> str:
    from datetime import date

    return french_date(value) if isinstance(value, date) else str(value)


def _progress(edition: Edition, suivi: Row) -> str:
    said = [
        edition.partners.get(suivi["partenaire_id"], suivi["partenaire_id"] or ""),
        suivi["avancement"] or "",
        "" if suivi["pourcentage"] is None else f"{suivi['pourcentage']}{_SPACE}%",
        "" if suivi["montant_engage"] is None else f"{format_euros(suivi['montant_engage'])} engagés",
        "" if suivi["date_bilan"] is None else f"le {_text(suivi['date_bilan'])}",
        suivi["commentaire"] or "",
    ]
    return " – ".join(filter(None, said))


def _financing(edition: Edition, fiche: Row) -> Iterator[tuple[Cell, ...]]:
    """By category, each funder that is ticked with what it brings, then the others with their empty boxes."""
    found: dict[str | None, list[Row]] = {}
    for each in edition.financements.get(fiche["fiche_id"], ()):
        found.setdefault(each["financeur_id"], []).append(each)
    for category, funders in edition.funders.items():
        yield cell(SUBTOTAL, f"Financeurs : {category}"), cell(SUBTOTAL), cell(SUBTOTAL)
        for key, name in funders:
            for each in found.pop(key, ()):
                yield _financement(box(True) + name, each)
        ticked = {each["financeur_id"] for each in edition.financements.get(fiche["fiche_id"], ())}
        others = [box(False) + name.replace(" ", _SPACE) for key, name in funders if key not in ticked]
        if others:
            yield cell(TEXT, "   ".join(others)), cell(TEXT), cell(TEXT)
    for unlisted, rest in found.items():
        for each in rest:
            yield _financement("Aucun financeur coché" if unlisted is None else box(True) + unlisted, each)


def _financement(name: str, row: Row) -> tuple[Cell, ...]:
    amount, text, state = row["montant"], row["montant_texte"], row["statut_montant"]
    shown = list(dict.fromkeys(filter(None, [money(amount), text or (state if amount is None else None)])))
    return cell(TEXT, name), cell(TEXT, row["dispositif"] or ""), cell(TEXT, *shown)
