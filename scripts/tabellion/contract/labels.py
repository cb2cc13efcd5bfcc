"""Rows, fields and values in the words of people: the wording of a line, the number and the aim of a fiche, a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tabellion.contract.book import Book
from tabellion.layout.names import shorten
from tabellion.schema import Field, Key
from tabellion.schema.shown import shown_value
from tabellion.schema.tables import Row
from tabellion.wording import of

#: Fields that name a row for a person, where its schema does not say which one does.
_NAME_FIELDS = ("libelle", "nom", "titre", "objectif")
_LONGEST = 120


class Labels:
    """What people read in place of the tables, keys, fields and values of a contract. A row's words tell it apart from
    all others of its table. Each table is indexed at its first use.
    """

    def __init__(self, contract: Book) -> None:
        self.contract = contract
        self._labels: dict[str, Mapping[object, str]] = {}
        self._words: dict[tuple[str, Key], str] = {}

    def table(self, table: str) -> str:
        """A table's title."""
        schema = self.contract.schemas.get(table)
        return schema.title if schema is not None else table

    def field(self, table: str, name: str) -> Field | None:
        """A field, ``None`` when the schema has it no more."""
        schema = self.contract.schemas.get(table)
        return schema.by_name.get(name) if schema is not None else None

    def title(self, table: str, name: str) -> str:
        """A field's title, as the columns say it."""
        field = self.field(table, name)
        return field.title if field is not None else name

    def key_words(self, table: str, name: str) -> Mapping[object, str]:
        """What a field shows in place of the keys of another table."""
        schema = self.contract.schemas.get(table)
        foreign = schema.foreign.get(name) if schema is not None else None
        return self._labels_of(foreign.table) if foreign is not None else {}

    def partner(self, partenaire: str | None) -> str:
        """A partner's name; its identifier when the contract has it no more."""
        return self._labels_of("partenaires").get(partenaire, partenaire or "")

    def value(self, table: str, name: str, value: object, *, quoted: bool = False) -> str:
        """A value as people read it: euros, days, oui and non, the name behind a key; texts in « » where ``quoted``."""
        label = self.key_words(table, name).get(value) if value is not None else None
        return shown_value(self.field(table, name), value if label is None else label, quoted=quoted)

    def word(self, table: str, name: str, value: object) -> str:
        """A key's value in one word: the name behind it where there is one; empty for a blank."""
        return "" if value is None else str(self.key_words(table, name).get(value, value))

    def row(self, table: str, key: Key) -> str:
        """A row in words; its key when the table holds it no more."""
        words = self._words.get((table, key))
        if words is None:
            words = self._words[table, key] = self._row(table, key)
        return words

    def _labels_of(self, table: str) -> Mapping[object, str]:
        label = self._labels.get(table)
        if label is None:
            label = self._labels[table] = self.contract.labels(table)
        return label

    def _row(self, table: str, key: Key) -> str:
        schema = self.contract.schemas.get(table)
        rows = self.contract.tables[table] if schema is not None else None
        position = None if rows is None else rows.positions.get(key)
        row = None if rows is None or position is None else rows.row(position)
        names = schema.primary_key if schema is not None else ("",) * len(key)
        shown_key = " · ".join(self.word(table, name, value) for name, value in zip(names, key, strict=False))
        if row is None:
            return shown_key
        writer = _WRITERS.get(table)
        if writer is not None:
            return writer(self, row)
        name_field = (
            next((name for name in (schema.label, *_NAME_FIELDS) if name in row), None) if schema is not None else None
        )
        words = _short(row[name_field]) if name_field is not None else ""
        return f"{words} ({shown_key})" if words and words != shown_key else shown_key


def _line(labels: Labels, row: Row) -> str:
    convention = None if row["convention_id"] is None else f"convention {row['convention_id']}"
    town = labels.word("lignes_budgetaires", "collectivite_id", row["collectivite_id"])
    where = _listed(town, convention, f"ligne {row['ligne_id']} de {row['exercice']}")
    return f"{_short(row['libelle'])} ({where})".strip()


def _fiche(_: Labels, row: Row) -> str:
    aim = _short(row["objectif"])
    return f"Fiche {row['fiche_id']} : {aim}" if aim else f"Fiche {row['fiche_id']}"


def _followed(labels: Labels, row: Row) -> str:
    year, partner = row["exercice"], labels.partner(row["partenaire_id"])
    words = ("bilan", f"de {year}" if year is not None else "", of(partner) if partner else "")
    return _of_fiche(row, " ".join(filter(None, words)))


def _funding(labels: Labels, row: Row) -> str:
    funder = labels.word("financements", "financeur_id", row["financeur_id"])
    words = f"financement {of(funder)}" if funder else "financement sans financeur"
    words += "" if row.get("exercice") is None else f" en {row['exercice']}"
    return f"{_of_fiche(row, words)} ({row['financement_id']})"


def _charge(_: Labels, row: Row) -> str:
    return f"{_of_fiche(row, _plan(row), row['poste'])} ({row['charge_id']})"


def _produit(labels: Labels, row: Row) -> str:
    funder = labels.word("plan_produits", "financeur_id", row["financeur_id"])
    return f"{_of_fiche(row, _plan(row), row['compte'], funder)} ({row['produit_id']})"


def _takes_part(labels: Labels, row: Row) -> str:
    return _of_fiche(row, labels.partner(row["partenaire_id"]), row["role"])


def _plan(row: Row) -> str:
    return "plan de financement" if row["exercice"] is None else f"plan de {row['exercice']}"


def _of_fiche(row: Row, *words: str | None) -> str:
    """The fiche of a row, where it names one, then these words."""
    return _listed(None if row["fiche_id"] is None else f"Fiche {row['fiche_id']}", *words)


def _listed(*words: str | None) -> str:
    return ", ".join(filter(None, words))


_WRITERS: Mapping[str, Callable[[Labels, Row], str]] = {
    "lignes_budgetaires": _line,
    "fiches": _fiche,
    "suivis": _followed,
    "financements": _funding,
    "plan_charges": _charge,
    "plan_produits": _produit,
    "participations": _takes_part,
}


def _short(text: str | None) -> str:
    plain = " ".join((text or "").split())
    return plain if len(plain) <= _LONGEST else shorten(plain, _LONGEST) + " …"
