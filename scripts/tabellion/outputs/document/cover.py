"""The first pages: cover, notice on the figures, recap by convention and collectivité, contents."""

from __future__ import annotations

from collections.abc import Iterator

from tabellion.measures import AMOUNT_WORDS, Published, Sums
from tabellion.outputs.document.model import Convention, Edition, Pilier, amount_of
from tabellion.outputs.document.styles import (
    AMOUNT,
    BODY,
    BUDGET,
    CAPTION,
    CONTENTS,
    CONTENTS_1,
    CONTENTS_2,
    HEAD,
    HEAD_AMOUNT,
    LINK,
    PILIER,
    SUBTITLE,
    SUBTOTAL,
    SUBTOTAL_AMOUNT,
    TEXT,
    TITLE,
    TOTAL,
    TOTAL_AMOUNT,
)
from tabellion.outputs.document.texts import NOTICE, Paragraph, write_text
from tabellion.outputs.document.writer import Cell, Pen, Run, Table, bookmark_name, cell
from tabellion.schema.money import format_euros, signed_euros
from tabellion.wording import plural

AMOUNT_HEADS = {name: word.capitalize() for name, word in AMOUNT_WORDS.items()}
WALK_ANNEX, FINDINGS_ANNEX, BUDGET_ANNEX, RECAP_PART, NOTICE_PART = (
    bookmark_name("partie", each) for each in ("rapprochement", "constats", "budget", "recapitulatif", "avertissement")
)
WALK_TITLE = "Annexe 1 – Du total publié au total recalculé"
FINDINGS_TITLE = "Annexe 2 – Constats ouverts"
BUDGET_TITLE = "Annexe 3 – Le budget de l’exercice"


def pilier_heading(pilier: Pilier) -> str:
    """``I – Conventions thématiques « cohésion sociale »``."""
    return f"{pilier.key} – Conventions thématiques «\u00a0{pilier.title}\u00a0»" if pilier.title else pilier.key


def convention_heading(convention: Convention) -> str:
    """``3 – Santé``."""
    return f"{convention.number} – {convention.title}"


def pilier_mark(pilier: Pilier) -> str:
    """The bookmark of a pilier's heading."""
    return bookmark_name("pilier", pilier.key)


def convention_mark(number: int) -> str:
    """The bookmark of a convention's heading."""
    return bookmark_name("convention", number)


def money(cents: int | None) -> str:
    """An amount as it is printed; nothing for a blank one."""
    return "" if cents is None else format_euros(cents)


def write_front(pen: Pen, edition: Edition, *, live: bool) -> None:
    """Write all of it. ``live``: the contents are a field that Word updates."""
    settings = edition.contract.settings
    pen.paragraph(TITLE, settings.titre)
    pen.paragraph(SUBTITLE, f"{settings.debut} – {settings.fin}")
    pen.paragraph(SUBTITLE, "Conventions thématiques")
    if settings.source:
        pen.paragraph(BODY, f"D’après le document publié : {settings.source}")
    pen.paragraph(BODY, f"Exercice budgétaire {edition.exercice}")
    if edition.only:
        numbers = ", ".join(str(each.number) for each in edition.conventions)
        pen.paragraph(BODY, f"Extrait : convention{'s' if len(edition.only) > 1 else ''} {numbers}")
    pen.paragraph(PILIER, "Avertissement", bookmark=NOTICE_PART, new_page=True)
    write_text(pen, edition.texts.get(NOTICE) or map(Paragraph, _notice()))
    for text in _how_made(edition):
        pen.paragraph(BODY, text)
    _write_recap(pen, edition)
    pen.paragraph(CONTENTS, "Sommaire", new_page=True)
    pen.contents(_entries(edition), live=live)


def _notice() -> Iterator[str]:
    yield (
        "Les crédits de droit commun sont ceux que chaque collectivité a déclarés, ligne par ligne. Ils sont donnés "
        "pour information : ce que personne n’a recensé n’y est pas."
    )


