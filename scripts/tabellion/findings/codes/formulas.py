"""What happened to the formulas of a workbook: replaced, altered, cut short, in error, or never computed."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT = Severity.ERREUR, Severity.AVERTISSEMENT

CODES: tuple[Code, ...] = (
    Code("formule-remplacee", "Une formule remplacée par une valeur", _ERREUR,
         "« {titre} » devait se calculer, mais {trouve} a été tapé à la place : ce chiffre ne suit plus les lignes.",
         "Remettez la formule : ={attendu}", True),
    Code("formule-modifiee", "Une formule modifiée", _ERREUR,
         "La formule de « {titre} » a été modifiée : ={valeur}",
         "Remettez la formule : ={attendu}", True),
    Code("plage-incomplete", "Une formule qui ne couvre plus toutes les lignes", _ERREUR,
         "La formule de « {titre} » s'arrête avant la fin du tableau : ={valeur}",
         "Remettez la formule : ={attendu}", True),
    Code("formule-effacee", "Une formule effacée", _ERREUR,
         "« {titre} » devait se calculer, mais la cellule est vide.",
         "Remettez la formule : ={attendu}", True),
    Code("cellule-en-erreur", "Une cellule en erreur", _ERREUR,
         "La cellule affiche {valeur} : sa valeur est perdue.",
         "Retapez la valeur, ou réparez la formule.", True),
    Code("formule-sans-valeur", "Une formule sans valeur calculée", _ERREUR,
         "Cette cellule contient une formule que rien n'a calculée : on ne connaît pas sa valeur.",
         "Ouvrez le classeur dans Excel ou LibreOffice, laissez-le calculer, enregistrez.", True),
    Code("formules-non-calculees", "Des formules jamais calculées", _AVERTISSEMENT,
         "{valeur} formule(s) de cette feuille n'ont pas de valeur calculée : un lecteur qui ne calcule pas les verra vides.",
         "Ouvrez le classeur dans Excel ou LibreOffice, laissez-le calculer, enregistrez."),
    Code("ligne-calculee-absente", "Une ligne calculée a disparu", _ERREUR,
         "La ligne « {valeur} » du tableau « {titre} » a disparu avec ses formules.",
         "Remettez la ligne depuis une copie du classeur, ou régénérez-le.", True),
    Code("valeur-perimee", "Un total qui n'a pas été recalculé", _AVERTISSEMENT,
         "« {titre} » montre {trouve}, les lignes font {calcule} : le classeur n'a pas été recalculé.",
         "Dans Excel : Formules › Options de calcul › Automatique, puis F9 et enregistrez."),
)  # fmt: skip
