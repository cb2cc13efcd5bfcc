"""A table of the workbook that says what was last accepted is not looked through: the others are, and nothing else
comes of it than where every row is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.campaign import campaign_workspace
from support.program import tabellion
from tabellion.campaign import books, draft
from tabellion.campaign.decisions import load_decisions
from tabellion.campaign.saves import load_saves
from tabellion.campaign.staff import accept
from tabellion.checks.contract import check_integrity
from tabellion.commands.source import load_source
from tabellion.contract.book import Book
from tabellion.contract.register import load_register
from tabellion.contract.workspace import Workspace, find_workspace

#: Tables whose accidents have rules of their own: rows that others name, keys of several parts, one part a convention.
TABLES = ("lignes_budgetaires", "fiches", "participations", "financements", "partenaires", "collectivites")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = campaign_workspace(tmp_path_factory.mktemp("chartres") / "contrat")
    assert tabellion("generate", cwd=folder).code == 0
    return find_workspace(folder)


def edited(book: Book, edits: list[tuple[str, str, int, int, int]]) -> Book:
    """The book after edits: what is done, to which table, from which row on, to how many rows, in which column."""
    tables, rows = dict(book.tables), {name: list(places) for name, places in book.rows.items()}
    for action, table, start, count, column in edits:
        size = len(tables[table])
        if not size:
            continue
        start %= size
        chosen = range(start, min(size, start + count))
        name = tables[table].schema.names[column % len(tables[table].schema.names)]
        values = list(tables[table].column(name))
        if action in ("removed", "pasted", "moved"):
            others = [position for position in range(size) if position not in chosen]
            order = {"removed": others, "pasted": [*range(size), *chosen], "moved": [*others, *chosen]}[action]
            tables[table] = tables[table].select(order)
            rows[table] = [rows[table][position] for position in order]
            continue
        if action == "emptied":
            values[start : start + count] = [None] * len(chosen)
        elif action == "sorted":
            values[start : start + count] = sorted(values[start : start + count], key=repr)
        elif action == "repeated":
            values[start : start + count] = [values[start]] * len(chosen)
        tables[table] = tables[table].with_columns({name: values})
    return replace(book, tables=tables, rows=rows)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(("removed", "pasted", "moved", "emptied", "sorted", "repeated")), st.sampled_from(TABLES),
        st.integers(0, 500), st.sampled_from((1, 3, 40, 1000)), st.integers(0, 30),
    ),
    max_size=3,
)  # fmt: skip


def states(workspace: Workspace, read: Book, base: Book) -> list[Mapping[str, object]]:
    """What is accepted of a workbook, tables that say the same passed over, and every row looked at."""
    saves, decisions = load_saves(workspace), load_decisions(workspace.registre)
    made = []
    for is_same in (draft._is_same, lambda *_: False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(draft, "_is_same", is_same)
            state = accept(read, base, saves, decisions=decisions)
        known = {name: getattr(state, name) for name in ("saves", "withheld", "findings", "newcomers")}
        rows = {name: list(places) for name, places in state.book.rows.items()}
        made.append(known | {"tables": state.book.tables, "rows": rows, "settings": state.book.settings})
    return made


@settings(max_examples=60)
@given(edits=EDITS, accepted=EDITS)
def test_what_is_passed_over_is_what_every_row_would_say(
    workspace: Workspace, edits: list[tuple[str, str, int, int, int]], accepted: list[tuple[str, str, int, int, int]]
) -> None:
    """``accepted`` makes a register that has such accidents too: rows twice, keys that are no more."""
    read = load_source(workspace).book
    base = load_register(workspace.registre, workspace.schemas, workspace.settings, read.theme, check_integrity)
    read, base = edited(read, accepted), edited(base, accepted)
    same, whole = states(workspace, edited(read, edits), base)
    assert same == whole


def test_an_untouched_workbook_is_passed_over(workspace: Workspace) -> None:
    read = load_source(workspace).book
    base = load_register(workspace.registre, workspace.schemas, workspace.settings, read.theme, check_integrity)
    known = draft.Draft(read, base)
    assert all(known.is_same(table) for table in TABLES)
    twice = edited(base, [("pasted", "fiches", 0, 1, 0)])
    assert not draft.Draft(edited(read, [("pasted", "fiches", 0, 1, 0)]), twice).is_same("fiches")


def test_a_reading_keeps_only_the_tables_that_the_register_does_not_say(workspace: Workspace) -> None:
    objectif = workspace.schemas["fiches"].names.index("objectif")
    read = edited(load_source(workspace).book, [("emptied", "fiches", 0, 3, objectif)])
    base = load_register(workspace.registre, workspace.schemas, workspace.settings)
    content = json.loads(json.dumps(books.to_json(read, base.tables)))
    assert [name for name, columns in content["tables"].items() if columns is not None] == ["fiches"]
    again = books.from_json(content, read.fichier, read.settings, read.schemas, read.theme, base.tables)
    assert again.tables == read.tables
    with pytest.raises(KeyError):
        books.from_json(content, read.fichier, read.settings, read.schemas, read.theme)
