"""What cells may refer to: the keys of other tables, by the words that people see for them, and by those they saw."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tabellion.layout.forms import DASH, convention_words, short_convention
from tabellion.schema import FUNDING_TABLES, Field, Schemas, TableSchema
from tabellion.schema.shown import joined, names_in
from tabellion.schema.tables import Column, Row
from tabellion.wording import fold, slug

if TYPE_CHECKING:
    from tabellion.findings import Place
    from tabellion.reading.tables import FoundTable
    from tabellion.schema.tables import Table, Tables

#: The role of a partner who answers for a fiche, in its participations.
LEAD = "porteur"
#: Where the number of a row may end, and words that tell what it is begin.
_WORDS = re.compile(r"\s+(?:[-–—:]\s*)?|[–—:]\s*|-\s+")
#: What a row whose key is a number is called.
_TITLES = {"titre", "titre_court"}
#: By table, the columns read so far.
ReadColumns = Mapping[str, Mapping[str, Column]]


@dataclass(frozen=True)
class References:
    """What a return may refer to, from the register: keys by the words that a form shows for them."""

    conventions: Mapping[str, int]
    keys: Mapping[str, Row]
    """By table: what a cell may show, and the key it stands for."""
    towns: Mapping[str, str | None]
    """The collectivité of each partner."""
    owners: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """By table, the partners who may answer for a row, by its identifier; of the others, all may."""


def references(tables: Tables, schemas: Schemas) -> References:
    """The references of a register's tables."""
    conventions: dict[str, int] = {}
    for row in tables["conventions"].rows:
        number, title = int(row["convention_id"]), str(row["titre"])
        short = short_convention(number, str(row["titre_court"] or title))
        words = (convention_words(number, title), short, str(number))
        conventions |= dict.fromkeys(words, number)
    keys: dict[str, dict[str, Any]] = {}
    for name, schema in schemas.items():
        own = [str(key) for key in tables[name].column(schema.primary_key[0]) if key is not None]
        shown = ["" if label is None else str(label) for label in tables[name].column(schema.shown_key)]
        keys[name] = {key: key for key in own} | {label: key for label, key in zip(shown, own, strict=False) if label}
        codes = (field.name for field in schema.fields if field.unique and field.name not in schema.primary_key)
        for code in codes:
            texts = zip(tables[name].column(code), own, strict=False)
            keys[name] |= {text: key for text, key in texts if text and text not in keys[name]}
    towns = {row["partenaire_id"]: row["collectivite_id"] for row in tables["partenaires"].rows}
    return References(conventions, keys, towns, _owners(tables))


def _owners(tables: Tables) -> dict[str, dict[str, tuple[str, ...]]]:
    """Of a budget line, its town; of a fiche, those who take part in it; of a financement, its funder and they; of the
    plan de financement of a fiche, known or to come, those who lead it: its rows' identifiers begin with the fiche's.
    """
    of_town, of_funder, of_fiche, leads = (defaultdict[Any, set[str]](set) for _ in range(4))
    for partner, town, funder in tables["partenaires"].values_of("partenaire_id", "collectivite_id", "financeur_id"):
        of_town[town].add(partner)
        of_funder[funder].add(partner)
    for partner, fiche, role in tables["participations"].values_of("partenaire_id", "fiche_id", "role"):
        of_fiche[fiche].add(partner)
        if role == LEAD:
            leads[fiche].add(partner)
    heads: dict[str, Iterable[tuple[object, Collection[str]]]] = {
        "lignes_budgetaires": (
            (line, of_town[town] or {town})
            for line, town in tables["lignes_budgetaires"].values_of("ligne_id", "collectivite_id")
            if town is not None
        ),
        "suivis": of_fiche.items(),
        "financements": (
            (key, of_fiche[fiche] | (of_funder[funder] if funder else set()))
            for key, fiche, funder in tables["financements"].values_of("financement_id", "fiche_id", "financeur_id")
        ),
    }
    for name, key in zip(FUNDING_TABLES, ("charge_id", "produit_id"), strict=True):
        known = {row: leads[fiche] for row, fiche in tables[name].values_of(key, "fiche_id")} if name in tables else {}
        heads[name] = {**leads, **known}.items()
    return {
        table: {
            str(key): tuple(sorted(map(str, partners)))
            for key, partners in dict(pairs).items()
            if key is not None and partners
        }
        for table, pairs in heads.items()
    }


def former_conventions(texts: Iterable[object], known: Mapping[str, int], sent: Collection[str] = ()) -> dict[str, int]:
    """The conventions of texts with a title that is no more, in a form made before: their number stays.

    A title that another convention has now is that one's. ``sent`` are the numbers that the form was sent with: one
    that the contract has given up since is no mistake of the partner's.
    """
    titles = {title: number for words, number in known.items() if (title := words.partition(DASH)[2])}
    counts: dict[str, int] = {}
    for text in texts:
        number, dash, title = str(text).partition(DASH)
        if dash and number in known:
            counts[str(text)] = titles.get(title, known[number])
        elif dash and number in sent:
            counts[str(text)] = titles.get(title, int(number))
    return counts


