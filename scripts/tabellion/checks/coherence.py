"""What must agree across the columns and the tables of a contract: numbers, codes, priorities, years."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tabellion.checks.inspection import OWN, Inspection
from tabellion.contract.workspace import Settings

#: Codes of axes that may say a convention: ``I-1.2`` (pilier I), ``1.2``. Whether they do is the contract's habit.
_AXE = re.compile(r"(?:(?P<pilier>[^\W_]+)-)?(?P<convention>\d{1,9})(?:\.\d+)*")
_FICHE = re.compile(r"^(?P<axe>[^/]*?)(?P<dot>\.?)/(?P<rank>\d{1,9})$")
_YEAR = re.compile(r"(?<!\d)(?:19|20|21)\d\d(?!\d)")
_RANK_FIRST = re.compile(r"\s*(\d)\s*\(")


@dataclass(frozen=True, slots=True)
class _Axe:
    """An axe: the position of its row, its convention and pilier, and those that its code says (if it says any)."""

    position: int
    convention: int | None
    pilier: str | None
    coded: int | None = None
    coded_pilier: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether the code says where the axe is; without a pilier on either side, its convention alone."""
        is_level = None in (self.pilier, self.coded_pilier) or self.pilier == self.coded_pilier
        return is_level and self.coded == self.convention


def check_coherence(inspection: Inspection) -> None:
    """Every rule of this module, on the tables whose columns are declared."""
    has_axes = inspection.has("axes", "axe_id", "convention_id")
    has_axes = has_axes and inspection.has("conventions", "convention_id", "pilier_id")
    if has_axes:
        _check_axes(inspection)
    if has_axes and inspection.has("fiches", "fiche_id", "convention_id", "axe_id"):
        _check_numbers(inspection)
        _check_conventions(inspection)
    if inspection.has("fiches", "priorite", "annee_priorite", "echeance"):
        _check_priorities(inspection)
        _check_deadlines(inspection)
    _check_years(inspection)


def _axes(inspection: Inspection) -> dict[str, _Axe]:
    """The axes by their code; of a code that comes twice, the first.

    Codes say their convention where at least half of those that could do: the numbering of axes is the contract's.
    """
    rows = inspection.tables["conventions"].rows
    pilier_of = {row["convention_id"]: row["pilier_id"] for row in rows}
    axes: dict[str, _Axe] = {}
    for position, row in enumerate(inspection.tables["axes"].rows):
        code, convention = row["axe_id"], row["convention_id"]
        if code is None:
            continue
        axe = _Axe(position, convention, pilier_of.get(convention))
        if (parts := _AXE.fullmatch(code)) is not None:
            axe = replace(axe, coded=int(parts["convention"]), coded_pilier=parts["pilier"])
        axes.setdefault(code, axe)
    coded = [axe for axe in axes.values() if axe.coded is not None and axe.convention is not None]
    if 2 * sum(axe.agrees for axe in coded) < len(coded):
        return {code: replace(axe, coded=None, coded_pilier=None) for code, axe in axes.items()}
    return axes


def _check_axes(inspection: Inspection) -> None:
    """``I-1.2`` is the second axe of convention 1, in pilier I; ``1.2`` that of convention 1, in no pilier."""
    level = inspection.schemas["conventions"].by_name["pilier_id"].title.lower()

    def where(convention: int | None, pilier: str | None) -> str:
        return f"la convention {convention}" + (f", {level} {pilier}" if pilier else "")

    known = inspection.known("conventions", "convention_id")
    for axe in _axes(inspection).values():
        if axe.coded is not None and axe.convention in known and not axe.agrees:
            inspection.say(
                "axe-et-convention", "axes", axe.position, "axe_id", valeur=OWN,
                attendu=where(axe.coded, axe.coded_pilier), liees=[("axes", axe.position, "convention_id")],
                rangement=where(axe.convention, axe.pilier),
            )  # fmt: skip


