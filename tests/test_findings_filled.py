"""Every call of a finding fills its template: no message of the catalogue lacks a word where it is said."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from functools import cache

from support.contracts import ROOT
from tabellion.findings import CATALOGUE

PACKAGE = ROOT / "scripts" / "tabellion"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
#: What makes a finding from its first argument, a code.
MAKERS = ("finding", "refusal", "say")
#: Names that :func:`tabellion.findings.finding` always fills, with nothing where they are not given.
ALWAYS = {"champ", "valeur", "attendu", "reste"}
VERSIONS = "version-inconnue version-ancienne version-illisible"
#: Where a code comes from elsewhere: the modules (or the folder of modules) whose words are all the codes it may be.
ELSEWHERE = {
    "checks/integrity.py": (
        "checks/integrity.py: cellule-obligatoire-vide valeur-hors-liste forme-inattendue hors-bornes texte-trop-long",
    ),
    "checks/formulas.py": ("checks/formulas.py: plage-incomplete formule-modifiee formule-remplacee formule-effacee",),
    "checks/presentation.py": (
        "checks/presentation.py: valeur-sous-fusion cellules-fusionnees montant-barre montant-en-devise "
        "montant-a-l-echelle format-a-l-echelle unite-du-format montant-masque calcul-manuel",
    ),
    "checks/plans.py": ("checks/plans.py: plan-desequilibre plan-sans-produit contributions-desequilibrees",),
    "contract/register_csv.py": (
        "schema/cast.py",
        "schema/typed/choices.py: caracteres-interdits date-au-lieu-de-texte",
        "contract/register_csv.py: colonne-facultative-absente colonne-absente-du-registre",
    ),
    "importing/fitting.py": ("schema/cast.py", "schema/typed/choices.py: caracteres-interdits date-au-lieu-de-texte"),
    "importing/budget.py": ("importing/budget.py: montant-douteux montants-colles",),
    "mail/posting.py": ("mail/posting.py: courriel-differe courriel-injoignable courriel-refuse",),
    "outputs/diff/__init__.py": ("outputs/diff/__init__.py: genres-differents partenaires-differents",),
    "outputs/diff/reading.py": (f"outputs/diff/reading.py: genre-inconnu {VERSIONS} autre-contrat",),
    "reading/cells.py": ("schema/cast.py", "schema/typed", "reading/cells.py: nombre-en-texte"),
    "reading/tables.py": ("reading/tables.py: colonne-retiree colonne-absente",),
    "reading/corrections.py": (
        "reading/corrections.py: identifiant-repete identifiant-manquant identifiant-retabli identifiant-attribue",
    ),
    "reading/formats.py": (
        "reading/formats.py: format-archive format-message format-image format-chiffre format-word format-presentation "
        "format-autre format-xls",
    ),
    "reading/form_identity.py": (f"reading/form_identity.py: genre-inconnu {VERSIONS} autre-contrat",),
    "reading/master.py": (f"reading/master.py: genre-inconnu {VERSIONS} autre-contrat",),
}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def needed(code: str) -> set[str]:
    """The names in a code's message and remedy."""
    entry = CATALOGUE[code]
    parsed = [part for text in (entry.message, entry.remede) for part in string.Formatter().parse(text)]
    return {name for _, name, _, _ in parsed if name} - ALWAYS


def functions(module: str) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef))


def takes_code(function: ast.FunctionDef) -> bool:
    return any(argument.arg == "code" for argument in (*function.args.posonlyargs, *function.args.args))


def called(call: ast.Call) -> str:
    return getattr(call.func, "id", None) or getattr(call.func, "attr", "")


def is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


@cache
def wrappers(module: str) -> dict[str, set[str] | None]:
    """The functions of a module that take a code: the names they fill themselves; ``None`` when they forward none."""
    codes_by_wrapper: dict[str, set[str] | None] = {}
    for function in functions(module):
        if takes_code(function):
            made = [call for call in ast.walk(function) if isinstance(call, ast.Call) and called(call) in MAKERS]
            inner = [call for call in made if any(is_name(arg, "code") for arg in call.args)]
            names = [{keyword.arg for keyword in call.keywords if keyword.arg} for call in inner]
            codes_by_wrapper[function.name] = set.intersection(*names) if names else None
    return codes_by_wrapper


def given(module: str, call: ast.Call) -> set[str]:
    """The names that a call fills, those of a ``**words`` from the dictionaries that the module assigns to it."""
    names = {keyword.arg for keyword in call.keywords if keyword.arg}
    for keyword in call.keywords:
        if keyword.arg is None and isinstance(keyword.value, ast.Name):
            names |= assigned(module, call, keyword.value.id)
    return names | (wrappers(module).get(called(call)) or set())


def assigned(module: str, call: ast.Call, name: str) -> set[str]:
    """The keys that every dictionary assigned to ``name`` has: in the function of the call, or else in the module."""
    around = [function for function in functions(module) if any(node is call for node in ast.walk(function))]
    keys = [dictionary for function in around for dictionary in dictionaries(function, name)] or [
        *dictionaries(tree(module), name)
    ]
    return set.intersection(*keys) if keys else set()


def dictionaries(scope: ast.AST, name: str) -> Iterator[set[str]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(is_name(target, name) for target in targets):
                yield {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}


def calls(module: str) -> Iterator[tuple[ast.Call, str | None]]:
    """The calls of a module that make a finding, each with its code, ``None`` when it is in a variable."""
    inside = {id(call) for function in functions(module) if takes_code(function) for call in ast.walk(function)}
    for node in ast.walk(tree(module)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = called(node)
        codes = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and arg.value in CATALOGUE]
        if name not in MAKERS and (name not in wrappers(module) or wrappers(module)[name] is None):
            continue
        if codes:
            yield node, str(codes[0])
        elif (name in ("finding", "refusal") or "code" in ast.unparse(node.args[0]).split(".")) and id(
            node
        ) not in inside:
            yield node, None


@cache
def words(source: str) -> set[str]:
    """The codes that a module, or every module of a folder, writes; those after a colon when some are listed."""
    where, _, listed = source.partition(": ")
    if listed:
        return set(listed.split())
    return {
        str(node.value)
        for module in MODULES
        if module == where or module.startswith(f"{where}/")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CATALOGUE
    }


def test_every_call_that_names_its_code_fills_it() -> None:
    wrong = [
        (module, call.lineno, code, sorted(needed(code) - given(module, call)))
        for module in MODULES
        for call, code in calls(module)
        if code is not None and needed(code) - given(module, call)
    ]
    assert wrong == []


def test_every_call_whose_code_comes_from_elsewhere_fills_all_it_may_be() -> None:
    wrong, unlisted = [], []
    for module in MODULES:
        for call, code in calls(module):
            if code is not None or module.startswith("cli/"):  # the commands' own refusal is no finding
                continue
            if module not in ELSEWHERE:
                unlisted.append((module, call.lineno, ast.unparse(call)[:80]))
                continue
            codes = set().union(*map(words, ELSEWHERE[module]))
            assert codes, module
            lacking = {code: sorted(needed(code) - given(module, call)) for code in codes}
            wrong += [(module, call.lineno, code, names) for code, names in lacking.items() if names]
    assert (wrong, unlisted) == ([], [])


def test_what_is_looked_for_is_found() -> None:
    codes = {code for module in MODULES for _, code in calls(module) if code is not None}
    assert len(codes) > 150


def test_every_code_is_said_somewhere() -> None:
    quoted = set().union(*(words(module) for module in MODULES if not module.startswith("findings/")))
    assert sorted(set(CATALOGUE) - quoted) == []