def worded_keys(texts: Iterable[object], known: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """The keys of texts that say more than a key: « I-1.1./1 – objectif ». The number says which, whatever follows it.

    Beside them, the key (as it is shown) of the texts that write its number another way: « i-1.1 / 1 ». A number that
    could be that of two keys is none.
    """
    alike: dict[str, dict[object, str]] = {}
    worded, near = dict[str, object](), dict[str, str]()
    for text in {text for text in texts if isinstance(text, str) and text not in known}:
        heads = [text.strip(), *(text[: end.start()].strip() for end in _WORDS.finditer(text))]
        if (exact := next((head for head in heads if head in known), None)) is not None:
            worded[text] = known[exact]
            continue
        alike = alike or _alike(known)
        if len(near_keys := next((alike[slug(head)] for head in heads if slug(head) in alike), {})) == 1:
            near[text] = next(iter(near_keys.values()))
    return worded, near


def _alike(known: Mapping[str, object]) -> dict[str, dict[object, str]]:
    """The keys that are shown alike but for signs and case, each as it is shown first."""
    alike: dict[str, dict[object, str]] = {}
    for shown, key in known.items():
        alike.setdefault(slug(shown), {}).setdefault(key, shown)
    return alike


def shown_choices(
    schemas: Schemas,
    schema: TableSchema,
    field_: Field,
    read: ReadColumns,
    base: Tables | None = None,
    renames: Renames | None = None,
) -> Mapping[str, object]:
    """What a cell of a field may show, and the value it stands for, from the columns of the tables ``read`` so far.

    Where the table that the field refers to shows a label, what the ``base`` showed, and what it showed before
    (``renames``), is understood too, unless another row has that label now.
    """
    name = schema.refers_to(field_.name)
    if name is None:
        return {value: value for value in field_.enum}
    table, columns = schemas[name], read.get(name)
    if columns is None:
        return {}
    if table.by_name[table.primary_key[0]].kind != "string":
        return _titled(table, columns)
    choices = _shown(table, columns)
    if base is not None and name in base:
        taken = {fold(shown): value for shown, value in choices.items()}
        known = _shown(table, base[name].columns)
        known |= {} if renames is None else {str(old): str(value) for old, value in renames.get(name, {}).items()}
        choices |= {shown: value for shown, value in known.items() if taken.get(fold(shown), value) == value}
    return choices


def _titled(table: TableSchema, columns: Mapping[str, Column]) -> dict[str, object]:
    """The numbers of the rows that a text may name by their title alone; none of a title that two rows have."""
    keys = columns[table.primary_key[0]]
    named = defaultdict[str, set[object]](set)
    for name in _TITLES & columns.keys():
        for title, key in zip(columns[name], keys, strict=True):
            if title and key is not None:
                named[fold(str(title))].add(key)
    return {title: next(iter(own)) for title, own in named.items() if len(own) == 1}


def _shown(table: TableSchema, columns: Mapping[str, Column]) -> dict[str, str]:
    """What may stand for a row, and its key: the key itself, its label, an official code."""
    keys = columns[table.primary_key[0]]
    shown: dict[str, str] = {}
    for name in dict.fromkeys([*(column.name for column in table.fields if column.unique), table.shown_key]):
        shown |= {text: key for text, key in zip(columns[name], keys, strict=True) if text and key is not None}
    return shown | {value: value for value in keys if value is not None and value not in shown}


Renames = Mapping[str, Mapping[object, object]]
"""By table, the names that its rows had since the last adoption, and the key that each of these rows has now."""


def renames_of(
    table: TableSchema,
    columns: Mapping[str, Column],
    base: Table,
    renumbered: Mapping[object, object],
    known: Mapping[object, object],
) -> dict[object, object]:
    """The former names of the rows of a table: those ``known``, and those that the workbook changes now.

    A row's name is its label, or else its key; a former name that another row has now is none.
    """
    now = _names(table, columns)
    taken = {fold(str(name)) for name in now.values() if name is not None}
    former = {old: renumbered.get(key, key) for old, key in known.items()}
    if table.label is None:
        former |= renumbered
    else:
        former |= {label: key for key, label in _names(table, base.columns).items() if label}
    return {old: key for old, key in former.items() if now.get(key) and fold(str(old)) not in taken}


def former_cells(
    area: FoundTable,
    rows: Sequence[int],
    field_: Field,
    values: Column,
    names: Mapping[object, str],
    renames: Mapping[object, object],
) -> list[tuple[Place, tuple[str, str]]]:
    """The cells of a column that still show the former name of a row that they refer to, with both names.

    ``values`` that are former keys become the present ones; ``names`` are those of now, by key.
    """
    pairs = {fold(str(old)): (str(old), names[key]) for old, key in renames.items()}
    cells = []
    is_list = field_.names_of is not None
    for position, row in enumerate(rows):
        shown = str(area.value(row, field_.title) or "")
        names_there = names_in(shown) if is_list else [shown]
        former = [pairs[fold(name)] for name in names_there if fold(name) in pairs]
        cells += [(area.place(row, field_.title), pair) for pair in former]
        value = values[position]
        if is_list and value is not None:
            values[position] = joined([str(renames.get(name, name)) for name in names_in(str(value))])
        else:
            values[position] = renames.get(value, value)
    return cells


def names_of(table: TableSchema, columns: Mapping[str, Column]) -> dict[object, str]:
    """What people call each row of a table, by its key."""
    return {key: str(name) for key, name in _names(table, columns).items()}


def _names(table: TableSchema, columns: Mapping[str, Column]) -> dict[object, object]:
    return dict(zip(columns[table.primary_key[0]], columns[table.label or table.primary_key[0]], strict=True))
