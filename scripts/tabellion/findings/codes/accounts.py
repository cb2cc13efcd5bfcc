"""What does not add up, in a contract, a plan de financement or across partners. Amounts are already formatted."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

# fmt: off
_KEEP = "Le chiffre publié reste tel quel. "

_TOTALS: tuple[Code, ...] = (
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
)

_FUNDING: tuple[Code, ...] = (
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
)

_RECONCILIATION: tuple[Code, ...] = (
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
)

CODES: tuple[Code, ...] = (*_TOTALS, *_FUNDING, *_RECONCILIATION)
