"""What does not add up: lines and published totals, at each level; what no total counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tabellion.checks.inspection import Inspection, place_words
from tabellion.checks.repeats import check_double_counts, check_twice_published
from tabellion.findings import Severity
from tabellion.measures import (
    DETAIL,
    MEASURE,
    RECAP,
    SCOPE_ALL,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Accounts,
    Published,
)
from tabellion.measures.accounts import Pair
from tabellion.measures.overview import LINE_KEY
from tabellion.schema.money import euros, format_euros

_LINES, _TOTALS = "lignes_budgetaires", "totaux_publies"
_TOTAL_KEY = ("source", "portee", "convention_id", "collectivite_id", "exercice")
_NEEDED = {
    _LINES: ("convention_id", "collectivite_id", "libelle", "exercice", MEASURE),
    _TOTALS: (*_TOTAL_KEY, "montant"),
    "conventions": ("convention_id", "titre"),
    "collectivites": ("collectivite_id", "nom"),
}


def check_totals(inspection: Inspection) -> None:
    """Check every exercice that has published totals; money counted twice in these and in the settings' exercice."""
    if not all(inspection.has(table, *fields) for table, fields in _NEEDED.items()):
        return
    published = {int(year) for year in inspection.column(_TOTALS, "exercice").dropna().unique()}
    _check_scopes(inspection)
    check_twice_published(inspection)
    for exercice in sorted(published | {inspection.settings.exercice}):
        accounts = Accounts(inspection.tables, exercice)
        if exercice in published:
            _Exercice(inspection, accounts).check()
        check_double_counts(inspection, accounts)


def _check_scopes(inspection: Inspection) -> None:
    """A total names what its scope covers, and nothing else; one that does not is compared with nothing."""
    scopes = inspection.column(_TOTALS, "portee")
    wanted = {"convention_id": (SCOPE_TOWN, SCOPE_CONVENTION), "collectivite_id": (SCOPE_TOWN,)}
    for name, covering in wanted.items():
        filled = inspection.column(_TOTALS, name).notna()
        wrong = scopes.notna() & (filled != scopes.isin(covering))
        for position in inspection.rows(_TOTALS, wrong, "portee", name).tolist():
            inspection.say(
                "total-sans-place",
                _TOTALS,
                position,
                name,
                valeur=inspection.value(_TOTALS, position, name),
                liees=[(_TOTALS, position, "portee")],
                portee=scopes.iloc[position],
                titre=inspection.schemas[_TOTALS].by_name[name].title,
                constat="rempli" if filled.iloc[position] else "vide",
            )
            inspection.distrust(_TOTALS, position, name)


