"""Scenarios of one contract: made, checked, published, exported, edited."""

from __future__ import annotations

import shutil

from gate import trees
from gate.settings import with_plans
from gate.site import Site


def chartres(site: Site) -> None:
    """The embedded contract and everything that is made of it."""
    site.contract()
    site.run("generate", "--json", "generate.json")
    site.run("generate")
    site.run("validate", "workbooks/contrat.xlsx", "--json", "constats.json")
    site.run("forms", "--exercice", "2015", "--partenaire", "chartres", "--partenaire", "villes")
    site.run("forms", "--exercice", "2017", "--partenaire", "luce", "--partenaire", "etat")
    site.run("export", "--json", "export.json")
    site.run("annexe", "--exercice", "2013")
    site.run("annexe", "--exercice", "2016", "--depuis", "contrat")
    site.run("publish")
    site.run("publish", "--convention", "3", "--convention", "11", "--exercice", "2016", "--sortie", "deux.docx")
    site.run("diff", "workbooks/registre", "workbooks/contrat.xlsx")
    site.run("status")
    site.run("relances")
    site.run("historique", "B01-luce-001")
    site.run("new", "autre")
    site.run("--help")
    site.run("zut")


def edits(site: Site) -> None:
    """The staff edits the workbook, well and badly."""
    site.contract()
    site.run("generate", "--sortie", "avant.xlsx")
    site.run("generate")

    def edit(book: object) -> None:
        sheets = {sheet.title[:3]: sheet for sheet in book}  # type: ignore[attr-defined]
        budget, fiches = sheets["B01"], sheets["C03"]
        rows = [row for row in range(6, budget.max_row + 1) if isinstance(budget.cell(row, 2).value, str)]
        typed = ("voir avec le service", 12.345, -50, "1 234,56 €", "1.234", None, 1e12, "=1/0", "#REF!", "12 k€")
        for row, value in zip(rows[15:], typed, strict=False):
            budget.cell(row, 6).value = value
        fiches["D6"], fiches["E7"], fiches["F8"] = "x" * 255, "à compléter", 9
        fiches["A9"] = fiches["A8"].value
        fiches["G6"] = "2 (2099)"
        sheets["Fin"]["F7"] = "beaucoup"
        sheets["Syn"]["D8"] = 12

    site.change(site.workbooks / "contrat.xlsx", "modifié.xlsx", edit, saved="2016-11-18T10:00:00")
    site.run("validate", "modifié.xlsx", "--json", "constats.json", "--annoter", "annotes")
    site.run("diff", "avant.xlsx", "modifié.xlsx", "--json", "diff.json", "--classeur", "diff.xlsx", "--tout")
    shutil.copy(site.root / "modifié.xlsx", site.workbooks / "contrat.xlsx")
    site.note(site.workbooks / "contrat.xlsx")
    site.run("generate")
    site.run("publish")
    site.run("generate", "--forcer")


def generated(name: str, site: Site, *, with_plans_on: bool = False) -> None:
    """A contract of the data, and everything that is made of it."""
    site.contract(name, settings=with_plans if with_plans_on else None)
    site.run("generate", "--json", "generate.json")
    site.run("validate", "workbooks/contrat.xlsx", "--json", "constats.json")
    site.run("forms")
    site.run("export")
    site.run("annexe", "--exercice", "2014")
    site.run("publish")
    site.run("diff", "workbooks/registre", "workbooks/contrat.xlsx", "--classeur", "diff.xlsx")
    site.run("consolidate")


def bare(site: Site) -> None:
    """A contract whose tables have no row at all; then the piliers alone are missing."""
    site.contract("empty")
    registre = site.workbooks / "registre"
    kept = {name: (registre / f"{name}.csv").read_text(encoding="utf-8") for name in ("piliers", "conventions")}
    for name, text in kept.items():
        site.write(f"workbooks/registre/{name}.csv", text.splitlines(keepends=True)[0])
    site.run("generate")
    site.run("annexe")
    site.run("export")
    site.write("workbooks/registre/conventions.csv", kept["conventions"])
    site.run("generate", "--forcer")
    site.write("workbooks/registre/conventions.csv", kept["conventions"].replace(",I,", ",,"))
    site.run("generate", "--forcer")


def wrong_settings(site: Site) -> None:
    """Settings, schemas and registers with mistakes: everything is said, nothing is made."""
    site.contract("cases")
    registre = site.workbooks / "registre"
    lines = (registre / "lignes_budgetaires.csv").read_text(encoding="utf-8")
    site.write("workbooks/registre/lignes_budgetaires.csv", lines.replace("luce", "nulle-part", 2) + "A,9,x,,zut,1,2\n")
    site.run("generate", "--json", "generate.json")
    site.write("workbooks/registre/lignes_budgetaires.csv", lines)
    fiches = (registre / "fiches.csv").read_text(encoding="utf-8")
    site.write("workbooks/registre/fiches.csv", fiches.replace("oui", "peut-être").replace("true", "peut-être"))
    site.run("generate")
    site.write("workbooks/registre/fiches.csv", fiches)
    settings = (site.root / "tabellion.toml").read_text(encoding="utf-8")
    site.write("tabellion.toml", settings.replace("fin = 2020", 'fin = "2020"\ncouleur = 3').replace("arrondi", "rond"))
    site.run("validate", "tabellion.toml")
    site.run("generate")
    site.write("tabellion.toml", settings + "[[[")
    site.run("forms")
    site.write("tabellion.toml", settings)
    site.write("schemas/fiches.json", "{")
    site.run("generate")
    site.run("export", "--depuis", "ailleurs")
    site.run("forms", "--exercice", "deux")


def imported(site: Site) -> None:
    """The published text read into a register, where the text is there."""
    site.contract()
    if not trees.DOCUMENT.exists():
        return
    site.write("document.txt", trees.DOCUMENT.read_bytes())
    site.run("import", "document.txt", "--vers", "essai", "--json", "import.json")
    site.run("import", "document.txt")
    text = trees.DOCUMENT.read_text(encoding="utf-8").splitlines(keepends=True)
    site.write("abîmé.txt", "".join(line for rank, line in enumerate(text) if rank % 97 != 5))
    site.run("import", "abîmé.txt", "--vers", "abîmé")
