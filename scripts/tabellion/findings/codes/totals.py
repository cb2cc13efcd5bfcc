"""What does not add up, and what is counted twice or not at all. Amounts in messages are already formatted."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

_KEEP = "Le chiffre publié reste tel quel. "

CODES: tuple[Code, ...] = (
    Code("total-collectivite", "Le sous-total publié n'est pas la somme des lignes", _ERREUR,
         "{collectivite}, convention {convention}, exercice {exercice} : les lignes font {calcule}, le sous-total publié est {publie} (écart {ecart}).",
         _KEEP + "Vérifiez les lignes de cette collectivité."),
    Code("total-recapitulatif", "Le récapitulatif ne reprend pas le sous-total de la convention", _ERREUR,
         "{collectivite}, convention {convention}, exercice {exercice} : le récapitulatif publie {publie}, la convention {calcule} (écart {ecart}).",
         _KEEP + "Vérifiez lequel des deux sous-totaux est juste."),
    Code("total-convention", "Le total publié de la convention n'est pas la somme de ses sous-totaux", _ERREUR,
         "Convention {convention}, exercice {exercice} : les sous-totaux font {calcule}, le total publié est {publie} (écart {ecart}).",
         _KEEP + "Vérifiez les sous-totaux de cette convention."),
    Code("total-general", "Le total général publié n'est pas la somme des conventions", _ERREUR,
         "Exercice {exercice} : les totaux des conventions font {calcule}, le total général publié est {publie} (écart {ecart}).",
         _KEEP + "Vérifiez les totaux des conventions."),
    Code("convention-absente-du-recapitulatif", "Une convention manque au récapitulatif", _ERREUR,
         "La convention {convention} ({calcule}) n'est pas au récapitulatif de {exercice} : le total général publié ne la compte pas.",
         _KEEP + "Vérifiez si cet oubli est voulu."),
    Code("sous-total-sans-detail", "Un sous-total publié sans aucune ligne", _AVERTISSEMENT,
         "{collectivite}, convention {convention}, exercice {exercice} : un sous-total est publié ({publie}), mais aucune ligne ne le détaille.",
         "Ajoutez les lignes de cette collectivité, ou vérifiez ce sous-total dans le document."),
    Code("detail-sans-sous-total", "Des lignes sans sous-total publié", _INFORMATION,
         "{collectivite}, convention {convention}, exercice {exercice} : les lignes font {calcule}, aucun sous-total n'est publié.",
         "Rien à faire si ces lignes ont été ajoutées depuis la publication."),
    Code("total-sans-place", "Un total dont la portée ne dit pas ce qu'il couvre", _ERREUR,
         "La portée de ce total est « {portee} », mais « {titre} » est {constat} : il n'est comparé à rien.",
         "Corrigez la portée, la convention ou la collectivité de ce total."),
    Code("total-en-double", "Le même total publié deux fois", _ERREUR,
         "Le total « {total} » de l'exercice {exercice} est publié deux fois ({publie} et {autre}) : seul le premier compte.",
         "Supprimez la ligne en trop, ou corrigez sa source, sa portée, sa convention ou sa collectivité."),
    Code("ligne-hors-total", "Une ligne qui n'est pas dans son total", _ERREUR,
         "« {libelle} » ({calcule}) explique à elle seule l'écart du total « {total} » : elle n'y est pas comptée.",
         _KEEP + "Vérifiez si cette ligne doit être comptée."),
    Code("compte-deux-fois", "Le même argent dans deux conventions", _ERREUR,
         "« {libelle} » ({calcule}, {collectivite}) est aussi dans la convention {autre}.",
         "Gardez la ligne dans une seule convention, ou répartissez le montant entre les deux."),
)  # fmt: skip
