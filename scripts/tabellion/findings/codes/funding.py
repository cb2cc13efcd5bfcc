"""The plans de financement: what does not balance, what is granted or paid beyond. Amounts are already formatted."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = (
    Code("plan-desequilibre", "Un plan de financement dont les charges ne font pas les produits", _ERREUR,
         "Fiche {fiche}, exercice {exercice} : les charges font {charges}, les produits {produits} (écart {ecart}).",
         "Complétez {manque} de {ecart}, ou corrigez un montant : un plan de financement s'équilibre. "
         "Un produit compte pour ce qui est accordé, sinon pour ce qui est demandé."),
    Code("plan-sans-produit", "Un plan de financement sans aucun produit", _AVERTISSEMENT,
         "Fiche {fiche}, exercice {exercice} : les charges font {charges}, aucun produit ne dit qui les paie.",
         "Inscrivez les financeurs et ce qui leur est demandé, ou l'autofinancement."),
    Code("contributions-desequilibrees", "Des contributions volontaires qui ne s'équilibrent pas", _ERREUR,
         "Fiche {fiche}, exercice {exercice} : les contributions volontaires font {charges} en charges (86) et {produits} en produits (87), "
         "soit un écart de {ecart}.",
         "Inscrivez le même montant en charges (86) et en produits (87)."),
    Code("accorde-superieur-au-demande", "Un produit accordé au-delà de ce qui était demandé", _AVERTISSEMENT,
         "Fiche {fiche}, exercice {exercice}, {produit} : {accorde} accordés pour {demande} demandés.",
         "Vérifiez les deux montants."),
    Code("verse-superieur-a-l-accorde", "Un produit versé au-delà de ce qui est accordé", _AVERTISSEMENT,
         "Fiche {fiche}, exercice {exercice}, {produit} : {verse} versés pour {accorde}.",
         "Vérifiez les deux montants ; ce qui est versé a d'abord été accordé."),
    Code("accorde-et-financement", "Un montant accordé qui n'est pas celui du financement de la fiche", _AVERTISSEMENT,
         "Fiche {fiche}, {financeur} : {accorde} accordés au plan de financement ({exercices}), {finance} au financement de la fiche.",
         "Portez le même montant aux deux endroits, ou dites en commentaire pourquoi ils diffèrent."),
)  # fmt: skip
