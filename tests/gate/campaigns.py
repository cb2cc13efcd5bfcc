"""Scenarios of a campaign: forms sent, returns of every kind, consolidations, adoption."""

from __future__ import annotations

import shutil
from typing import Any

from gate import books
from gate.hostile import hostile_files
from gate.settings import with_plans
from gate.site import Site

RETOURS = "workbooks/retours"
METRO, REGION = "chartres-metropole", "conseil-regional-centre-val-de-loire"
TOGETHER = "l-ensemble-des-bailleurs-sociaux"


def campaign(site: Site) -> None:
    """A whole year on the embedded contract."""
    site.contract()
    site.run("generate")
    site.run("forms")
    site.run("forms", "--exercice", "2015", "--partenaire", "chartres-habitat")
    site.answer("mainvilliers", "mainvilliers.xlsx", 1, saved="2016-11-04T10:00:00")
    site.answer("pole-emploi", "pole-emploi.xlsx", 2, saved="2016-11-05T10:00:00")
    site.run("consolidate", "--json", "nuit.json", "--journal-texte", "tabellion.log")
    site.run("consolidate", "--journal-texte", "tabellion.log")
    _second_night(site)
    site.at("2016-12-06T02:30:00")
    site.run("consolidate", "--journal-texte", "tabellion.log")
    site.run("consolidate", "--silencieux", "--journal-texte", "tabellion.log")
    site.run("status")
    site.run("relances")
    site.run("historique", "B01-luce-001")
    site.run("historique", "contrat.xlsx!B02 Lien social, citoyenneté!F20")
    site.run("historique", "II-5.1./3")
    _third_night(site)
    site.at("2016-12-07T02:30:00")
    site.run("consolidate", "--silencieux", "--json", "nuit.json", "--journal-texte", "tabellion.log")
    site.run("relances", *_partners("mainvilliers", "luce", "villes"))
    site.run("relances", "--forcer", "--partenaire", "mainvilliers")
    site.run("publish", "--depuis", "consolidation", "--exercice", "2016")
    site.run("annexe", "--depuis", "consolidation", "--exercice", "2016")
    site.run("export", "--depuis", "consolidation")
    site.run("adopt")
    site.run("adopt", "--oui")
    site.run("forms", "--exercice", "2017", *_partners("chartres", "etat", "pole-emploi"))
    site.run("consolidate")
    site.run("status")


def _partners(*partners: str) -> list[str]:
    return [argument for partner in partners for argument in ("--partenaire", partner)]


def _second_night(site: Site) -> None:
    """Everybody else, in every way; the staff edits contrat.xlsx meanwhile."""
    _edit_master(site)
    rows = books.keys(site.form("chartres").read_bytes())["Budget"]
    spare = max(rows.values()) + 1
    new = {f"B{spare}": "2 – Lien social, citoyenneté, loisirs, sport et culture", f"C{spare}": "Atelier vélo"}
    more = {"Budget": {**new, f"F{spare}": "2 500,50 €"}}
    site.answer("chartres", "Réponse ville de Chartres (définitif).xlsx", 3, more, saved="2016-11-10T10:00:00")
    site.answer("luce", "luce FINAL v9.xlsx", 4, saved="2016-11-05T12:00:00")
    site.answer("luce", "luce-2016.xlsx", 5, saved="2016-11-12T12:00:00")
    wrong: books.Cells = {"Budget": {"F6": "voir avec le service", "F7": "1.234", "E8": 1}}
    site.answer("mainvilliers", "mainvilliers.xlsx", 6, wrong, saved="2016-11-20T10:00:00")
    removed_row = max(books.keys(site.form(METRO).read_bytes())["Budget"].values())
    emptied = dict.fromkeys(f"{column}{removed_row}" for column in "BCDEFGHIJ")
    funded: books.Cells = {"Budget": emptied, "Financements": {"E6": "chiffré", "F6": "50 k€"}}
    site.answer(METRO, "metropole/retour métropole.xlsx", 7, funded, saved="2016-11-14T10:00:00", author="Finances")
    retours = site.root / RETOURS
    site.write(f"{RETOURS}/metropole (1).xlsx", (retours / "metropole/retour métropole.xlsx").read_bytes())
    site.answer(
        REGION, "Région.xlsx", 8, {"Financements": {"E6": "chiffré", "F6": 60_000}}, saved="2016-11-16T08:00:00"
    )
    answers = {"Financements": {"E6": "chiffré", "F6": 900_000}}
    site.answer("etat", "DDCS/etat.xlsx", 9, answers, saved="2016-11-18T08:00:00")
    site.answer("chartres-habitat", "habitat.xlsx", 12, saved="2016-11-08T08:00:00")
    site.answer("chartres-habitat", "habitat 2015.xlsx", 13, year=2015, saved="2016-11-08T09:00:00")
    for seed, name in ((14, "ensemble A.xlsx"), (15, "ensemble B.xlsx")):
        site.answer(TOGETHER, name, seed, saved="2016-11-11T10:00:00")
    site.answer("bailleurs-sociaux", "bailleurs v1.xlsx", 16, saved="2016-11-06T10:00:00")
    site.answer(
        "bailleurs-sociaux", "bailleurs v2.xlsx", 16, {"Actions": {"F6": "presque finie"}}, saved="2016-11-13T10:00:00"
    )
    site.answer("promoteurs-prives", "promoteurs (2).xlsx", 20, saved="2016-12-02T23:59:00")
    site.type(site.form("ecoles-en-qpv"), f"{RETOURS}/écoles.xlsx", {}, saved="2016-11-22T10:00:00")
    for name, content in hostile_files(site.form("villes").read_bytes()).items():
        site.write(f"{RETOURS}/illisibles/{name}", content)
    site.write(f"{RETOURS}/écartés/luce.xlsx", (retours / "luce-2016.xlsx").read_bytes())