def _check_numbers(inspection: Inspection) -> None:
    """``I-1.1./2`` is the second fiche of axe ``I-1.1``; the dot before the bar is written by all fiches or by none."""
    matches = (_FICHE.match(number or "") for number in inspection.column("fiches", "fiche_id"))
    parts = {position: match.groupdict() for position, match in enumerate(matches) if match is not None}
    axes, known = inspection.column("fiches", "axe_id"), inspection.known("axes", "axe_id")
    elsewhere = (axe in known and parts.get(position, {}).get("axe", axe) != axe for position, axe in enumerate(axes))
    for position in inspection.rows("fiches", elsewhere, "fiche_id", "axe_id"):
        inspection.say(
            "fiche-et-axe", "fiches", position, "fiche_id", valeur=OWN, attendu=parts[position]["axe"],
            liees=[("fiches", position, "axe_id")], axe=axes[position],
        )  # fmt: skip
    undotted = {position for position, part in parts.items() if not part["dot"]}
    is_dotted = 2 * len(undotted) < len(parts)
    if is_dotted:
        for position in sorted(undotted):
            number = f"{parts[position]['axe']}./{parts[position]['rank']}"
            inspection.say("numero-sans-point", "fiches", position, "fiche_id", valeur=OWN, attendu=number)
    if not inspection.unread("fiches", "fiche_id"):
        _check_ranks(inspection, parts, "./" if is_dotted else "/")


def _check_ranks(inspection: Inspection, parts: Mapping[int, Mapping[str, str]], bar: str) -> None:
    """The fiches of an axe are numbered 1, 2, 3, … after the ``bar``."""
    seen: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for position, part in parts.items():
        seen[part["axe"]].setdefault(int(part["rank"]), position)
    for axe, ranks in seen.items():
        before = 0
        for rank in sorted(ranks):
            if rank > before + 1:
                _say_missing(inspection, ranks[rank], f"{axe}{bar}", before + 1, rank - 1)
            before = rank


def _say_missing(inspection: Inspection, position: int, stem: str, first: int, last: int) -> None:
    count = last - first + 1
    missing = f"{stem}{first}" if count == 1 else f"{stem}{first} {'et' if count == 2 else 'à'} {stem}{last}"
    words = f"la fiche {missing}" if count == 1 else f"les fiches {missing}"
    inspection.say(
        "rang-de-fiche-manquant", "fiches", position, "fiche_id", valeur=OWN, attendu=missing, manque=words
    )  # fmt: skip


def _check_conventions(inspection: Inspection) -> None:
    """A fiche is in the convention of its axe.

    Where the axe itself is misplaced (its code says another convention), a fiche that follows the code is right: the
    axe's own finding is enough.
    """
    axes = _axes(inspection)
    codes, own = inspection.column("fiches", "axe_id"), inspection.column("fiches", "convention_id")
    pairs = ((axes.get(code), convention) for code, convention in zip(codes, own, strict=True))
    wrong = (
        axe is not None and None not in (convention, axe.convention) and convention not in (axe.convention, axe.coded)
        for axe, convention in pairs
    )
    for position in inspection.rows("fiches", wrong, "axe_id", "convention_id"):
        axe = axes[codes[position]]
        inspection.say(
            "fiche-et-convention", "fiches", position, "convention_id", valeur=OWN, attendu=axe.convention,
            liees=[("axes", axe.position, "convention_id")], axe=codes[position],
            fiche=inspection.value("fiches", position, "fiche_id") or "",
        )  # fmt: skip


def _check_priorities(inspection: Inspection) -> None:
    """A priority's rank is one of the contract's, and means the year that the contract says."""
    meaning = inspection.settings.priorites
    if not meaning:
        return
    ranks, years = inspection.column("fiches", "priorite"), inspection.column("fiches", "annee_priorite")
    listed = ", ".join(f"{rank} ({year})" for rank, year in sorted(meaning.items()))
    for position in inspection.rows("fiches", (rank not in (None, *meaning) for rank in ranks), "priorite"):
        inspection.say("priorite-inconnue", "fiches", position, "priorite", valeur=OWN, attendu=listed)
    pairs = zip(years, map(meaning.get, ranks), strict=True)
    wrong = (None not in (year, expected) and year != expected for year, expected in pairs)
    for position in inspection.rows("fiches", wrong, "priorite", "annee_priorite"):
        rank = inspection.value("fiches", position, "priorite")
        inspection.say(
            "priorite-et-annee", "fiches", position, "annee_priorite", valeur=OWN, attendu=meaning[rank],
            liees=[("fiches", position, "priorite")], priorite=rank,
        )  # fmt: skip


