"""From a schema to a pandera schema: nullable types, whole-value patterns, one lazy pass with every violation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.contracts import contracts, schemas, small_rows, tables_of
from tabellion.schema.constraints import plain_violations, violations
from tabellion.schema.frames import frame_violations, pandera_schema
from tabellion.schema.table import Field, TableSchema
from tabellion.schema.table import Kind as FieldKind
from tabellion.schema.tables import make_table


def one(kind: FieldKind = "string", **constraints: Any) -> TableSchema:
    """A schema of one field."""
    field = Field("champ", kind, "Champ", "Un champ.", **constraints)
    return TableSchema("essai", "Essai", "Un essai.", (field,), ("champ",))


def rules(schema: TableSchema, *values: Any) -> list[tuple[Any, str]]:
    """Position and rule of each violation."""
    return [
        (violation.position, violation.rule) for violation in violations(make_table(schema, {"champ": list(values)}))
    ]


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
    assert [(violation.position, violation.field, violation.value) for violation in violations(table)] == [
        (1, "champ", 9)
    ]


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


def faulty_fields() -> st.SearchStrategy[Field]:
    """Fields of every kind, with constraints that their values break now and then."""
    texts = st.builds(
        partial(Field, "champ", "string", "Champ", "Un champ."),
        required=st.booleans(), pattern=st.sampled_from([None, "a|b", "[0-9]{2}", "a*"]), email=st.booleans(),
        enum=st.sampled_from([(), ("a", "b"), ("", "12")]), min_length=st.sampled_from([None, 1, 2]),
        max_length=st.sampled_from([None, 2, 3]),
    )  # fmt: skip
    bounds = st.sampled_from([None, 0, 1.5, -3, 12])
    numbers = st.builds(
        lambda kind, **constraints: Field("champ", kind, "Champ", "Un champ.", **constraints),
        st.sampled_from(["integer", "money", "percent"]), required=st.booleans(), minimum=bounds, maximum=bounds,
    )  # fmt: skip
    days = st.sampled_from([None, date(2015, 1, 1), date(2016, 2, 29)])
    dates = st.builds(
        partial(Field, "champ", "date", "Champ", "Un champ."), required=st.booleans(), earliest=days, latest=days
    )
    return st.one_of(texts, numbers, dates)


_TYPED = ("", "a", "b", "ab", "a\n", "12", "12\n", "a@b.fr", "a@b", "é", "e\u0301", "\U0001f600\U0001f600")
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(_TYPED),
    "date": st.dates(date(2014, 12, 30), date(2016, 3, 2)),
}


@given(st.data())
@settings(max_examples=20)
def test_values_one_by_one_break_what_pandera_says_of_all_at_once(data: st.DataObject) -> None:
    drawn = data.draw(st.lists(faulty_fields(), min_size=1, max_size=6))
    fields = tuple(replace(field, name=f"champ_{number}") for number, field in enumerate(drawn))
    rows = data.draw(st.integers(1, 6))
    columns = {
        field.name: data.draw(
            st.lists(st.none() | _VALUES.get(field.kind, st.integers(-400, 1300)), min_size=rows, max_size=rows)
        )
        for field in fields
    }
    table = make_table(TableSchema("essai", "Essai", "Un essai.", fields, ("champ_0",)), columns)
    violations = {(violation.position, violation.field, violation.rule) for violation in plain_violations(table)}
    assert violations == {
        (violation.position, violation.field, violation.rule) for violation in frame_violations(table)
    }
