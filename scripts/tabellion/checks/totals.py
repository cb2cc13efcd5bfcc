"""What does not add up: lines and published totals, at each level; what is counted or published twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tabellion.checks.inspection import OWN, Inspection
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
    double_counts,
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
    published = inspection.known(_TOTALS, "exercice")
    _check_scopes(inspection)
    _check_twice_published(inspection)
    for exercice in sorted(published | {inspection.settings.exercice}):
        accounts = Accounts(inspection.tables, exercice, inspection.overview)
        if exercice in published:
            _ExerciceChecks(inspection, accounts).check()
        _check_double_counts(inspection, accounts)


def _check_scopes(inspection: Inspection) -> None:
    """A total names what its scope covers, and nothing else; one that does not is compared with nothing."""
    scopes = inspection.column(_TOTALS, "portee")
    wanted = {"convention_id": (SCOPE_TOWN, SCOPE_CONVENTION), "collectivite_id": (SCOPE_TOWN,)}
    for name, covering in wanted.items():
        values = inspection.column(_TOTALS, name)
        pairs = zip(scopes, values, strict=True)
        wrong = (scope is not None and (value is not None) != (scope in covering) for scope, value in pairs)
        titre = inspection.schemas[_TOTALS].by_name[name].title
        for position in inspection.rows(_TOTALS, wrong, "portee", name):
            inspection.say(
                "total-sans-place", _TOTALS, position, name, valeur=OWN, liees=[(_TOTALS, position, "portee")],
                portee=scopes[position], titre=titre, constat="vide" if values[position] is None else "rempli",
            )  # fmt: skip
            inspection.distrust(_TOTALS, position, name)


def _check_twice_published(inspection: Inspection) -> None:
    """Two totals of the same place and scope: only the first counts, so the second must not pass in silence."""
    columns = (inspection.column(_TOTALS, name) for name in ("source", "portee", "exercice"))
    whole = (None not in values for values in zip(*columns, strict=True))
    firsts: dict[tuple[object, ...], int] = {}
    for position in inspection.rows(_TOTALS, whole, *_TOTAL_KEY):
        source, scope, convention, town, exercice = (inspection.value(_TOTALS, position, name) for name in _TOTAL_KEY)
        first = firsts.setdefault((source, scope, convention, town, exercice), position)
        if first != position:
            amounts = [inspection.value(_TOTALS, row, "montant") for row in (first, position)]
            words = ["rien" if cents is None else format_euros(cents) for cents in amounts]
            inspection.say(
                "total-en-double", _TOTALS, position, "montant", valeur=OWN, attendu=euros(amounts[0]),
                liees=[(_TOTALS, first, "montant")], total=_place_words(inspection, source, convention, town),
                exercice=exercice, publie=words[0], autre=words[1],
            )  # fmt: skip


def _check_double_counts(inspection: Inspection, accounts: Accounts) -> None:
    """The lines of one exercice whose money another convention's line already counts."""
    unread = inspection.unread(_LINES, "convention_id", "collectivite_id", "exercice", "libelle", MEASURE)
    for double in double_counts(accounts):
        if double.index in unread or double.kept in unread:
            continue
        inspection.say(
            "compte-deux-fois", _LINES, double.index, MEASURE, valeur=euros(double.cents),
            liees=[(_LINES, double.kept, MEASURE)], libelle=double.libelle, calcule=format_euros(double.cents),
            collectivite=inspection.towns.get(double.town, double.town), autre=double.kept_convention,
        )  # fmt: skip


def _place_words(inspection: Inspection, source: str | None, convention: int | None, town: str | None) -> str:
    """What a total covers, in words: ``récapitulatif, convention 2, Villeneuve``."""
    parts = [RECAP] if source == RECAP else []
    parts += [f"convention {convention}"] if convention is not None else []
    parts += [inspection.towns.get(town, town)] if town is not None else []
    return ", ".join(parts or ["ensemble"])