def _check_deadlines(inspection: Inspection) -> None:
    """A deadline that names years names the priority's; one that names a rank, as ``2 (2017)``, names the priority's.

    Where the priority and its year already contradict each other, a deadline that follows one of them is right.
    """
    meaning = inspection.settings.priorites
    names = ("echeance", "priorite", "annee_priorite")
    dated = {text for text in inspection.known("fiches", "echeance") if _YEAR.search(text)}  # far fewer than fiches
    agreed: dict[tuple[str, int | None, int | None, bool], str | None] = {}
    for position in inspection.holding("fiches", "echeance", dated, *names):
        deadline, rank, year = (inspection.value("fiches", position, name) for name in names)
        key = (deadline, rank, year, not inspection.spoken("fiches", position, "priorite"))
        if key not in agreed:
            agreed[key] = _contradicted(*key, meaning=meaning)
        if (expected := agreed[key]) is not None:
            linked: list[tuple[str, int, str | None]] = [("fiches", position, "priorite")]
            inspection.say(
                "priorite-et-echeance", "fiches", position, "echeance", valeur=OWN, attendu=expected, liees=linked
            )


def _contradicted(
    deadline: str, rank: int | None, year: int | None, trusted: bool, *, meaning: Mapping[int, int]
) -> str | None:
    """The priority that a deadline contradicts, in words; ``None`` when it agrees, or when there is no priority."""
    expected = {wanted for wanted in (year, None if rank is None else meaning.get(rank)) if wanted is not None}
    if not expected:
        return None
    years = [int(digits) for digits in _YEAR.findall(deadline)]
    typed_rank = _RANK_FIRST.match(deadline)
    settled = rank is not None and len(expected) == 1 and trusted
    rank_agrees = not settled or typed_rank is None or int(typed_rank[1]) == rank
    if rank_agrees and any(min(years) <= wanted <= max(years) for wanted in expected):
        return None
    shown = year if year is not None else min(expected)
    return str(shown) if rank is None else f"{rank} ({shown})"


def _check_years(inspection: Inspection) -> None:
    """Fiches are dated within the contract; a budget year is in the contract too, or is a census that came before it.

    A census is the exercice of the settings, or one that has both lines and published totals.
    """
    settings = inspection.settings
    if inspection.has("fiches", "annee_priorite"):
        _check_within(inspection, "fiches", "annee_priorite")
    if inspection.has("fiches", "echeance"):
        deadlines = inspection.column("fiches", "echeance")
        late = {text for text in inspection.known("fiches", "echeance") if _outside(text, settings)}
        for position in inspection.holding("fiches", "echeance", late):
            _say_outside(inspection, "fiches", position, "echeance", _outside(deadlines[position], settings)[0])
    if inspection.has("financements", "exercice"):
        _check_within(inspection, "financements", "exercice")
    budgets = ("lignes_budgetaires", "totaux_publies")
    if all(inspection.has(table, "exercice") for table in budgets):
        lines, totals = (inspection.known(table, "exercice") for table in budgets)
        for table in budgets:
            _check_within(inspection, table, "exercice", {settings.exercice} | (lines & totals))


def _check_within(inspection: Inspection, table: str, name: str, census: Collection[int] = ()) -> None:
    """Say the years of a column that are neither in the contract nor in ``census``."""
    settings = inspection.settings
    outside = inspection.known(table, name) - {*range(settings.debut, settings.fin + 1), *census}
    for position in inspection.holding(table, name, outside):
        _say_outside(inspection, table, position, name, inspection.value(table, position, name))


def _outside(text: str, settings: Settings) -> list[int]:
    """The years that a text names and that the contract does not cover."""
    named = [int(year) for year in _YEAR.findall(text)]
    return [year for year in named if not settings.debut <= year <= settings.fin]


def _say_outside(inspection: Inspection, table: str, position: int, name: str, year: int) -> None:
    if not inspection.spoken(table, position, name):
        first, last = inspection.settings.debut, inspection.settings.fin
        inspection.say("annee-hors-contrat", table, position, name, valeur=year, debut=first, fin=last)