def _edit_master(site: Site, amount: int = 5500) -> None:
    """The staff changes amounts of lines that partners answer too, and a financement."""

    def edit(book: Any) -> None:
        for sheet in book:
            for row in sheet.iter_rows(min_row=6):
                values = [cell.value for cell in row]
                if "B02-chartres-001" in values and sheet.title.startswith("B02"):
                    row[5].value = amount
                if sheet.title == "Financements" and "II-5.1./3:conseil-regional" in values:
                    row[6].value = 100_000 + amount

    site.change(site.workbooks / "contrat.xlsx", "workbooks/contrat.xlsx", edit, saved="2016-11-15T10:00:00")


def _third_night(site: Site) -> None:
    """A return corrected, one changed, one moved, one gone; somebody types into an output."""
    _edit_master(site, 7000)
    site.answer("mainvilliers", "mainvilliers corrigé.xlsx", 6, saved="2016-12-06T10:00:00")
    site.answer(
        "luce", "luce-2016.xlsx", 21, {"Budget": {"F6": "(300)", "I6": "x" * 2001}}, saved="2016-12-06T11:00:00"
    )
    site.remove([f"{RETOURS}/DDCS/etat.xlsx", f"{RETOURS}/pole-emploi.xlsx", f"{RETOURS}/illisibles/vide.xlsx"])
    relance = site.workbooks / "relances" / "2016" / "mainvilliers.txt"
    if relance.exists():
        site.write("workbooks/relances/2016/mainvilliers.txt", relance.read_text(encoding="utf-8") + "\nMerci !\n")
    consolidation = site.workbooks / "consolidation" / "consolidation.xlsx"
    site.change(consolidation, "workbooks/consolidation/consolidation.xlsx", _note, saved="2016-12-06T12:00:00")


def _note(book: Any) -> None:
    book.worksheets[0]["H3"] = "vu"


def plans(site: Site) -> None:
    """The same with a plan de financement per fiche."""
    site.contract(settings=with_plans)
    site.run("generate")
    answering = (METRO, "pole-emploi")
    site.run("forms", *_partners(*answering))
    site.answer(METRO, f"{METRO}.xlsx", 1, saved="2016-11-01T10:00:00")
    more: books.Cells = {
        "Charges": {"D7": "12 k€", "D8": -5, "D9": "beaucoup"},
        "Produits": {"E7": 100, "F7": 200, "G7": 300, "H7": "x" * 2001},
    }
    site.answer("pole-emploi", "pole-emploi.xlsx", 5, more, saved="2016-11-05T10:00:00")
    site.run("validate", f"{RETOURS}/{METRO}.xlsx", f"{RETOURS}/pole-emploi.xlsx", "--annoter", "annotes")
    site.run("consolidate")
    site.run("publish", "--depuis", "consolidation", "--exercice", "2016")
    site.run("annexe", "--depuis", "consolidation", "--exercice", "2016")
    site.run("adopt", "--oui")
    site.run("forms", "--exercice", "2017", "--partenaire", METRO)
    site.run("export")


