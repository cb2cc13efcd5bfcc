"""What does not add up: lines and published totals, at each level; money counted twice, or not at all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tabellion.accounts import (
    DETAIL,
    MEASURE,
    RECAP,
    SCOPE_ALL,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Accounts,
    Published,
    double_counts,
)
from tabellion.checks.inspection import Inspection, euros
from tabellion.findings import Severity
from tabellion.schema.amounts import format_euros

_LINES, _TOTALS = "lignes_budgetaires", "totaux_publies"
_TOTAL_KEY = ("source", "portee", "convention_id", "collectivite_id", "exercice")
_NEEDED = {
    _LINES: ("convention_id", "collectivite_id", "libelle", "exercice", MEASURE),
    _TOTALS: (*_TOTAL_KEY, "montant"),
    "conventions": ("convention_id", "titre"),
    "collectivites": ("collectivite_id", "nom"),
}

Pair = tuple[int, str]


def check_totals(inspection: Inspection) -> None:
    """Check every exercice that has published totals, and what is counted twice in the settings' exercice and in these."""
    if not all(inspection.has(table, *fields) for table, fields in _NEEDED.items()):
        return
    published = {int(each) for each in inspection.column(_TOTALS, "exercice").dropna().unique()}
    _check_twice_published(inspection)
    for exercice in sorted(published | {inspection.settings.exercice}):
        accounts = Accounts(inspection.tables, exercice)
        if exercice in published:
            _Exercice(inspection, accounts).check()
        _check_doubles(inspection, accounts)


def _check_twice_published(inspection: Inspection) -> None:
    """Two totals of the same place and scope: only the first counts, so the second must not pass in silence."""
    frame = inspection.tables[_TOTALS]
    key = list(_TOTAL_KEY)
    whole = frame[["source", "portee", "exercice"]].notna().all(axis=1)
    firsts: dict[tuple[Any, ...], int] = {}
    for position in inspection.rows(_TOTALS, whole & frame.duplicated(key, keep=False), *key).tolist():
        values = tuple(inspection.value(_TOTALS, position, name) for name in key)
        first = firsts.setdefault(values, position)
        if first != position:
            shown = [inspection.value(_TOTALS, each, "montant") for each in (first, position)]
            words = ["rien" if cents is None else format_euros(cents) for cents in shown]
            inspection.say(
                "total-en-double",
                _TOTALS,
                position,
                "montant",
                valeur=None if shown[1] is None else euros(shown[1]),
                attendu=None if shown[0] is None else euros(shown[0]),
                liees=[(_TOTALS, first, "montant")],
                total=_place_words(inspection, values[0], values[2], values[3]),
                exercice=values[4],
                publie=words[0],
                autre=words[1],
            )


def _place_words(inspection: Inspection, source: str, convention: int | None, town: str | None) -> str:
    parts = [source if source == RECAP else "", f"convention {convention}" if convention is not None else ""]
    parts.append(_towns(inspection).get(town, town) if town is not None else "")
    return ", ".join(part for part in parts if part)


def _towns(inspection: Inspection) -> dict[str, str]:
    every = range(len(inspection.tables["collectivites"]))
    identifiers = inspection.texts("collectivites", "collectivite_id", every)
    names = inspection.texts("collectivites", "nom", every)
    return {key: name or key for key, name in zip(identifiers, names, strict=True)}


