"""The settings that staff change in Excel: what the tables ``reglages`` and ``exercices`` say over ``tabellion.toml``.

A value that cannot be used is said at its cell and costs that cell: the one before it stays. Nothing here blocks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, cast

from tabellion.contract.book import UNREAD_ROW, Book, CellPosition, Locate
from tabellion.contract.workspace import LICENCES, Settings, is_mail_address
from tabellion.findings import Finding, Place, finding
from tabellion.schema import FALSE_WORD, SETTING_TABLES, TRUE_WORD, Field
from tabellion.schema.cast import cast_column
from tabellion.schema.csv_text import is_as_written, parse_csv_text
from tabellion.schema.tables import Row, Tables, table_of
from tabellion.wording import fold, nearest

#: A setting's value: a text, a number, yes or no, mail addresses, ranks and their years.
SettingValue = str | int | bool | tuple[str, ...] | Mapping[int, int]

_REGLAGES, _EXERCICES = SETTING_TABLES
_BETWEEN = re.compile(r"[\s;,]+")
_LINK = re.compile(r"https://\S+")
_RANK = re.compile(r"(\d)\s*[=:(]\s*(2\d{3})\s*\)?")
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@dataclass(frozen=True)
class StaffSetting:
    """One setting of the sheet « Réglages ». Its ``identifier`` is the name that :class:`Settings` gives it.

    ``field`` says what a cell may hold. ``is_list`` takes several mail addresses, ``is_return`` one or a link,
    ``is_ranks`` ranks with their years; ``of_mail`` says that the value stands in ``Settings.courriel``, where the
    contract has it. ``begins`` opens a group of settings in the sheet.
    """

    identifier: str
    field: Field
    is_list: bool = False
    is_return: bool = False
    is_ranks: bool = False
    of_mail: bool = False
    begins: bool = False

    @property
    def expected(self) -> str:
        """What a value must be, in French."""
        if self.is_list:
            return "des adresses de courriel, séparées par « ; »"
        if self.is_return:
            return "une adresse de courriel, ou un lien qui commence par https://"
        if self.is_ranks:
            return "des rangs et leurs années, comme « 1 = 2016 ; 2 = 2017 »"
        return self.field.expected

    def value(self, settings: Settings) -> SettingValue:
        """What some settings say of it."""
        if not self.of_mail:
            value: SettingValue = getattr(settings, self.identifier)
        elif settings.courriel is not None:
            value = getattr(settings.courriel, self.identifier)
        else:
            value = () if self.is_list else False
        return value

    def fits(self, value: Any) -> bool:
        """Whether a value that was read is one that the setting may take."""
        if self.is_list:
            return all(map(is_mail_address, value))
        if self.field.email:
            return value == "" or is_mail_address(value)
        if self.is_return:
            return value == "" or is_mail_address(value) or _LINK.fullmatch(value) is not None
        if self.is_ranks:
            return all(_FIRST_YEAR <= year <= _LAST_YEAR for year in value.values())
        if self.field.kind == "integer":
            low, high = self.field.minimum, self.field.maximum
            return (low is None or value >= low) and (high is None or value <= high)
        if self.field.enum:
            return value in self.field.enum
        return not self.field.required or value != ""


def _setting(
    identifier: str, title: str, explanation: str, kind: str = "", *, begins: bool = False, required: bool = False,
    enum: tuple[str, ...] = (),
) -> StaffSetting:  # fmt: skip
    bounds: dict[str, Any] = {"year": {"minimum": _FIRST_YEAR, "maximum": _LAST_YEAR}, "count": {"minimum": 0}}
    kinds: dict[str, Any] = {"year": "integer", "count": "integer", "yes": "boolean"}
    declared = Field(
        identifier, kinds.get(kind, "string"), title, explanation, required=required, email=kind == "address",
        enum=enum, **bounds.get(kind, {}),
    )  # fmt: skip
    return StaffSetting(
        identifier, declared, is_list=kind == "addresses", is_return=kind == "return", is_ranks=kind == "ranks",
        of_mail=identifier in ("equipe", "partenaires"), begins=begins,
    )  # fmt: skip


#: The settings in the order of the sheet, with the words that people read.
STAFF_SETTINGS: tuple[StaffSetting, ...] = (
    _setting("titre", "Titre du contrat", "Le nom qui figure sur les feuilles, les formulaires et le document.",
             begins=True, required=True),
    _setting("source", "Source", "Le document d'où vient le contrat : sa partie, sa date."),
    _setting("debut", "Première année", "L'année où le contrat commence.", "year"),
    _setting("fin", "Dernière année", "L'année où le contrat finit.", "year"),
    _setting("priorites", "Années des priorités",
             "L'année que veut dire chaque rang de priorité : 1 = 2016 ; 2 = 2017. Vide, les rangs n'en disent aucune.",
             "ranks"),
    _setting("exercice_courant", "Exercice courant",
             "Celui que les formulaires demandent, et dont parlent le suivi et les relances.", "year", begins=True),
    _setting("exercice", "Exercice montré à l'ouverture",
             "Celui que montrent les totaux du classeur et le document publié.", "year"),
    _setting("adresse_retour", "Adresse de retour",
             "Où les partenaires renvoient leur formulaire ; montrée sur le formulaire.", "return"),
    _setting("demandes", "Demandes depuis Excel", "oui : ce qui est demandé dans un classeur est exécuté.", "yes"),
    _setting("contact_nom", "Contact : nom", "La personne ou le service que les partenaires peuvent joindre.",
             begins=True),
    _setting("contact_courriel", "Contact : courriel", "Montré sur les formulaires et dans les relances.", "address"),
    _setting("contact_telephone", "Contact : téléphone", "Montré sur les formulaires et dans les relances."),
    _setting("equipe", "Équipe prévenue par courriel",
             "Les adresses que chaque retour à corriger prévient, séparées par « ; ».", "addresses", begins=True),
    _setting("partenaires", "Partenaires prévenus par courriel",
             "oui : le partenaire dont le retour est à corriger est prévenu aussi.", "yes"),
    _setting("arrondi_euros", "Tolérance d'arrondi (€)",
             "Jusqu'à cet écart, un total qui ne tombe pas juste n'est qu'un arrondi.", "count", begins=True),
    _setting("producteur", "Données ouvertes : producteur",
             "Qui publie les données ouvertes ; le contact, si la cellule est vide.", begins=True),
    _setting("licence", "Données ouvertes : licence",
             "L'une des deux que la loi permet à une administration ; Licence Ouverte (etalab-2.0) en général.",
             enum=tuple(LICENCES)),
)  # fmt: skip
_BY_IDENTIFIER = {setting.identifier: setting for setting in STAFF_SETTINGS}
_BY_TITLE = {fold(setting.field.title): setting for setting in STAFF_SETTINGS}


def settings_of(tables: Tables, settings: Settings) -> Settings:
    """What the tables say over ``settings``; without the tables, ``settings`` themselves."""
    if _REGLAGES not in tables:
        return settings
    return _SettingsReader(tables, settings, lambda *_: Place(), frozenset()).settings


def settle(book: Book) -> Book:
    """The book with the settings that its tables say, and these tables whole: a row per setting and per exercice.

    What the tables lack, and what is wrong in them, is that of ``book.settings``.
    """
    if _REGLAGES not in book.tables:
        return book
    reading = _SettingsReader(book.tables, book.settings, book.locate, book.unknown)
    made = {_REGLAGES: reading.setting_rows(), _EXERCICES: reading.year_rows()}
    read: Mapping[str, Mapping[Any, int]] = {_REGLAGES: reading.positions, _EXERCICES: reading.years}
    tables, rows = dict(book.tables), dict(book.rows)
    for name, value in made.items():
        key = book.schemas[name].primary_key[0]
        tables[name] = table_of(book.schemas[name], value)
        if name in book.rows:
            positions = read[name]
            rows[name] = [
                book.rows[name][positions[row[key]]] if row[key] in positions else UNREAD_ROW for row in value
            ]
    return replace(
        book,
        settings=reading.settings,
        tables=tables,
        rows=rows,
        findings=(*book.findings, *reading.findings),
        unknown=frozenset(cell for cell in book.unknown if cell[0] not in SETTING_TABLES),
    )


@dataclass
class _SettingsReader:
    """Reads the two tables over ``before``: the position of each setting and exercice, the values, what is wrong."""

    tables: Tables
    before: Settings
    locate: Locate
    unknown: frozenset[CellPosition]
    findings: list[Finding] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    years: dict[int, int] = field(default_factory=dict)
    values: dict[str, SettingValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = self.tables[_REGLAGES].rows
        for position, row in enumerate(rows):
            self._place(position, row)
        for setting in STAFF_SETTINGS:
            at, last = self.positions.get(setting.identifier), setting.value(self.before)
            readable = at is not None and (_REGLAGES, at, "valeur") not in self.unknown
            self.values[setting.identifier] = (
                self._typed(setting, at, rows[at]) if at is not None and readable else last
            )
        self._check_years()
        changes: dict[bool, dict[str, Any]] = {True: {}, False: {}}
        for name, value in self.values.items():
            changes[_BY_IDENTIFIER[name].of_mail][name] = value
        mail = self.before.courriel
        if mail is not None:
            mail = replace(mail, **changes[True])
        self.settings = replace(self.before, **changes[False], dates_limites=self._due_days(), courriel=mail)

    def _place(self, position: int, row: Row) -> None:
        """Find which setting a row is: by its identifier, else by the name that people read."""
        words = row["reglage"] or row["reglage_id"]
        setting = _BY_IDENTIFIER.get(row["reglage_id"] or "") or _BY_TITLE.get(fold(row["reglage"] or ""))
        if setting is None:
            if words or row["valeur"] is not None:
                near = nearest(words or "", [setting.field.title for setting in STAFF_SETTINGS])
                proche = f" ; vouliez-vous dire « {near} » ?" if near else ""
                self._say("reglage-non-reconnu", _REGLAGES, position, "reglage", valeur=words or "", proche=proche)
        elif setting.identifier in self.positions:
            self._say("reglage-en-double", _REGLAGES, position, "reglage", valeur=setting.field.title)
        else:
            self.positions[setting.identifier] = position

    def _typed(self, setting: StaffSetting, position: int, row: Row) -> SettingValue:
        """The value of a setting's cell; where it is no value, the one before, and that is said."""
        last, text = setting.value(self.before), (row["valeur"] or "").strip()
        value: Any = text
        if setting.is_list:
            value = tuple(dict.fromkeys(filter(None, _BETWEEN.split(text))))
        elif setting.is_ranks:
            value = _rank_years(text)
        elif setting.field.enum:
            value = next((choice for choice in setting.field.enum if fold(choice) == fold(text)), text)
        elif setting.field.kind != "string":
            plain = parse_csv_text(setting.field, text) if is_as_written(setting.field, text) else text
            read = cast_column(setting.field, [plain], tolerant=True)
            value = read.values[0]
            for notice in read.notices:
                self._say(
                    "valeur-comprise", _REGLAGES, position, "valeur", valeur=text, attendu=notice.shown(text),
                    suggestion=notice.suggestion,
                )  # fmt: skip
        if value is not None and setting.fits(value):
            return cast(SettingValue, value)
        self._refuse(setting, position, text)
        return last

    def _check_years(self) -> None:
        """The end of the period and the current exercice are in it: where they are not, the years before them stay."""
        if self._year("fin") < self._year("debut"):
            self._refuse_year("fin", f"une année à partir de {self._year('debut')}")
            if self._year("fin") < self._year("debut"):  # it is the beginning that went too far
                self.values["debut"] = self.before.debut
        first, current, last = (self._year(name) for name in ("debut", "exercice_courant", "fin"))
        if current != self.before.exercice_courant and not first <= current <= last:
            self._refuse_year("exercice_courant", f"une année de {first} à {last}")

    def _year(self, identifier: str) -> int:
        return cast(int, self.values[identifier])

    def _refuse_year(self, identifier: str, expected: str) -> None:
        setting, at = _BY_IDENTIFIER[identifier], self.positions.get(identifier)
        if at is not None:
            self._refuse(setting, at, str(self.values[identifier]), expected)
        self.values[identifier] = setting.value(self.before)

    def _due_days(self) -> dict[int, date]:
        """The last day of each campaign; where the table has no row, the days before."""
        rows, days = self.tables[_EXERCICES].rows, dict[int, date]()
        for position, row in enumerate(rows):
            year, day = row["exercice"], row["date_limite"]
            if year is None:
                if day is not None and (_EXERCICES, position, "exercice") not in self.unknown:
                    self._refuse_exercice(position, "rien")
            elif not _FIRST_YEAR <= year <= _LAST_YEAR:
                self._refuse_exercice(position, f"« {year} »")
            elif year in self.years:
                self._say("reglage-en-double", _EXERCICES, position, "exercice", valeur=f"Exercice {year}")
            else:
                self.years[year] = position
                if (_EXERCICES, position, "date_limite") in self.unknown:
                    day = self.before.dates_limites.get(year)
                if day is not None:
                    days[year] = day
        return days if rows else dict(self.before.dates_limites)

    def _refuse_exercice(self, position: int, text: str) -> None:
        expected = f"une année de {_FIRST_YEAR} à {_LAST_YEAR}"
        kept = "Cette date limite n'est pas prise en compte."
        self._say(
            "reglage-mal-rempli", _EXERCICES, position, "exercice", attendu=expected, titre="Exercice", trouve=text,
            garde=kept,
        )  # fmt: skip

    def _refuse(self, setting: StaffSetting, position: int, text: str, expected: str = "") -> None:
        last = setting_text(setting.value(self.before))
        self._say(
            "reglage-mal-rempli", _REGLAGES, position, "valeur", valeur=text, attendu=expected or setting.expected,
            titre=setting.field.title, trouve=f"« {text} »" if text else "rien",
            garde="Il reste vide." if last is None else f"« {last} » reste en vigueur.",
        )  # fmt: skip

    def _say(self, code: str, table: str, position: int, champ: str, **words: Any) -> None:
        self.findings.append(finding(code, self.locate(table, position, champ), champ=champ, **words))

    def setting_rows(self) -> list[dict[str, object]]:
        """A row for each setting, in the order of the sheet."""
        return [
            {
                "reglage": setting.field.title,
                "valeur": setting_text(self.values[setting.identifier]),
                "explication": setting.field.description,
                "reglage_id": setting.identifier,
            }
            for setting in STAFF_SETTINGS
        ]

    def year_rows(self) -> list[dict[str, object]]:
        """A row for each exercice of the contract, and for any other that has its last day."""
        days = self.settings.dates_limites
        years = sorted({*range(self.settings.debut, self.settings.fin + 1), *days})
        return [{"exercice": year, "date_limite": days.get(year)} for year in years]


def _rank_years(text: str) -> dict[int, int] | None:
    """The ranks of a text and their years (``1 = 2016 ; 2 = 2017``); ``None`` for another text."""
    if _BETWEEN.sub("", _RANK.sub("", text)):
        return None
    return {int(rank): int(year) for rank, year in _RANK.findall(text)}


def setting_text(value: SettingValue) -> str | None:
    """A value as the table holds it; ``None`` where it is empty."""
    if isinstance(value, Mapping):
        return " ; ".join(f"{rank} = {year}" for rank, year in value.items()) or None
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, tuple):
        return " ; ".join(value) or None
    return str(value) or None
