"""Reminders: who gets one, what it says, and that nobody's own words are lost."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support.consolidations import finding_at, place, received, rich
from tabellion.campaign.model import BoardLine, Consolidation, Verdict
from tabellion.commands.relances import Reminders, print_reminders, relances
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import Severity, TabellionError
from tabellion.measures.board import REMINDED, ReturnStatus
from tabellion.outputs.reminders import GROUPS_AT_MOST, POINTS_AT_MOST, load_template, reminder

NOW = datetime(2016, 12, 6, 9, 0)


def run(
    workspace: Path, consolidation: Consolidation | None = None, *partners: str, force: bool = False,
    exercice: int | None = None,
) -> Reminders:  # fmt: skip
    return relances(find_workspace(workspace), consolidation or rich(), exercice, partners, force=force, now=NOW)


def folder(workspace: Path) -> Path:
    return workspace / "workbooks" / "relances" / "2016"


def read(workspace: Path, partner: str) -> str:
    """A reminder, its no-break spaces as spaces."""
    return (folder(workspace) / f"{partner}.txt").read_text(encoding="utf-8").replace("\u00a0", " ")


def with_status(partner: str, status: ReturnStatus) -> Consolidation:
    """The rich campaign, one partner with another status."""
    board = tuple(replace(line, status=status) if line.partenaire == partner else line for line in rich().board)
    return replace(rich(), board=board)


def with_findings(number_of_kinds: int, each_kind: int) -> tuple[Consolidation, BoardLine]:
    """A rejected return with so many kinds of blocking findings, so many of each."""
    where = place("retours/a.xlsx", "Budget", 6, 5)
    findings = [
        replace(
            finding_at("montant-ambigu", where, f"point {kind}.{rank}"), suggestion=f"Remède {kind}.", bloquant=True
        )
        for kind in range(number_of_kinds)
        for rank in range(each_kind)
    ]
    file = received("retours/a.xlsx", Verdict.REJECTED, findings, partenaire="luce", exercice=2016)
    line = BoardLine("luce", "Lucé", None, 2016, ReturnStatus.REJECTED, "envois/2016/luce-2016.xlsx", (file,))
    return replace(rich(), board=(line,)), line


# Who, and what


def test_everyone_who_is_late_or_rejected_gets_one_and_nobody_else(workspace: Path) -> None:
    done = run(workspace)
    expected = {line.partenaire for line in rich().board if line.exercice == 2016 and line.status in REMINDED}
    assert {path.stem for path in folder(workspace).iterdir()} == expected
    assert {made.line.partenaire for made in done.reminders} == expected
    assert {"luce", "chartres", "long"}.isdisjoint(expected)


def test_a_late_partner_is_asked_for_its_form(workspace: Path) -> None:
    run(workspace)
    text = read(workspace, "formule")
    assert text.startswith("À : (adresse à compléter)\nObjet : Contrat de ville")
    assert "est attendu" in text.splitlines()[1]
    assert "« formule-2016.xlsx », à renvoyer au plus tard le 30 novembre 2016" in text
    assert "à corriger" not in text


def test_a_rejected_partner_is_told_each_point_with_its_cell_and_its_remedy(workspace: Path) -> None:
    run(workspace)
    text = read(workspace, "mainvilliers")
    assert "un point est à corriger." in text
    assert "Pièce à joindre : constats/mainvilliers.xlsx" in text
    assert "   - Feuille « Budget », cellule E7 : « à voir » est du texte.\n   À faire : Corrigez-le." in text
    assert "votre retour précédent (« mainvilliers 2016.xlsx ») reste pris en compte" in text
    assert "enregistré le 29 novembre 2016" in text
    hostile = read(workspace, "hostile")
    assert hostile.startswith("À : x@exemple.fr\n")
    assert "2 points sont à corriger" in hostile
    assert "précédent" not in hostile


def test_a_partner_of_several_versions_is_asked_which_one_counts(workspace: Path) -> None:
    run(workspace)
    text = read(workspace, "chartres-metropole")
    (line,) = [line for line in rich().board if (line.partenaire, line.exercice) == ("chartres-metropole", 2016)]
    undecided = [file.fichier.removeprefix("retours/") for file in line.received if file.verdict is Verdict.UNDECIDED]
    assert undecided
    assert " : " + ", ".join(f"« {name} »" for name in undecided) + ". Elles ne disent pas" in text
    assert "dire laquelle est la bonne" in text
    for of_staff in ("écartés", "corriger votre classeur", "Pièce à joindre"):
        assert of_staff not in text


@pytest.mark.parametrize("partner", ["mainvilliers", "hostile", "formule", "chartres-metropole"])
def test_a_text_is_well_set(workspace: Path, partner: str) -> None:
    run(workspace)
    text = read(workspace, partner)
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t]$|{[{%#]|[#%}]}", text.replace("{{ 7*7 }}", ""), re.MULTILINE)
    assert text.endswith("Bien cordialement,\n")
    exact = (folder(workspace) / f"{partner}.txt").read_text(encoding="utf-8")
    assert not re.search("« | [»:;?!]", exact)


def test_what_a_partner_typed_is_never_a_template_nor_a_line_of_its_own(workspace: Path) -> None:
    board = tuple(replace(line, nom="{{ 7*7 }}\nObjet : faux\x1b[2J\u202e") for line in rich().board)
    run(workspace, replace(rich(), board=board))
    text = read(workspace, "formule")
    assert "{{ 7*7 }} Objet" in text
    assert len(re.findall("^Objet", text, re.MULTILINE)) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


def test_many_points_are_counted(workspace: Path) -> None:
    many, _ = with_findings(GROUPS_AT_MOST + 2, POINTS_AT_MOST + 4)
    run(workspace, many)
    text = read(workspace, "luce")
    total = (GROUPS_AT_MOST + 2) * (POINTS_AT_MOST + 4)
    assert f"{total} points sont à corriger" in text
    assert len(re.findall("À faire : Remède", text)) == GROUPS_AT_MOST
    assert len(re.findall("- Feuille", text)) == GROUPS_AT_MOST * POINTS_AT_MOST
    assert text.count("   - et à 4 autres endroits.") == GROUPS_AT_MOST
    assert f"{2 * (POINTS_AT_MOST + 4)} autres points sont à corriger" in text
    assert len(text) < 8000


def test_only_what_must_be_corrected_is_asked(workspace: Path) -> None:
    blocking, line = with_findings(1, 1)
    notes = [
        finding_at("valeur-comprise", place("retours/a.xlsx", "Budget", 7, 5), "compris", grade) for grade in Severity
    ]
    file = replace(line.received[0], findings=(*notes, *line.received[0].findings))
    run(workspace, replace(blocking, board=(replace(line, received=(file,)),)))
    assert "un point est à corriger" in read(workspace, "luce")
    assert "compris" not in read(workspace, "luce").replace("compris en compte", "")


def test_one_partner_or_one_exercice_can_be_asked_for(workspace: Path) -> None:
    run(workspace, None, "hostile", "luce")
    assert [path.name for path in folder(workspace).iterdir()] == ["hostile.txt"]
    done = run(workspace, exercice=2017)
    assert (done.exercice, done.reminders) == (2017, ())


def test_wrong_options_are_all_said_at_once(workspace: Path) -> None:
    with pytest.raises(TabellionError) as refused:
        run(workspace, None, "mainvillier", "zzz", exercice=1999)
    assert [finding.code for finding in refused.value.findings] == ["option-fausse"] * 3
    assert "mainvilliers" in refused.value.findings[1].message
    assert not folder(workspace).exists()


# Nobody's words are lost


def test_twice_the_same_writes_nothing(workspace: Path) -> None:
    run(workspace)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder(workspace).iterdir()}
    run(workspace)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder(workspace).iterdir()} == before


def test_the_reminder_of_a_partner_who_answered_goes(workspace: Path) -> None:
    run(workspace)
    done = run(workspace, with_status("hostile", ReturnStatus.ACCEPTED))
    assert [path.name for path in done.removed] == ["hostile.txt"]
    assert not (folder(workspace) / "hostile.txt").exists()


def test_an_edited_reminder_of_a_partner_who_answered_stays_and_is_said(workspace: Path) -> None:
    run(workspace)
    path = folder(workspace) / "hostile.txt"
    path.write_text("Cher Monsieur,", encoding="utf-8")
    done = run(workspace, with_status("hostile", ReturnStatus.ACCEPTED))
    assert (done.removed, done.outdated) == ((), (path,))
    assert path.read_text(encoding="utf-8") == "Cher Monsieur,"


def test_an_edited_reminder_stays_while_nothing_new_is_to_be_said(workspace: Path) -> None:
    run(workspace)
    (folder(workspace) / "hostile.txt").write_text("Cher Monsieur,", encoding="utf-8")
    done = run(workspace)
    assert [made.line.partenaire for made in done.reminders if made.is_edited] == ["hostile"]
    assert read(workspace, "hostile") == "Cher Monsieur,"


def test_an_edited_reminder_is_replaced_only_by_force_after_a_dated_copy(workspace: Path) -> None:
    run(workspace)
    (folder(workspace) / "hostile.txt").write_text("Cher Monsieur,", encoding="utf-8")
    others = (folder(workspace) / "formule.txt").read_bytes()
    news = with_status("hostile", ReturnStatus.LATE)
    with pytest.raises(TabellionError) as refused:
        run(workspace, news)
    assert [(finding.code, finding.valeur) for finding in refused.value.findings] == [
        ("fichier-deja-la", "hostile.txt")
    ]
    assert read(workspace, "hostile") == "Cher Monsieur,"
    done = run(workspace, news, force=True)
    (kept,) = [made.kept for made in done.reminders if made.kept is not None]
    assert kept.name == "hostile 2016-12-06 09h00.txt"
    assert kept.read_text(encoding="utf-8") == "Cher Monsieur,"
    assert "est attendu" in read(workspace, "hostile")
    assert (folder(workspace) / "formule.txt").read_bytes() == others
    run(workspace, news)
    assert kept.exists()


@pytest.mark.parametrize("memory", [None, "", "[]", '{"2016/hostile.txt": 3}', "{"])
def test_without_its_memory_the_program_touches_nothing_that_differs(workspace: Path, memory: str | None) -> None:
    run(workspace)
    known = find_workspace(workspace).memory / "relances.json"
    known.unlink() if memory is None else known.write_text(memory, encoding="utf-8")
    with pytest.raises(TabellionError) as refused:
        run(workspace, with_status("hostile", ReturnStatus.LATE))
    assert [finding.code for finding in refused.value.findings] == ["fichier-deja-la"]
    # The same texts are recognised, and known again from then on.
    run(workspace)
    assert run(workspace, with_status("hostile", ReturnStatus.ACCEPTED)).removed != ()


def test_other_files_of_the_folder_are_left_alone(workspace: Path) -> None:
    run(workspace)
    (folder(workspace) / "notes.txt").write_text("à rappeler", encoding="utf-8")
    done = run(workspace)
    assert (done.removed, done.outdated) == ((), ())
    assert read(workspace, "notes") == "à rappeler"


def test_what_was_done_is_said_with_where_it_is(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace)
    (folder(workspace) / "hostile.txt").write_text("Cher Monsieur,", encoding="utf-8")
    print_reminders(run(workspace))
    said_of_it = capsys.readouterr().out.splitlines()
    (edited,) = [line for line in said_of_it if "hostile.txt" in line]
    assert "retouchée à la main, gardée telle quelle" in edited
    assert said_of_it[-1] == f"21 relances dans {folder(workspace)}"
    print_reminders(run(workspace, with_status("hostile", ReturnStatus.ACCEPTED)))
    assert "n'a plus lieu d'être, mais elle a été retouchée : supprimez-la vous-même" in capsys.readouterr().out
    print_reminders(run(workspace, exercice=2017))
    assert capsys.readouterr().out == "Personne à relancer pour 2017.\n"


# The template is the staff's


def template_of(workspace: Path, text: str) -> Workspace:
    (workspace / "templates" / "relance.txt").write_text(text, encoding="utf-8")
    return find_workspace(workspace)


def test_another_template_is_followed(workspace: Path) -> None:
    template_of(workspace, "{% for g in groupes %}{{ g.titre }}\n{% endfor %}{{ partenaire }} & Cie\n")
    run(workspace, None, "mainvilliers")
    assert read(workspace, "mainvilliers") == "Du texte là où il faut un nombre\nMainvilliers & Cie\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("ligne 1\n{{ partenair }}", 2, "« partenair » n'existe pas"),
        ("\n\n{{ groupes[0].titr }}", 3, "« titr » n'existe pas"),
        ("{% if %}", 1, "ne se comprend pas"),
        ("bonjour\n{{ exercice + partenaire }}", 2, "ne peut pas être calculée"),
        ("{{ ''.__class__.__mro__ }}", 1, ""),
        ("{% include '/etc/passwd' %}", 1, ""),
        ("{{ range(10000000) | list }}", 1, "ne peut pas être calculée"),
    ],
)
def test_a_mistake_of_the_template_is_said_at_its_line(workspace: Path, text: str, line: int, words: str) -> None:
    template_of(workspace, text)
    with pytest.raises(TabellionError) as refused:
        run(workspace, None, "hostile")
    (mistake,) = refused.value.findings
    assert (mistake.code, mistake.place.ligne) == ("mise-en-page-fausse", line)
    assert words in mistake.message
    assert not folder(workspace).exists()


def test_a_template_that_is_missing_or_not_a_text_is_said(workspace: Path) -> None:
    path = workspace / "templates" / "relance.txt"
    path.write_bytes("é".encode("latin-1"))
    with pytest.raises(TabellionError, match="UTF-8"):
        run(workspace)
    path.unlink()
    with pytest.raises(TabellionError, match="n'existe pas"):
        run(workspace)


def test_a_reminder_says_which_one_it_is_and_when_the_last_was_prepared(workspace: Path) -> None:
    run(workspace)
    first = read(workspace, "formule")
    assert "relance" not in first
    soon = relances(find_workspace(workspace), rich(), None, (), force=False, now=NOW + timedelta(days=6))
    assert read(workspace, "formule") == first, "prepared again within a week, it is the same one"
    assert {made.prepared for made in soon.reminders} == {(NOW.date(),)}
    for rank, later in ((2, NOW + timedelta(days=7)), (3, NOW + timedelta(days=20))):
        relances(find_workspace(workspace), rich(), None, (), force=False, now=later)
        assert f"({rank}e relance)" in read(workspace, "formule").splitlines()[1]
    assert "notre précédente relance, préparée le 13 décembre 2016, est restée" in read(workspace, "formule")


def test_the_text_does_not_depend_on_when_it_is_written(workspace: Path) -> None:
    path = workspace / "templates" / "relance.txt"
    template = load_template(path)
    for line in rich().board:
        assert reminder(template, path, rich(), line) == reminder(template, path, rich(), line)