def small_campaign(site: Site) -> None:
    """A small contract with awkward texts: percents, days, follow-ups; a refused year; two adoptions."""
    site.contract("cases", settings=with_plans)
    site.run("generate")
    site.run("forms")
    suivi: books.Cells = {"Actions": {"F6": "terminée", "G6": 0.5, "H6": "31/02/2016", "I6": "1 234,50 €"}}
    site.answer("bailleur", "bailleur.xlsx", 1, suivi, saved="2016-11-04T10:00:00")
    site.answer("luce", "luce.xlsx", 2, saved="2016-11-05T10:00:00")
    site.type(site.form("etat"), f"{RETOURS}/etat.xlsx", {}, saved="2016-11-06T10:00:00")
    site.run("consolidate")
    site.answer("bailleur", "bailleur.xlsx", 1, {"Actions": {"G6": "55 %"}}, saved="2016-11-07T10:00:00")
    site.run("consolidate")
    site.run("diff", "workbooks/envois/2016/luce-2016.xlsx", f"{RETOURS}/luce.xlsx", "--json", "diff.json")
    site.run("adopt", "--oui")
    site.run("forms", "--exercice", "2017", "--partenaire", "luce")
    site.answer("luce", "luce 2017.xlsx", 3, year=2017, saved="2017-03-05T10:00:00")
    shutil.rmtree(site.workbooks / ".tabellion")
    site.at("2017-04-01T08:00:00")
    site.run("consolidate")
    site.run("historique", "A")
    site.run("adopt", "--oui", "--forcer")


def returns(site: Site) -> None:
    """One form, returned wrong in every way, each return read and annotated."""
    site.contract()
    site.run("forms", "--partenaire", "mainvilliers", "--partenaire", "luce")
    form = site.form("mainvilliers")
    amounts = (
        "1 234,56 €", "1\u00a0234\u202f567", "1.234,56", "12 k€", "néant", "-", "O", "1.234", "voir avec le service",
        "1 200 / 1 300", -50, 12.345, "(300)", "=1/0", 300_000_000_000, "1,5 M€", "2016-01-02", "12/05/2016", "oui",
        "#REF!", "1 234 €/an", "environ 100", "100 HT", " ", "0", "1e5", "١٢", "12,", ",5", "1'234",
    )  # fmt: skip
    many = {"Budget": {f"F{row}": value for row, value in enumerate(amounts, 6)}}
    more: dict[str, dict[str, Any]] = {
        "Budget": {"C6": "Autre chose", "E7": 1, "I8": "x" * 2001, "I9": "ligne_x000B_coupée", "A10": "ok", "A3": 0},
        "Actions": {"F6": "presque finie", "G6": 150, "H6": "31/02/2016", "I6": "douze", "B7": "I-9.9./9"},
        "Financements": {"E6": "presque", "F6": "1 234,50 €", "D6": "x" * 2001},
    }
    spare: books.Cells = {
        "Budget": {
            "B36": "9 – Emploi", "C36": "Chantier jeunes", "F36": 1500, "B37": 9, "C37": "Par numéro", "F37": 10,
            "C38": "Sans convention", "F38": 1, "B39": "99 – Inconnue", "C39": "Chantier", "F39": 1, "B40": 9,
            "C40": "Accueil péri-scolaire", "F40": 1, "B41": "9 – Emploi", "C41": "Total emploi", "F41": 32_000,
            "B42": "Sous-total", "F42": 32_000, "B43": 9, "C43": "Chantier jeunes", "F43": 1500,
        },
    }  # fmt: skip
    understood: books.Cells = {
        "Actions": {"F6": "EN COURS", "G6": "40 %", "H6": "30/11/2016", "F7": 3, "B7": "I-1.1./4", "G7": 0.4},
        "Financements": {"E6": "chiffré", "F6": 12},
        "Budget": {"J6": "B99-inconnu-1", "J7": "B01-mainvilliers-001", "F5": "Notre budget", "G5": None},
    }
    fractions = (1.15, 0.29, 4.35, 1001.1, 19.99, 8.2, 0.57, 2.675, 1.005, 64.1, 0.1 + 0.2, 1e-7, 99999999.99)
    binary = {"Budget": {f"F{row}": value for row, value in enumerate(fractions, 6)}}
    saved = "2016-11-20T10:00:00"
    site.type(form, "fractions.xlsx", binary, saved=saved)
    for name, cells in (("montants", many), ("verrous", more), ("lignes", spare), ("divers", understood)):
        site.type(form, f"{name}.xlsx", cells, saved=saved)
    for name, change in CHANGES.items():
        site.change(form, f"{name}.xlsx", change, saved=saved)
    files = sorted(path.name for path in site.root.glob("*.xlsx"))
    site.run("validate", *files, "--annoter", "annotes", "--json", "constats.json")
    site.run("diff", "workbooks/envois/2016/mainvilliers-2016.xlsx", "lignes.xlsx", "--classeur", "diff.xlsx")
    site.run("diff", "workbooks/envois/2016/mainvilliers-2016.xlsx", "fractions.xlsx", "--tout")
    site.run("diff", "workbooks/envois/2016/mainvilliers-2016.xlsx", "triées.xlsx", "--deplacements")
    site.run("diff", "workbooks/envois/2016/mainvilliers-2016.xlsx", "workbooks/envois/2016/luce-2016.xlsx")
    for name, content in hostile_files(form.read_bytes()).items():
        site.write(f"hostiles/{name}", content)
    site.run("validate", *sorted(f"hostiles/{path.name}" for path in (site.root / "hostiles").iterdir()))


