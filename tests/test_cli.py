"""The command line as people meet it: real processes, their exit codes, what they say and what they leave behind."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from support.program import Outcome, contents, environment, tabellion

COMMANDS = (
    "import", "generate", "validate", "new", "forms", "consolidate", "status", "relances", "historique", "adopt",
    "watch", "envoyer", "relever",
    "publish",
    "export", "annexe", "diff", "ensemble", "installer", "diagnostic",
)  # fmt: skip
#: Words of typer's and click's own English that no French page has.
ENGLISH = re.compile(
    r"\b(show|this|exit|missing|such|did|invalid|value|default|required|error|try|for|got|unexpected|extra|bool|path"
    r"|text|command|args|aborted|takes?|the|of|and)\b",
    re.IGNORECASE,
)


def english(text: str) -> list[str]:
    return ENGLISH.findall(re.sub(r"« tabellion[^»]*»|--?[\w-]+|\btabellion (new|generate)\b", "", text))


# Help


def test_the_bare_command_shows_the_help(tmp_path: Path) -> None:
    bare, asked = tabellion(cwd=tmp_path), tabellion("--help", cwd=tmp_path)
    assert (bare.code, bare.out, bare.err) == (0, asked.out, "")
    assert all(f"  {command} " in bare.out for command in COMMANDS)


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_of_every_command_is_in_french(tmp_path: Path, command: str, option: str) -> None:
    done = tabellion(*filter(None, [command]), option, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage : {' '.join(filter(None, ['tabellion', command]))} [OPTIONS]")
    assert "Affiche cette aide et s'arrête." in done.out
    assert not english(done.out)


def test_the_help_starts_without_any_heavy_library(tmp_path: Path) -> None:
    program = "import sys; from tabellion.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.rpartition("\n\n")[2].split()}
    heavy = {"pandas", "numpy", "pandera", "openpyxl", "xlsxwriter", "python_calamine", "rich", "pydantic"}
    heavy |= {"multiprocessing", "asyncio", "filelock"}
    assert "typer" in loaded
    assert not loaded & heavy


def test_the_child_that_reads_a_return_starts_without_what_reads_settings(tmp_path: Path) -> None:
    heavy = {"pydantic", "pandas", "asyncio", "multiprocessing", "filelock"}
    program = f"import sys; import tabellion.commands.validate; print({heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_the_version_is_said(tmp_path: Path) -> None:
    done = tabellion("--version", cwd=tmp_path)
    assert done.code == 0
    assert re.fullmatch(r"tabellion \d+\.\d+\.\d+\n|tabellion 0\+source\n", done.out)


# Wrong use


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("bidon", "la commande « bidon » n'existe pas ; attendu : import, generate, "),
        ("generat", "vouliez-vous dire « generate » ?"),
        ("--verbeux", "l'option « --verbeux » n'existe pas ; attendu : --version, --completion, --help."),
        ("import", "il manque l'argument FICHIER…"),
        ("new a b", "« b » est de trop."),
        ("generate a b", "« a b » est de trop."),
        ("generate --sorti x", "vouliez-vous dire « --sortie » ?"),
        ("generate --json", "l'option « --json » attend une valeur (FICHIER)."),
        ("ensemble . --vers ''", "l'option « --vers » attend une valeur (DOSSIER)."),
        ("ensemble . --vers=", "l'option « --vers » attend une valeur (DOSSIER)."),
        ("generate --json ''", "l'option « --json » attend une valeur (FICHIER)."),
        ("ensemble ''", 'un des arguments est vide (« "" ») : donnez ce qu\'il doit nommer, ou rien.'),
        ("validate a ''", "un des arguments est vide"),
        ("new ''", "un des arguments est vide"),
        ("generate --forcer=oui", "l'option « --forcer » ne prend pas de valeur."),
        (
            "forms --exercice bientôt",
            "la valeur donnée pour l'option « --exercice » ne convient pas ; attendu : un nombre entier.",
        ),
        (
            "publish --depuis lune",
            "la valeur donnée pour l'option « --depuis » ne convient pas ; attendu : contrat, consolidation.",
        ),
        ("forms --partenaires x", "vouliez-vous dire « --partenaire » ?"),
        ("validate", "il manque l'argument FICHIER…"),
        ("new", "il manque l'argument DOSSIER"),
        ("new -x d", "l'option « -x » n'existe pas ; attendu : --vide, --modele, "),
        ("annexe --format x", "n'existe pas ; attendu : --exercice, --sortie, --depuis, --forcer, --contrat, --help."),
    ],
)
def test_wrong_use_is_explained_in_french(tmp_path: Path, arguments: str, message: str) -> None:
    done = tabellion(*shlex.split(arguments), cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage : tabellion")
    assert message in done.err
    assert "--help » affiche l'aide." in done.err
    assert not english(done.err)
    assert not contents(tmp_path)


def test_outside_a_contract_every_command_says_where_to_go(tmp_path: Path) -> None:
    (tmp_path / "texte.txt").write_text("bonjour", encoding="utf-8")
    for arguments in (["import", "texte.txt"], ["generate"], ["forms"], ["validate", "x.xlsx"]):
        done = tabellion(*arguments, cwd=tmp_path)
        assert (done.code, done.codes) == (2, ["espace-absent"])


# The commands at work


def test_new_makes_a_workspace_that_generates_at_once(tmp_path: Path) -> None:
    done = tabellion("new", "le contrat d'ici", cwd=tmp_path)
    assert done.code == 0
    command = done.out.partition("lancez : tabellion ")[2]
    if os.name != "nt":
        assert shlex.split(command) == ["generate", "--contrat", "le contrat d'ici"], "it can be pasted as it is"
    made = contents(tmp_path / "le contrat d'ici")
    assert {"tabellion.toml", "schemas/fiches.json", "templates/contrat.toml", "workbooks/registre/fiches.csv"} <= {
        *made
    }
    assert tabellion("generate", "--contrat", "le contrat d'ici", cwd=tmp_path).code == 0
    assert (tmp_path / "le contrat d'ici" / "workbooks" / "contrat.xlsx").stat().st_size > 50_000


def test_new_never_overwrites(workspace: Path) -> None:
    before = contents(workspace)
    (workspace / "workbooks" / "registre" / "fiches.csv").unlink()
    kept = contents(workspace)
    done = tabellion("new", workspace, cwd=workspace)
    assert (done.code, set(done.codes)) == (2, {"fichier-deja-la"})
    assert done.err.count("existe déjà et ne sera pas remplacé") == len(before) - 1
    assert contents(workspace) == kept


def test_a_contract_in_another_s_folder_is_said_and_refused_among_its_workbooks(workspace: Path) -> None:
    inside = tabellion("new", "dedans", "--vide", cwd=workspace)
    assert (inside.code, inside.codes) == (0, ["contrat-dans-un-autre"])
    refused_ = tabellion("new", "retours/dedans", "--vide", cwd=workspace / "workbooks")
    assert (refused_.code, refused_.codes) == (2, ["contrat-parmi-les-classeurs"])
    assert not (workspace / "workbooks" / "retours").exists()


def test_generate_works_from_a_folder_below_and_gives_the_same_bytes(workspace: Path) -> None:
    one = tabellion("generate", cwd=workspace / "workbooks" / "registre")
    assert one.code == 0
    first = (workspace / "workbooks" / "contrat.xlsx").read_bytes()
    two = tabellion("generate", "--sortie", "ailleurs/autre.xlsx", cwd=workspace)
    assert two.code == 0
    assert (workspace / "ailleurs" / "autre.xlsx").read_bytes() == first
    assert tabellion("generate", cwd=workspace).code == 0
    assert (workspace / "workbooks" / "contrat.xlsx").read_bytes() == first


def test_the_json_has_the_declared_shape(workspace: Path) -> None:
    done = tabellion("generate", "--json", "sorties/constats.json", cwd=workspace)
    assert done.code == 0
    written = json.loads((workspace / "sorties" / "constats.json").read_text(encoding="utf-8"))
    assert list(written) == ["version", "constats", "resume"]
    assert written["version"] == 1
    assert written["constats"]
    for constat in written["constats"]:
        assert list(constat) == [
            "code", "gravite", "bloquant", "fichier", "feuille", "cellule", "ligne", "champ",
            "valeur", "attendu", "message", "suggestion", "liees",
        ]  # fmt: skip
        assert constat["gravite"] in ("erreur", "avertissement", "information")
        assert constat["fichier"] == "contrat.xlsx"
        assert re.fullmatch(r"[A-Z]+[1-9]\d*", constat["cellule"])
        assert all(list(linked) == ["fichier", "feuille", "cellule"] for linked in constat["liees"])
    resume = written["resume"]
    counts = [resume[gravite] for gravite in ("erreur", "avertissement", "information")]
    assert sum(counts) == sum(resume["par_code"].values()) == sum(resume["par_fichier"].values())
    assert sum(counts) == len(written["constats"])
    assert resume["bloquants"] == 0


@pytest.mark.parametrize("command", ["validate workbooks/contrat.xlsx", "diff workbooks/contrat.xlsx copie.xlsx"])
def test_the_json_replaces_a_result_and_nothing_else(workspace: Path, command: str) -> None:
    assert tabellion("generate", cwd=workspace).code == 0
    copy = workspace / "copie.xlsx"
    copy.write_bytes((workspace / "workbooks" / "contrat.xlsx").read_bytes())
    for name in ("retour.xlsx", "schemas/fiches.json", "workbooks/registre/fiches.csv"):
        target = workspace / name
        if not target.exists():
            target.write_bytes(copy.read_bytes())
        before = target.read_bytes()
        done = tabellion(*command.split(), "--json", name, cwd=workspace)
        assert done.code == 2
        assert ("[place-reservee]" if "/" in name else "[fichier-deja-la]") in done.err
        assert target.read_bytes() == before
    for _ in range(2):
        assert tabellion(*command.split(), "--json", "r.json", cwd=workspace).code == 0
    assert json.loads((workspace / "r.json").read_text(encoding="utf-8"))["version"] == 1


def test_validate_says_the_same_as_generate(workspace: Path) -> None:
    generated = tabellion("generate", "--json", "a.json", cwd=workspace)
    validated = tabellion("validate", "workbooks/contrat.xlsx", "--json", "b.json", cwd=workspace)
    assert (generated.code, validated.code) == (0, 0)
    a, b = (json.loads((workspace / name).read_text(encoding="utf-8")) for name in ("a.json", "b.json"))
    assert {_key(constat) for constat in b["constats"]} == {_key(constat) for constat in a["constats"]}


def _key(constat: dict[str, object]) -> tuple[object, ...]:
    return constat["code"], constat["feuille"], constat["cellule"], constat["message"]


def test_validate_says_unreadable_input_with_its_own_exit_code_and_reads_the_rest(workspace: Path) -> None:
    tabellion("generate", cwd=workspace)
    (workspace / "retour.xlsx").write_text("Chartres;12\n", encoding="utf-8")
    done = tabellion("validate", "retour.xlsx", "absent.xlsx", "workbooks/contrat.xlsx", cwd=workspace)
    assert done.code == 2
    assert {"format-csv", "fichier-introuvable", "libelle-vide"} <= {*done.codes}


def test_forms_writes_one_form_a_partner_and_says_each(workspace: Path) -> None:
    done = tabellion("forms", cwd=workspace)
    assert (done.code, done.err) == (0, "")
    folder = workspace / "workbooks" / "envois" / "2016"
    written = sorted(path.name for path in folder.glob("*.xlsx"))
    lines = [line.split()[0] for line in done.out.splitlines() if line.startswith("  ")]
    assert sorted(lines) == written
    assert f"{len(written)} formulaires écrits" in done.out
    before = contents(folder)
    assert tabellion("forms", "--partenaire", "luce", "--partenaire", "etat", cwd=workspace).code == 0
    assert contents(folder) == before


def test_forms_of_some_partners_and_of_another_year(workspace: Path) -> None:
    done = tabellion(
        "forms", "--exercice", "2017", "--partenaire", "etat", "--partenaire", "luce", "--partenaire", "luce",
        cwd=workspace,
    )  # fmt: skip
    assert done.code == 0
    folder = workspace / "workbooks" / "envois"
    assert [*contents(folder)] == [
        ".sceau", "2017/etat-2017.xlsx", "2017/guide-partenaire.docx", "2017/luce-2017.xlsx"
    ]  # fmt: skip


@pytest.mark.source
def test_import_writes_the_register_that_is_committed(workspace: Path) -> None:
    from support.contracts import SOURCE

    done = tabellion("import", SOURCE, "--vers", "neuf", cwd=workspace)
    assert done.code == 0
    committed = contents(workspace / "workbooks" / "registre")
    written = dict(contents(workspace / "neuf"))
    del written["correspondance.xlsx"]
    account = written.pop("lignes_source.csv").decode().splitlines()
    assert written == {name: committed[name] for name in written}
    assert len(account) - 1 == len(SOURCE.read_text(encoding="utf-8").splitlines())


# Work that people did is never lost


def edit(path: Path) -> bytes:
    """Save the workbook as a person who changed one amount would."""
    import openpyxl

    book = openpyxl.load_workbook(path)
    sheet = next(worksheet for worksheet in book.worksheets if worksheet.title.startswith("B01"))
    sheet["B2"] = "changé"
    book.save(path)
    return path.read_bytes()


def test_an_edited_workbook_is_not_overwritten(workspace: Path) -> None:
    tabellion("generate", cwd=workspace)
    edit(workspace / "workbooks" / "contrat.xlsx")
    before = contents(workspace)
    done = tabellion("generate", cwd=workspace)
    assert (done.code, done.codes) == (2, ["classeur-modifie"])
    assert contents(workspace) == before


def test_forcer_keeps_a_dated_copy(workspace: Path) -> None:
    import openpyxl

    tabellion("generate", cwd=workspace)
    path = workspace / "workbooks" / "contrat.xlsx"
    edited = edit(path)
    done = tabellion("generate", "--forcer", cwd=workspace)
    assert done.code == 0
    (copy,) = (path.parent / "archives").glob("contrat 2*.xlsx")
    assert re.fullmatch(r"contrat \d{4}-\d\d-\d\d \d\dh\d\d\.xlsx", copy.name)
    assert copy.name in done.out
    assert copy.read_bytes() == edited
    sheet = next(
        worksheet for worksheet in openpyxl.load_workbook(path).worksheets if worksheet.title.startswith("B01")
    )
    assert sheet["B2"].value == "changé", "what somebody typed on a sheet of ours comes along"


def fill(path: Path) -> bytes:
    """Save a form as a partner who typed one amount would."""
    import openpyxl

    book = openpyxl.load_workbook(path)
    book["Budget"]["F6"] = 1200
    book.save(path)
    return path.read_bytes()


def test_a_filled_form_is_not_overwritten(workspace: Path) -> None:
    partners = [word for name in ("luce", "chartres", "etat") for word in ("--partenaire", name)]
    tabellion("forms", *partners, cwd=workspace)
    folder = workspace / "workbooks" / "envois" / "2016"
    for name in ("luce", "chartres"):
        fill(folder / f"{name}-2016.xlsx")
    (folder / "etat-2016.xlsx").unlink()
    done = refused(workspace, "forms", *partners)
    assert done.codes == ["fichier-deja-la", "fichier-deja-la"]
    assert "luce-2016.xlsx" in done.err
    assert "chartres-2016.xlsx" in done.err
    assert tabellion("forms", "--partenaire", "etat", cwd=workspace).code == 0


def test_forcer_keeps_a_dated_copy_of_a_filled_form(workspace: Path) -> None:
    tabellion("forms", "--partenaire", "luce", cwd=workspace)
    path = workspace / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    fresh, filled = path.read_bytes(), fill(path)
    done = tabellion("forms", "--partenaire", "luce", "--forcer", cwd=workspace)
    assert done.code == 0
    (copy,) = path.parent.glob("luce-2016 2*.xlsx")
    assert copy.name in done.out
    assert (path.read_bytes(), copy.read_bytes()) == (fresh, filled)


# Bad input: everything is said at once, with its place and its remedy, and nothing is written


def refused(workspace: Path, *arguments: str) -> Outcome:
    before = contents(workspace)
    done = tabellion(*(arguments or ("generate",)), cwd=workspace)
    assert (done.code, done.out) == (2, "")
    assert "Rien n'a été écrit" in done.err
    assert "→ " in done.err
    assert contents(workspace) == before
    return done


def test_a_missing_register(workspace: Path) -> None:
    registre = workspace / "workbooks" / "registre"
    registre.rename(workspace / "workbooks" / "mis de côté")
    assert refused(workspace).codes == ["registre-absent"]


def test_all_wrong_options_of_forms_are_said_at_once_with_the_nearest_partner(workspace: Path) -> None:
    options = ["--exercice", "2040", "--partenaire", "pole-emplois", "--partenaire", "Conseil Régional", "--forcer"]
    done = refused(workspace, "forms", *options, "--partenaire", "zzz", "--partenaire", "luce")
    assert {*done.codes} == {"option-fausse"}
    assert "une année de 2015 à 2020" in done.err
    assert "« pole-emploi »" in done.err
    assert "trouvé zzz, attendu un identifiant de partenaires.csv" in done.err
    assert "4 erreurs" in done.err


def test_missing_tables_are_all_named(workspace: Path) -> None:
    for name in ("fiches", "axes"):
        (workspace / "workbooks" / "registre" / f"{name}.csv").unlink()
    done = refused(workspace)
    assert done.codes == ["registre-absent", "registre-absent"]
    assert "fiches.csv" in done.err
    assert "axes.csv" in done.err


def test_a_register_saved_by_an_old_excel(workspace: Path) -> None:
    registre = workspace / "workbooks" / "registre"
    text = (registre / "collectivites.csv").read_text(encoding="utf-8")
    (registre / "collectivites.csv").write_bytes(text.encode("latin-1"))
    piliers = (registre / "piliers.csv").read_text(encoding="utf-8")
    (registre / "piliers.csv").write_text(piliers.replace(",", ";"), encoding="utf-8")
    done = tabellion("generate", cwd=workspace)
    assert done.code == 0, done.err
    assert done.codes.count("registre-de-tableur") == 2
    assert "caractères de Windows" in done.out
    assert "points-virgules" in done.out


def test_broken_schemas_are_all_named_with_their_line(workspace: Path) -> None:
    schemas = workspace / "schemas"
    lines = (schemas / "fiches.json").read_text(encoding="utf-8").splitlines()
    (schemas / "fiches.json").write_text("\n".join([*lines[:4], "]", *lines[5:]]), encoding="utf-8")
    axes = (schemas / "axes.json").read_text(encoding="utf-8")
    (schemas / "axes.json").write_text(axes.replace('"string"', '"strnig"', 1), encoding="utf-8")
    done = refused(workspace)
    assert {"schema-illisible", "schema-faux"} <= {*done.codes}
    assert re.search(r"fiches\.json\n.*\n +ligne \d+ : ", done.err)
    assert "strnig" in done.err


def test_broken_settings_are_said_at_once(workspace: Path) -> None:
    path = workspace / "tabellion.toml"
    text = path.read_text(encoding="utf-8").replace("debut = 2015", 'debut = "deux mille quinze"')
    path.write_text(text.replace("fin = 2020", "fni = 2020"), encoding="utf-8")
    done = refused(workspace)
    assert {*done.codes} == {"reglage-faux", "reglage-inconnu"}
    assert "vouliez-vous dire « contrat.fin » ?" in done.err
    assert "deux mille quinze" in done.err


def test_settings_that_are_not_toml_name_their_line(workspace: Path) -> None:
    path = workspace / "tabellion.toml"
    path.write_text("[contrat]\nid = \n", encoding="utf-8")
    done = refused(workspace)
    assert done.codes == ["reglages-illisibles"]
    assert "ligne 2" in done.err


@pytest.mark.parametrize(
    "content", [b"", b"Bonjour,\n\nvoici le compte rendu.\n", b"\xff\xfe\x00\x01" * 100, b"PK\x03\x04"]
)
def test_a_document_that_is_not_one(workspace: Path, content: bytes) -> None:
    (workspace / "document.txt").write_bytes(content)
    done = refused(workspace, "import", "document.txt", "--vers", "neuf")
    assert len(done.codes) == 1
    assert "document.txt" in done.err


def test_a_document_that_is_not_there(workspace: Path) -> None:
    assert refused(workspace, "import", "absent.txt").codes == ["document-illisible"]
    assert refused(workspace, "import", "schemas").codes == ["document-illisible"]


# Places where nothing can be written


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        ("generate --sortie dossier", "dossier"),
        ("generate --sortie notes.txt/contrat.xlsx", "notes.txt"),
        ("annexe --sortie notes.txt/2016/annexe.xlsx", "notes.txt"),
        ("export --vers notes.txt", "notes.txt"),
    ],
)
def test_an_output_where_something_else_stands(workspace: Path, command: str, taken: str) -> None:
    (workspace / "dossier").mkdir()
    (workspace / "notes.txt").touch()
    done = refused(workspace, *command.split())
    assert done.codes == ["place-prise"]
    kinds = ("un dossier", "un fichier") if taken == "dossier" else ("un fichier", "un dossier")
    assert f"« {taken} » est {kinds[0]} : il faut {kinds[1]} à cette place." in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_the_right_to_write(workspace: Path) -> None:
    (workspace / "fermé").mkdir()
    (workspace / "fermé").chmod(0o500)
    done = refused(workspace, "generate", "--sortie", "fermé/contrat.xlsx")
    assert done.codes == ["ecriture-impossible"]
    assert "accès refusé" in done.err


def test_a_disk_that_fills_up_leaves_the_old_workbook_whole(workspace: Path) -> None:
    tabellion("generate", cwd=workspace)
    registre = workspace / "workbooks" / "registre" / "piliers.csv"
    registre.write_text(registre.read_text(encoding="utf-8").replace("sociale", "et sociale"), encoding="utf-8")
    before = contents(workspace)
    done = subprocess.run(
        [sys.executable, "-m", "tabellion", "generate"],
        cwd=workspace,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        check=False,
    )
    assert done.returncode == 2
    assert "[ecriture-impossible]" in done.stderr
    assert contents(workspace) == before


def test_a_json_that_cannot_be_written_does_not_pretend_that_nothing_was_done(workspace: Path) -> None:
    (workspace / "dossier").mkdir()
    done = tabellion("generate", "--json", "dossier", cwd=workspace)
    assert (done.code, done.codes) == (2, ["place-prise"])
    assert (workspace / "workbooks" / "contrat.xlsx").exists()
    assert "Le reste est fait" in done.err
    assert "Rien n'a été écrit" not in done.err


# What goes wrong inside the program


def break_a_library(folder: Path) -> str:
    """A folder for ``PYTHONPATH`` where a library of the program is broken."""
    (folder / "xlsxwriter").mkdir(parents=True)
    (folder / "xlsxwriter" / "__init__.py").write_text("raise RuntimeError('bibliothèque abîmée')\n", encoding="utf-8")
    return f"{folder}{os.pathsep}{environment()['PYTHONPATH']}"


def test_an_internal_error_leaves_a_report_and_no_traceback(workspace: Path, tmp_path: Path) -> None:
    reports = tmp_path / "rapports"
    reports.mkdir()
    before = contents(workspace)
    broken = break_a_library(tmp_path / "abîmé")
    done = tabellion("generate", cwd=workspace, PYTHONPATH=broken, TMPDIR=str(reports))
    assert (done.code, done.out) == (3, "")
    assert "Traceback" not in done.err
    (report,) = reports.iterdir()
    assert str(report) in done.err
    text = report.read_text(encoding="utf-8")
    assert "RuntimeError: bibliothèque abîmée" in text
    assert text.startswith("tabellion ")
    assert contents(workspace) == before


# Consoles, logs and pipes


def test_without_a_terminal_a_finding_is_one_line_of_plain_text(workspace: Path) -> None:
    done = tabellion("generate", cwd=workspace, COLUMNS="40")
    assert "\x1b" not in done.out
    assert max(map(len, done.out.splitlines())) > 120
    assert re.search(r"^contrat\.xlsx › B06 .*$", done.out, re.MULTILINE)


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_a_console_in_another_encoding_reads_plain_signs(workspace: Path, encoding: str) -> None:
    done = tabellion("generate", cwd=workspace, encoding=encoding)
    assert done.code == 0
    assert "-> " in done.out
    assert not re.search(r"\d\?\d", done.out)
    assert not re.search(r"\w\?\w", done.out)


def in_terminal(*arguments: str, cwd: Path, columns: int, **more: str) -> tuple[int, str]:
    """Run the program in a terminal of that width; its exit code and all that the terminal received."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [sys.executable, "-m", "tabellion", *arguments]
    env = environment(TERM="xterm-256color", **more)
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        received = b""
        try:
            while piece := os.read(leader, 65536):
                received += piece
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(leader)
    return process.returncode, received.decode()


def test_on_a_terminal_lines_fit_and_colours_show(workspace: Path) -> None:
    code, shown = in_terminal("generate", cwd=workspace, columns=60)
    assert code == 0
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    findings = plain.partition("\r\nClasseur écrit")[0]
    assert max(map(len, findings.splitlines())) <= 60


def test_no_color_is_respected(workspace: Path) -> None:
    code, shown = in_terminal("generate", cwd=workspace, columns=100, NO_COLOR="1")
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)
    assert "\x1b" not in in_terminal("--help", cwd=workspace, columns=100, NO_COLOR="1")[1]


@pytest.mark.parametrize("arguments", [["--help"], ["generate"]])
def test_a_reader_that_leaves_changes_nothing(workspace: Path, arguments: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tabellion", *arguments],
        cwd=workspace,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        error_output = process.stderr.read()
    assert (process.returncode, error_output) == (0, b"")


def test_what_a_file_says_cannot_command_the_terminal() -> None:
    from tabellion.wording import one_line

    assert one_line("a\x1b]0;titre\x07b\nc\u202ed") == "a�]0;titre�b c�d"