def _check_doubles(inspection: Inspection, accounts: Accounts) -> None:
    unread = inspection.unread(_LINES, "convention_id", "collectivite_id", "libelle", "exercice", MEASURE)
    names = _towns(inspection)
    for double in double_counts(accounts):
        position, kept = inspection.position(_LINES, double.index), inspection.position(_LINES, double.kept)
        if position in unread or kept in unread:
            continue
        inspection.say(
            "compte-deux-fois",
            _LINES,
            position,
            MEASURE,
            valeur=euros(double.cents),
            liees=[(_LINES, kept, MEASURE)],
            libelle=double.libelle,
            calcule=format_euros(double.cents),
            collectivite=names.get(double.town, double.town),
            autre=double.kept_convention,
        )


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
    def names(self) -> dict[str, str]:
        """The names of the collectivités by their identifier."""
        return _towns(self.inspection)

    @cached_property
    def unread_totals(self) -> set[int]:
        """Positions of the published totals whose amount could not be read."""
        return self.inspection.unread(_TOTALS, "montant")

    @cached_property
    def totals_are_placed(self) -> bool:
        """Whether every published total could be placed: if not, none can be said to be missing."""
        return not self.inspection.unread(_TOTALS, *_TOTAL_KEY)

    @cached_property
    def lines_by_pair(self) -> dict[Pair, list[int]]:
        """The positions of the lines of each convention × collectivité, in the register's order."""
        lines = self.accounts.lines[["convention_id", "collectivite_id"]].dropna()
        found: defaultdict[Pair, list[int]] = defaultdict(list)
        positions = self.inspection.tables[_LINES].index.get_indexer(lines.index).tolist()
        for position, convention, town in zip(positions, *(lines[name].tolist() for name in lines), strict=True):
            found[int(convention), town].append(position)
        return found

    @cached_property
    def doubtful(self) -> set[tuple[int | None, str | None]]:
        """Convention × collectivité whose sum misses a line that could not be read or placed; ``None`` stands for any."""
        inspection = self.inspection
        found: set[tuple[int | None, str | None]] = set()
        for position in inspection.unread(_LINES, "convention_id", "collectivite_id", "exercice", MEASURE):
            exercice = inspection.value(_LINES, position, "exercice")
            if exercice in (None, self.accounts.exercice) or position in inspection.unread(_LINES, "exercice"):
                unread = [position in inspection.unread(_LINES, name) for name in ("convention_id", "collectivite_id")]
                convention = None if unread[0] else inspection.value(_LINES, position, "convention_id")
                found.add((convention, None if unread[1] else inspection.value(_LINES, position, "collectivite_id")))
        return found

    def is_doubtful(self, convention: int | None, town: str | None) -> bool:
        """Whether a sum of lines may miss something unreadable; ``None`` asks for all conventions or collectivités."""
        return any(
            (convention is None or other is None or convention == other) and (town is None or place is None or town == place)
            for other, place in self.doubtful
        )

    def position(self, total: Published) -> int:
        return self.inspection.position(_TOTALS, total.index)

    def unread(self, *totals: Published) -> bool:
        return any(self.position(total) in self.unread_totals for total in totals)

    def say(self, code: str, total: Published, computed: int, linked: list[Published], **details: Any) -> None:
        """Say that ``total`` is not ``computed`` (cents): a notice up to the settings' rounding, an error beyond."""
        printed = total.cents or 0
        rounding = abs(computed - printed) <= self.inspection.settings.arrondi_euros * 100
        self.inspection.say(
            code,
            _TOTALS,
            self.position(total),
            "montant",
            valeur=None if total.cents is None else euros(total.cents),
            attendu=euros(computed),
            gravite=Severity.INFORMATION if rounding else None,
            liees=[(_TOTALS, self.position(each), "montant") for each in linked],
            exercice=self.accounts.exercice,
            calcule=format_euros(computed),
            publie=format_euros(printed) if total.cents is not None else "vide",
            ecart=format_euros(abs(computed - printed)),
            **details,
        )
        if not rounding:
            self.name_line(computed - printed, details, total)

    def name_line(self, gap: int, details: dict[str, Any], total: Published) -> None:
        """Name the line that a total of one collectivité misses, when one line alone, of all, has the amount of the gap."""
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
            total=_place_words(self.inspection, key, *pair),
        )

    def check_lines(self) -> None:
        """The lines of a collectivité against its subtotal: the convention's own, or the recap's where there is no other."""
        source = DETAIL if self.has_detail else RECAP
        subtotals = self.accounts.every_published(source, SCOPE_TOWN)
        for (_, _, convention, town), total in subtotals.items():
            if convention is None or town is None or self.unread(total):
                continue
            details = {"convention": convention, "town": town, "collectivite": self.names.get(town, town)}
            computed = self.accounts.of(convention, town)
            if self.is_doubtful(convention, town):
                continue
            if not self.accounts.counts.get((convention, town)):
                if total.cents:
                    self.say_bare(total, details)
            elif computed != (total.cents or 0):
                self.say("total-collectivite", total, computed, [], **details)
        if not subtotals or not self.totals_are_placed:
            return
        for (convention, town), lines in self.lines_by_pair.items():
            computed = self.accounts.of(convention, town)
            if computed and (source, SCOPE_TOWN, convention, town) not in subtotals and self.is_known(convention, town):
                self.inspection.say(
                    "detail-sans-sous-total",
                    _LINES,
                    lines[0],
                    MEASURE,
                    valeur=euros(computed),
                    collectivite=self.names.get(town, town),
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
        return town in self.names and convention in self.accounts.conventions

    def check_recap_towns(self) -> None:
        """The recap repeats each convention's subtotals."""
        recap = self.accounts.every_published(RECAP, SCOPE_TOWN)
        detail = self.accounts.every_published(DETAIL, SCOPE_TOWN)
        for (_, _, convention, town), total in recap.items():
            if convention is None or town is None:
                continue
            own = detail.get((DETAIL, SCOPE_TOWN, convention, town))
            if own is None and not self.totals_are_placed:
                continue
            computed = (own.cents or 0) if own is not None else 0
            if computed != (total.cents or 0) and not self.unread(total, *([own] if own else [])):
                details = {"convention": convention, "town": town, "collectivite": self.names.get(town, town)}
                self.say("total-recapitulatif", total, computed, [own] if own else [], **details)
        for (_, _, convention, town), own in detail.items():
            listed = (RECAP, SCOPE_TOWN, convention, town) in recap
            if listed or convention is None or town is None or not own.cents or not self.accounts.in_recap(convention):
                continue
            if self.totals_are_placed:
                self.say_unlisted(own, convention, town)

    def say_unlisted(self, own: Published, convention: int, town: str) -> None:
        """A subtotal of the convention that the recap leaves out: said at the subtotal, the recap having no cell for it."""
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
            collectivite=self.names.get(town, town),
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
            if convention is None or not self.totals_are_placed:
                continue
            parts = towns.get(convention, [])
            if not parts and self.is_doubtful(convention, None):
                continue
            computed = self.accounts.printed_towns(source, convention) if parts else self.accounts.of(convention)
            if computed != (total.cents or 0) and not self.unread(total, *parts):
                self.say("total-convention", total, computed, parts, convention=convention)

    def check_all(self, source: str) -> None:
        """The grand total against the totals of the conventions, or its lines where these have none."""
        parts = list(self.accounts.every_published(source, SCOPE_CONVENTION).values())
        for total in self.accounts.every_published(source, SCOPE_ALL).values():
            if not self.totals_are_placed or (not parts and self.is_doubtful(None, None)):
                continue
            computed = sum(each.cents or 0 for each in parts) if parts else self.accounts.of()
            if computed != (total.cents or 0) and not self.unread(total, *parts):
                self.say("total-general", total, computed, parts)

    def check_absent(self) -> None:
        """A convention that has money and that the recap does not list."""
        if not self.totals_are_placed:
            return
        numbers = self.inspection.column("conventions", "convention_id")
        for position in np.flatnonzero(numbers.notna()).tolist():
            convention = int(numbers.iloc[position])
            computed = self.accounts.printed_towns(DETAIL, convention) or self.accounts.of(convention)
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