# What a script does to the form of Mainvilliers


def _delete_row(book: Any) -> None:
    for column in "BCDEFGHIJ":
        book["Budget"][f"{column}7"] = None


def _swap_rows(book: Any) -> None:
    sheet = book["Budget"]
    for column in "BCDEFGHIJ":
        one, other = sheet[f"{column}6"], sheet[f"{column}7"]
        one.value, other.value = other.value, one.value


def _sort_alone(book: Any) -> None:
    sheet = book["Budget"]
    for row, label in enumerate(sorted(str(sheet[f"C{row}"].value) for row in range(6, 36)), 6):
        sheet[f"C{row}"] = label


def _rename_sheet(book: Any) -> None:
    book["Budget"].title = "Notre budget 2016"
    for name in book.defined_names.values():
        name.attr_text = name.attr_text.replace("'Budget'!", "'Notre budget 2016'!")


def _add_column(book: Any) -> None:
    sheet = book["Budget"]
    sheet["K5"], sheet["K6"] = "Notre colonne", "à revoir"


def _move_columns(book: Any) -> None:
    sheet = book["Budget"]
    for row in range(5, sheet.max_row + 1):
        one, other = sheet[f"F{row}"], sheet[f"I{row}"]
        one.value, other.value = other.value, one.value


def _type_below(book: Any) -> None:
    sheet = book["Budget"]
    row = sheet.max_row + 1
    sheet[f"B{row}"], sheet[f"C{row}"], sheet[f"F{row}"] = 9, "Une ligne de plus", 10


def _copy_sheet(book: Any) -> None:
    book.copy_worksheet(book["Budget"]).title = "Budget (2)"


def _undo_tables(book: Any) -> None:
    for sheet in book:
        for table in list(sheet.tables):
            del sheet.tables[table]


def _drop(name: str) -> Any:
    return lambda book: book.remove(book[name])


def _identity(key: str, value: Any) -> Any:
    def change(book: Any) -> None:
        for row in book["_tabellion"].iter_rows(min_col=1, max_col=2):
            if row[0].value == key:
                row[1].value = value

    return change


CHANGES = {
    "ligne supprimée": _delete_row,
    "triées": _swap_rows,
    "colonne triée": _sort_alone,
    "feuille renommée": _rename_sheet,
    "colonne en plus": _add_column,
    "colonnes déplacées": _move_columns,
    "sous le formulaire": _type_below,
    "feuille copiée": _copy_sheet,
    "tableaux défaits": _undo_tables,
    "sans identité": _drop("_tabellion"),
    "sans référence": _drop("_reference"),
    "autre contrat": _identity("contrat", "autre-contrat"),
    "autre partenaire": _identity("partenaire", "personne"),
    "autre version": _identity("format", 99),
}
