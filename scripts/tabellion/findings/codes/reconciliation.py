"""What partners say against each other, and what does not add up across them. Amounts are already formatted."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = (
    Code("financement-contredit", "Un montant que le financeur et le porteur ne disent pas pareil", _AVERTISSEMENT,
         "Fiche {fiche}, exercice {exercice} : le financeur {partenaire} déclare {dit}, {autres}.",
         "Demandez-leur lequel des montants est le bon, puis portez-le au contrat."),
    Code("financement-decrit-autrement", "Un financement que le financeur et le porteur décrivent autrement", _AVERTISSEMENT,
         "Fiche {fiche}, exercice {exercice}, « {titre} » : le financeur {partenaire} écrit « {dit} », {autres}.",
         "Demandez-leur ce qui est juste, puis portez-le au contrat."),
    Code("financeur-sans-montant", "Un financeur coché sans montant", _AVERTISSEMENT,
         "{financeur} est coché sur la fiche {fiche}, mais {constat}.",
         "Demandez son montant à ce financeur ; s'il n'est pas encore connu, dites-le dans l'état du montant."),
    Code("engagement-sans-financeur", "De l'argent engagé sans financeur coché", _AVERTISSEMENT,
         "Fiche {fiche} : {calcule} engagés ({qui}), mais aucun financeur n'y est coché.",
         "Ajoutez à la fiche le financeur qui paie, ou dites en commentaire sur quels crédits la somme est prise."),
    Code("plan-non-couvert", "Des financements qui ne couvrent pas ce qui est engagé", _AVERTISSEMENT,
         "Fiche {fiche}, exercice {exercice} : {calcule} engagés ({qui}), alors que ses financements font {finance} ({sources}). Il manque {ecart}.",
         "Vérifiez que deux partenaires n'ont pas déclaré la même somme ; sinon, ajoutez le financement qui manque."),
    Code("ligne-de-deux-collectivites", "La même dépense dans deux collectivités", _AVERTISSEMENT,
         "« {libelle} » ({calcule}, convention {convention}, exercice {exercice}) est déclaré à l'identique par {qui} : "
         "c'est peut-être une seule dépense, comptée {fois} fois.",
         "Si la dépense est partagée, que chacun ne déclare que sa part ; sinon, précisez les libellés."),
    Code("sous-total-compte-comme-ligne", "Un sous-total compté comme une ligne", _AVERTISSEMENT,
         "« {libelle} » ({calcule}, {collectivite}, convention {convention}, exercice {exercice}) {constat}.",
         "Si c'est un total, supprimez cette ligne : les totaux se calculent seuls. Sinon, précisez son libellé."),
)  # fmt: skip
