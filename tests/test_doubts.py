"""Files that may not be whose form they hold: asked where they point at somebody else, and only there."""

from __future__ import annotations

from datetime import datetime

import pytest

from tabellion.campaign.doubts import doubts
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.layout.forms import FormIdentity

NAMES = {"etat": "État", "pole-emploi": "Pôle Emploi", "luce": "Ville de Lucé", "metro": "Chartres métropole"}


def form(partner: str, author: str = "", day: int = 1, year: int = 2016) -> ParsedReturn:
    identity = FormIdentity("essai", partner, year, "f1")
    return ParsedReturn(f"{partner}{author}{day}{year}", identity, datetime(year, 11, day), author, ())


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("etat-2016.xlsx", "etat"), ("2016/État 2016 (1).xlsx", "etat"), ("Copie de etat-2016.xlsx", "etat"),
        ("Ville de Lucé.xlsx", "luce"), ("retour luce v2.xlsx", "luce"), ("Chartres métropole - 2016.xlsx", "metro"),
    ],
)  # fmt: skip
def test_a_file_named_as_another_partner_s_form_is_asked_about(name: str, other: str) -> None:
    (doubt,) = doubts({f"retours/{name}": form("pole-emploi")}, {}, NAMES)
    assert (doubt.other, doubt.notice(NAMES).code, doubt.notice(NAMES).bloquant) == (other, "nom-d-un-autre", True)


@pytest.mark.parametrize(
    "name",
    [
        "pole-emploi-2016.xlsx", "Pôle Emploi.xlsx",
        "retour.xlsx", "2016.xlsx", "budget final.xlsx", "Réponse (3).xlsx",
        "pole-emploi pour etat.xlsx", "Marie.xlsx", "état des lieux 2016.xlsx", "luce et pole-emploi.xlsx",
    ],
)  # fmt: skip
def test_names_that_point_at_nobody_else_are_not(name: str) -> None:
    assert doubts({f"retours/{name}": form("pole-emploi")}, {}, NAMES) == []


def test_an_author_of_another_partner_is_asked_about_and_a_new_colleague_is_not() -> None:
    kept = {
        "1": form("luce", "Marie", year=2014), "2": form("luce", "Marie", year=2015),
        "3": form("etat", "Paul", year=2015), "4": form("metro", "Anne", year=2014),
        "5": form("luce", "Anne", year=2015),
    }  # fmt: skip
    (doubt,) = doubts({"retours/a.xlsx": form("etat", "MARIE")}, kept, NAMES)
    assert (doubt.other, doubt.notice(NAMES).code, doubt.notice(NAMES).bloquant) == (
        "luce",
        "auteur-d-un-autre",
        False,
    )
    for partner, author in (("etat", "Lucie"), ("etat", "Paul"), ("luce", "Marie"), ("etat", "Anne"), ("etat", "")):
        assert doubts({"retours/a.xlsx": form(partner, author)}, kept, NAMES) == [], (partner, author)
    assert doubts({"retours/a.xlsx": form("pole-emploi", "Marie")}, kept, NAMES) == [], "nobody answered for it before"