def _how_made(edition: Edition) -> Iterator[str]:
    """Where the figures come from, and how the published ones and the recomputed ones stand side by side."""
    said = f"Ce document est fait {edition.origin}. Les montants sont ceux de l’exercice {edition.exercice}"
    words = ", ".join(AMOUNT_WORDS[each] for each in edition.amounts)
    yield f"{said} ({words}). Les totaux sont recalculés à partir des lignes, au centime."
    if edition.is_census:
        yield (
            "Là où le document d’origine publiait un total, il est donné à côté, tel quel, avec l’écart. "
            "Rien n’a été corrigé : l’annexe 1 explique chaque écart, l’annexe 2 donne les constats ouverts."
        )


def _write_recap(pen: Pen, edition: Edition) -> None:
    title = "Récapitulatif par convention et par collectivité"
    pen.paragraph(PILIER, title, bookmark=RECAP_PART)
    words = [AMOUNT_HEADS[each] for each in edition.amounts]
    unit = f"Crédits de droit commun, exercice {edition.exercice}, en euros."
    if edition.is_census:
        unit = f"Crédits de droit commun, exercice {edition.exercice}, montant {words[-1].lower()}."
        words = ["Recalculé", "Publié", "Écart"]
    pen.paragraph(CAPTION, unit, keep=True)
    columns = [("Convention et collectivité", 52.0), *((each, 20.0) for each in words), ("Page", 9.0)]
    header = tuple(cell(HEAD if rank == 0 else HEAD_AMOUNT, words) for rank, (words, _) in enumerate(columns))
    shares = tuple(share for _, share in columns)
    table = Table(
        BUDGET, shares, title, f"{unit} Une ligne par convention, puis une par collectivité.", header, last_row=True
    )
    pen.table(table, _recap_rows(edition))


def _recap_rows(edition: Edition) -> Iterator[tuple[Cell, ...]]:
    for convention in edition.conventions:
        mark = convention_mark(convention.number)
        total = edition.total(convention.number)
        yield _recap_row(
            edition, cell(SUBTOTAL, [Run(convention_heading(convention), LINK, mark)]), SUBTOTAL_AMOUNT, total,
            edition.recap_convention(convention.number), mark,
        )  # fmt: skip
        towns = edition.towns(convention.number)
        seen = {each.town for each in towns}
        for town in towns:
            printed = edition.recap_town(convention.number, town.town)
            yield _recap_row(edition, cell(TEXT, town.name), AMOUNT, town.sums, printed)
        for key in edition.contract.accounts.towns:
            if key not in seen and (printed := edition.recap_town(convention.number, key)) is not None:
                yield _recap_row(edition, cell(TEXT, edition.town_name(key)), AMOUNT, Sums(), printed)
    printed = None if edition.only else edition.recap_convention(None)
    words = "Total des conventions de cet extrait" if edition.only else "Total général"
    yield _recap_row(edition, cell(TOTAL, words), TOTAL_AMOUNT, edition.total(), printed)


def _recap_row(
    edition: Edition, first: Cell, style: str, sums: Sums, printed: Published | None, mark: str | None = None
) -> tuple[Cell, ...]:
    """A census shows the amount that was published beside it; another exercice, each amount that its lines have."""
    if not edition.is_census:
        cells = [first, *(cell(style, money(amount_of(sums, each))) for each in edition.amounts)]
    else:
        total = edition.shown_sum(sums)
        cells = [first, cell(style, money(total))]
        shown = printed.cents if printed is not None else None
        cells += [cell(style, money(shown)), cell(style, "" if shown is None else signed_euros(total - shown))]
    page = [Run("", page_of=mark)] if mark is not None else ""
    return (*cells, cell(style, page))


def _entries(edition: Edition) -> Iterator[tuple[str, str, str]]:
    yield CONTENTS_1, "Avertissement", NOTICE_PART
    yield CONTENTS_1, "Récapitulatif par convention et par collectivité", RECAP_PART
    for pilier in edition.piliers:
        yield CONTENTS_1, pilier_heading(pilier), pilier_mark(pilier)
        for convention in pilier.conventions:
            yield CONTENTS_2, convention_heading(convention), convention_mark(convention.number)
    yield CONTENTS_1, WALK_TITLE, WALK_ANNEX
    yield CONTENTS_1, f"{FINDINGS_TITLE} ({plural(len(edition.told), 'constat')})", FINDINGS_ANNEX
    yield CONTENTS_1, BUDGET_TITLE, BUDGET_ANNEX
