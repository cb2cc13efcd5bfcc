"""From a schema to a pandera schema: nullable types, whole-value patterns, one lazy pass with every violation."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from support.contracts import contracts, schemas, small_rows, tables_of
from tabellion.schema.frames import pandera_schema, violations
from tabellion.schema.table import Field, TableSchema
from tabellion.schema.table import Kind as FieldKind
from tabellion.schema.tables import make_table


def one(kind: FieldKind = "string", **constraints: Any) -> TableSchema:
    """A schema of one field."""
    field = Field("champ", kind, "Champ", "Un champ.", **constraints)
    return TableSchema("essai", "Essai", "Un essai.", (field,), ("champ",))


def rules(schema: TableSchema, *values: Any) -> list[tuple[Any, str]]:
    """Position and rule of each violation."""
    return [(each.position, each.rule) for each in violations(make_table(schema, {"champ": list(values)}))]


def test_a_pattern_with_a_bar_is_anchored_on_both_sides() -> None:
    schema = one(pattern="a|b")
    assert rules(schema, "a", "b", "ab", "ax", "xb", "", None) == [
        (2, "pattern"),
        (3, "pattern"),
        (4, "pattern"),
        (5, "pattern"),
    ]


def test_a_final_newline_does_not_pass_a_pattern() -> None:
    assert rules(one(pattern="[0-9]{14}"), "12345678900015", "12345678900015\n") == [(1, "pattern")]


def test_a_blank_breaks_nothing_but_required() -> None:
    for kind in ("string", "integer", "money", "boolean"):
        assert rules(one(kind), None) == []
        assert rules(one(kind, required=True), None) == [(0, "required")]


def test_bounds_of_an_amount_are_declared_in_euros_and_held_in_cents() -> None:
    schema = one("money", minimum=0, maximum=10)
    assert rules(schema, 0, 1000, 1001, -1, None) == [(2, "maximum"), (3, "minimum")]


def test_every_violation_is_found_in_one_pass() -> None:
    schema = one(enum=("oui", "non"), max_length=3)
    assert rules(schema, "oui", "peut-être", "non", "si") == [(1, "enum"), (1, "maxLength"), (3, "enum")]
    assert rules(one(email=True), "a@b.fr", "a@b", "a b@c.fr", "a@b.fr\n") == [
        (1, "format"),
        (2, "format"),
        (3, "format"),
    ]


def test_a_violation_carries_the_position_and_the_value_of_its_row() -> None:
    table = make_table(one("integer", maximum=5), {"champ": [1, 9, 2]})
    assert [(each.position, each.field, each.value) for each in violations(table)] == [(1, "champ", 9)]


def test_an_integer_column_with_blanks_stays_an_integer() -> None:
    schema = one("integer")
    table = make_table(schema, {"champ": [1, None]})
    assert str(table.frame["champ"].dtype) == "Int64"
    assert table.rows == [{"champ": 1}, {"champ": None}]


def test_a_schema_is_built_once() -> None:
    schema = schemas()["fiches"]
    assert pandera_schema(schema, schema.names) is pandera_schema(schema, schema.names)


def test_rows_come_back_as_they_went() -> None:
    rows = small_rows()
    for name, table in tables_of(rows).items():
        blank = dict.fromkeys(schemas()[name].names)
        assert table.rows == [{**blank, **row} for row in rows.get(name, [])]


@given(contracts())
@settings(max_examples=30)
def test_a_valid_contract_breaks_nothing(tables: Any) -> None:
    assert all(violations(tables[name]) == [] for name in schemas())