@dataclass
class _Exercice:
    """The checks of one exercice, from the lines up to the grand total."""

    inspection: Inspection
    accounts: Accounts
    named: set[int] = field(default_factory=set)
    """Lines already said to explain a gap by themselves."""

    def check(self) -> None:
        """Every level, in the order of the document's own totals."""
        self.check_lines()
        if self.accounts.has_recap and self.has_detail:
            self.check_recap_towns()
        for source in (RECAP, DETAIL):
            self.check_conventions(source)
            self.check_all(source)
        if self.accounts.has_recap:
            self.check_absent()

    @cached_property
    def has_detail(self) -> bool:
        """Whether the conventions themselves publish subtotals this year."""
        return bool(self.accounts.every_published(DETAIL, SCOPE_TOWN))

    @cached_property
    def unread_totals(self) -> set[int]:
        """Positions of the published totals whose amount could not be read."""
        return self.inspection.unread(_TOTALS, "montant")

    def totals_are_placed(self, *fields: str) -> bool:
        """Whether ``fields`` of every published total could be read: if not, none can be said to be missing."""
        return not self.inspection.unread(_TOTALS, *fields)

    @cached_property
    def lines_by_pair(self) -> dict[Pair, list[int]]:
        """The positions of the lines of each convention × collectivité, in the register's order."""
        return {
            (convention, town): positions
            for (year, convention, town), positions in self.accounts.overview.lines.groups(*LINE_KEY).items()
            if year == self.accounts.exercice and convention is not None and town is not None
        }

    @cached_property
    def doubtful(self) -> list[tuple[int | None, str | None, int | None]]:
        """The lines that could not be read or placed: convention, collectivité and cents, ``None`` being any."""
        inspection, doubtful = self.inspection, []
        for position in inspection.unread(_LINES, "convention_id", "collectivite_id", "exercice", MEASURE):
            known = {
                name: None if position in inspection.unread(_LINES, name) else inspection.value(_LINES, position, name)
                for name in ("convention_id", "collectivite_id", "exercice", MEASURE)
            }
            if known["exercice"] in (None, self.accounts.exercice):
                cents = None if position in inspection.unread(_LINES, MEASURE) else known[MEASURE] or 0
                doubtful.append((known["convention_id"], known["collectivite_id"], cents))
        return doubtful

    def is_excused(self, gap: int, convention: int | None, town: str | None) -> bool:
        """Whether a total misses ``gap`` cents of lines only because some could not be read or placed.

        ``None`` stands for all conventions, or all collectivités.
        """
        missing = [
            cents
            for number, place, cents in self.doubtful
            if (None in (convention, number) or convention == number) and (None in (town, place) or town == place)
        ]
        if None in missing:
            return True
        known = [cents for cents in missing if cents is not None]
        return any(abs(gap - cents) <= self.rounding for cents in {*known, sum(known)} if known)

    @property
    def rounding(self) -> int:
        """The largest difference of totals, in cents, that is only a rounding."""
        return self.inspection.settings.arrondi_euros * 100

    def position(self, total: Published) -> int:
        return total.index

    def unread(self, *totals: Published) -> bool:
        return any(self.position(total) in self.unread_totals for total in totals)

    def say(self, code: str, total: Published, computed: int, linked: list[Published], **details: Any) -> None:
        """Say that ``total`` is not ``computed`` (cents): a notice up to the settings' rounding, an error beyond."""
        printed = total.cents or 0
        rounding = abs(computed - printed) <= self.rounding
        self.inspection.say(
            code,
            _TOTALS,
            self.position(total),
            "montant",
            valeur=None if total.cents is None else euros(total.cents),
            attendu=euros(computed),
            gravite=Severity.INFORMATION if rounding else None,
            liees=[(_TOTALS, self.position(other), "montant") for other in linked],
            exercice=self.accounts.exercice,
            calcule=format_euros(computed),
            publie=format_euros(printed) if total.cents is not None else "vide",
            ecart=format_euros(abs(computed - printed)),
            **details,
        )
        if not rounding:
            self.name_line(computed - printed, details, total)

    def name_line(self, gap: int, details: dict[str, Any], total: Published) -> None:
        """Name the line that a collectivité's total misses, when one line, and only one, has the amount of the gap."""
        pair = (details.get("convention"), details.get("town"))
        lines = self.lines_by_pair.get(pair, []) if gap > 0 else []  # type: ignore[arg-type]
        alone = [position for position in lines if self.inspection.value(_LINES, position, MEASURE) == gap]
        if len(alone) != 1 or alone[0] in self.named:
            return
        self.named.add(alone[0])
        key = self.inspection.value(_TOTALS, self.position(total), "source")
        self.inspection.say(
            "ligne-hors-total",
            _LINES,
            alone[0],
            MEASURE,
            valeur=euros(gap),
            liees=[(_TOTALS, self.position(total), "montant")],
            libelle=self.inspection.value(_LINES, alone[0], "libelle") or "",
            calcule=format_euros(gap),
            total=place_words(self.inspection, key, *pair),
        )

    def check_lines(self) -> None:
        """The lines of a collectivité against its subtotal: the convention's, or else the recap's."""
        source = DETAIL if self.has_detail else RECAP
        subtotals = self.accounts.every_published(source, SCOPE_TOWN)
        for (_, _, convention, town), total in subtotals.items():
            if convention is None or town is None or self.unread(total):
                continue
            details = {"convention": convention, "town": town, "collectivite": self.inspection.towns.get(town, town)}
            computed = self.accounts.of(convention, town)
            if self.is_excused((total.cents or 0) - computed, convention, town):
                continue
            if not self.accounts.counts.get((convention, town)):
                if total.cents:
                    self.say_bare(total, details)
            elif computed != (total.cents or 0):
                self.say("total-collectivite", total, computed, [], **details)
        if not subtotals or not self.totals_are_placed(*_TOTAL_KEY):
            return
        for convention, town in self.accounts.counts:
            computed = self.accounts.of(convention, town)
            if computed and (source, SCOPE_TOWN, convention, town) not in subtotals and self.is_known(convention, town):
                self.inspection.say(
                    "detail-sans-sous-total",
                    _LINES,
                    self.lines_by_pair[convention, town][0],
                    MEASURE,
                    valeur=euros(computed),
                    collectivite=self.inspection.towns.get(town, town),
                    convention=convention,
                    exercice=self.accounts.exercice,
                    calcule=format_euros(computed),
                )

    def say_bare(self, total: Published, details: dict[str, Any]) -> None:
        self.inspection.say(
            "sous-total-sans-detail",
            _TOTALS,
            self.position(total),
            "montant",
            valeur=euros(total.cents or 0),
            exercice=self.accounts.exercice,
            publie=format_euros(total.cents or 0),
            **details,
        )

    def is_known(self, convention: int, town: str) -> bool:
        """Whether both are declared: what refers to nothing has its own finding."""
        return town in self.inspection.towns and convention in self.accounts.conventions

    def check_recap_towns(self) -> None:
        """The recap repeats each convention's subtotals."""
        recap = self.accounts.every_published(RECAP, SCOPE_TOWN)
        detail = self.accounts.every_published(DETAIL, SCOPE_TOWN)
        for (_, _, convention, town), total in recap.items():
            if convention is None or town is None:
                continue
            own = detail.get((DETAIL, SCOPE_TOWN, convention, town))
            if own is None and not self.totals_are_placed(*_TOTAL_KEY):
                continue
            computed = (own.cents or 0) if own is not None else 0
            if computed != (total.cents or 0) and not self.unread(total, *([own] if own else [])):
                details = {
                    "convention": convention,
                    "town": town,
                    "collectivite": self.inspection.towns.get(town, town),
                }
                self.say("total-recapitulatif", total, computed, [own] if own else [], **details)
        for (_, _, convention, town), own in detail.items():
            listed = (RECAP, SCOPE_TOWN, convention, town) in recap
            if listed or convention is None or town is None or not own.cents or not self.accounts.in_recap(convention):
                continue
            if self.totals_are_placed(*_TOTAL_KEY):
                self.say_unlisted(own, convention, town)

    def say_unlisted(self, own: Published, convention: int, town: str) -> None:
        """A subtotal of the convention that the recap leaves out: said at the subtotal itself."""
        cents = own.cents or 0
        self.inspection.say(
            "total-recapitulatif",
            _TOTALS,
            self.position(own),
            "montant",
            valeur=euros(cents),
            attendu=0,
            exercice=self.accounts.exercice,
            convention=convention,
            collectivite=self.inspection.towns.get(town, town),
            publie="rien",
            calcule=format_euros(cents),
            ecart=format_euros(cents),
        )

    def check_conventions(self, source: str) -> None:
        """A convention's published total against its subtotals of the same source, or its lines where it has none."""
        towns: defaultdict[int | None, list[Published]] = defaultdict(list)
        for (_, _, convention, _), total in self.accounts.every_published(source, SCOPE_TOWN).items():
            towns[convention].append(total)
        for (_, _, convention, _), total in self.accounts.every_published(source, SCOPE_CONVENTION).items():
            if convention is None or not self.totals_are_placed("source", "portee", "convention_id", "exercice"):
                continue
            parts = towns.get(convention, [])
            computed = self.accounts.printed(source, SCOPE_TOWN, convention) if parts else self.accounts.of(convention)
            gap = (total.cents or 0) - computed
            if gap and not self.unread(total, *parts) and (parts or not self.is_excused(gap, convention, None)):
                self.say("total-convention", total, computed, parts, convention=convention)

    def check_all(self, source: str) -> None:
        """The grand total against the totals of the conventions, or its lines where these have none."""
        parts = list(self.accounts.every_published(source, SCOPE_CONVENTION).values())
        for total in self.accounts.every_published(source, SCOPE_ALL).values():
            if not self.totals_are_placed("source", "portee", "exercice"):
                continue
            computed = sum(part.cents or 0 for part in parts) if parts else self.accounts.of()
            gap = (total.cents or 0) - computed
            if gap and not self.unread(total, *parts) and (parts or not self.is_excused(gap, None, None)):
                self.say("total-general", total, computed, parts)

    def check_absent(self) -> None:
        """A convention that has money and that the recap does not list."""
        if not self.totals_are_placed("source", "convention_id", "exercice"):
            return
        numbers = self.inspection.column("conventions", "convention_id")
        for position in np.flatnonzero(numbers.notna()).tolist():
            convention = int(numbers.iloc[position])
            computed = self.accounts.printed(DETAIL, SCOPE_TOWN, convention) or self.accounts.of(convention)
            if computed and not self.accounts.in_recap(convention):
                self.inspection.say(
                    "convention-absente-du-recapitulatif",
                    "conventions",
                    position,
                    "titre",
                    valeur=euros(computed),
                    exercice=self.accounts.exercice,
                    convention=convention,
                    calcule=format_euros(computed),
                )