@dataclass
class _ExerciceChecks:
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
        names = ("convention_id", "collectivite_id", "exercice", MEASURE)
        for position in inspection.unread(_LINES, *names):
            unread = {name for name in names if position in inspection.unread(_LINES, name)}
            convention, town, exercice, cents = (
                None if name in unread else inspection.value(_LINES, position, name) for name in names
            )
            if exercice in (None, self.accounts.exercice):
                doubtful.append((convention, town, None if MEASURE in unread else cents or 0))
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

    def unread(self, *totals: Published) -> bool:
        """Whether the amount of one of the totals could not be read."""
        return not self.inspection.unread(_TOTALS, "montant").isdisjoint(total.index for total in totals)

    def town(self, town: str) -> str:
        return self.inspection.towns.get(town, town)

    def subtotals(self, source: str) -> Iterator[tuple[int, str, Published]]:
        """The published totals of a source of one collectivité in one convention."""
        for (_, _, convention, town), total in self.accounts.every_published(source, SCOPE_TOWN).items():
            if convention is not None and town is not None:
                yield convention, town, total

    def say(
        self, code: str, total: Published, computed: int, linked: list[Published], *,
        convention: int | None = None, town: str | None = None,
    ) -> None:  # fmt: skip
        """Say that ``total`` is not ``computed`` (cents): a notice up to the settings' rounding, an error beyond."""
        printed = total.cents or 0
        is_rounding = abs(computed - printed) <= self.rounding
        self.inspection.say(
            code, _TOTALS, total.index, "montant", valeur=euros(total.cents), attendu=euros(computed),
            gravite=Severity.INFORMATION if is_rounding else None,
            liees=[(_TOTALS, other.index, "montant") for other in linked],
            convention=convention, collectivite=None if town is None else self.town(town),
            exercice=self.accounts.exercice, calcule=format_euros(computed),
            ecart=format_euros(abs(computed - printed)),
            publie="vide" if total.cents is None else format_euros(printed),
        )  # fmt: skip
        if not is_rounding and convention is not None and town is not None:
            self.name_line(computed - printed, convention, town, total)

    def name_line(self, gap: int, convention: int, town: str, total: Published) -> None:
        """Name the line that a collectivité's total misses, when one line, and only one, has the amount of the gap."""
        lines = self.lines_by_pair.get((convention, town), []) if gap > 0 else []
        alone = [position for position in lines if self.inspection.value(_LINES, position, MEASURE) == gap]
        if len(alone) != 1 or alone[0] in self.named:
            return
        self.named.add(alone[0])
        source = self.inspection.value(_TOTALS, total.index, "source")
        self.inspection.say(
            "ligne-hors-total", _LINES, alone[0], MEASURE, valeur=euros(gap),
            liees=[(_TOTALS, total.index, "montant")], calcule=format_euros(gap),
            libelle=self.inspection.value(_LINES, alone[0], "libelle") or "",
            total=_place_words(self.inspection, source, convention, town),
        )  # fmt: skip

    def check_lines(self) -> None:
        """The lines of a collectivité against its subtotal: the convention's, or else the recap's."""
        source, exercice = DETAIL if self.has_detail else RECAP, self.accounts.exercice
        for convention, town, total in self.subtotals(source):
            printed, computed = total.cents or 0, self.accounts.of(convention, town)
            if self.unread(total) or self.is_excused(printed - computed, convention, town):
                continue
            if self.accounts.counts.get((convention, town)):
                if computed != printed:
                    self.say("total-collectivite", total, computed, [], convention=convention, town=town)
            elif printed:
                self.inspection.say(
                    "sous-total-sans-detail", _TOTALS, total.index, "montant", valeur=OWN, exercice=exercice,
                    publie=format_euros(printed), convention=convention, collectivite=self.town(town),
                )  # fmt: skip
        subtotals = self.accounts.every_published(source, SCOPE_TOWN)
        if not subtotals or not self.totals_are_placed(*_TOTAL_KEY):
            return
        for convention, town in self.accounts.counts:
            computed = self.accounts.of(convention, town)
            # What refers to nothing has its own finding.
            is_known = town in self.inspection.towns and convention in self.accounts.conventions
            if computed and is_known and (source, SCOPE_TOWN, convention, town) not in subtotals:
                self.inspection.say(
                    "detail-sans-sous-total", _LINES, self.lines_by_pair[convention, town][0], MEASURE,
                    valeur=euros(computed), collectivite=self.town(town), convention=convention, exercice=exercice,
                    calcule=format_euros(computed),
                )  # fmt: skip

    def check_recap_towns(self) -> None:
        """The recap repeats each convention's subtotals."""
        are_placed = self.totals_are_placed(*_TOTAL_KEY)
        for convention, town, total in self.subtotals(RECAP):
            own = self.accounts.published(DETAIL, SCOPE_TOWN, convention, town)
            if own is None and not are_placed:
                continue
            linked = [own] if own is not None else []
            computed = sum(detail.cents or 0 for detail in linked)
            if computed != (total.cents or 0) and not self.unread(total, *linked):
                self.say("total-recapitulatif", total, computed, linked, convention=convention, town=town)
        for convention, town, own in self.subtotals(DETAIL):
            is_listed = self.accounts.published(RECAP, SCOPE_TOWN, convention, town) is not None
            if are_placed and not is_listed and own.cents and self.accounts.in_recap(convention):
                # A subtotal of the convention that the recap leaves out: said at the subtotal itself.
                self.inspection.say(
                    "total-recapitulatif", _TOTALS, own.index, "montant", valeur=OWN, attendu=0,
                    exercice=self.accounts.exercice, convention=convention, collectivite=self.town(town),
                    publie="rien", calcule=format_euros(own.cents), ecart=format_euros(own.cents),
                )  # fmt: skip

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
        for position, convention in enumerate(self.inspection.tables["conventions"].column("convention_id")):
            if convention is None:
                continue
            computed = self.accounts.printed(DETAIL, SCOPE_TOWN, convention) or self.accounts.of(convention)
            if computed and not self.accounts.in_recap(convention):
                self.inspection.say(
                    "convention-absente-du-recapitulatif", "conventions", position, "titre", valeur=euros(computed),
                    exercice=self.accounts.exercice, convention=convention, calcule=format_euros(computed),
                )  # fmt: skip
