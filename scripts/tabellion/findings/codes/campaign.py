"""A campaign's returns: versions, what stays in force, the merge with the master."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = (
    Code("version-identique", "Deux fichiers qui disent la même chose", _INFORMATION,
         "Ce fichier dit la même chose que « {autre} » : un seul des deux compte.",
         "Rien à faire."),
    Code("version-plus-ancienne", "Une version plus ancienne", _INFORMATION,
         "Ce fichier a été enregistré le {date} ; « {autre} » l'a été après, le {apres} : c'est lui qui compte.",
         "Rien à faire si c'est bien le dernier envoi ; sinon déplacez « {autre} » dans retours/écartés/."),
    Code("versions-a-departager", "Des versions que rien ne départage", _ERREUR,
         "Ce fichier et « {autre} » sont du même partenaire, disent autre chose, et leur date d'enregistrement ne dit pas lequel est le dernier ({date}) ; {reste}.",
         "Déplacez dans retours/écartés/ ceux qui ne doivent pas compter.", True),
    Code("retour-rejete", "Un retour rejeté", _ERREUR,
         "Ce retour n'est pas pris en compte : des constats y bloquent ({compte}) ; {reste}.",
         "Renvoyez au partenaire la copie annotée de workbooks/constats/, et rangez son retour corrigé dans retours/.", True),
    Code("retour-disparu", "Un retour accepté qui n'est plus dans retours/", _INFORMATION,
         "Ce retour, enregistré le {date}, n'est plus dans retours/ : la copie qui en a été gardée reste en vigueur.",
         "Rien à faire ; pour qu'il ne compte plus, déplacez cette copie dans retours/écartés/."),
    Code("date-dans-le-futur", "Un fichier enregistré dans le futur", _AVERTISSEMENT,
         "Ce fichier dit avoir été enregistré le {valeur} : l'horloge de l'ordinateur était fausse.",
         "Vérifiez que c'est bien le dernier envoi du partenaire."),
    Code("contrat-absent", "Le classeur du contrat n'est pas là", _AVERTISSEMENT,
         "workbooks/contrat.xlsx n'existe pas : la consolidation part {valeur}.",
         "Lancez « tabellion generate », ou remettez le classeur à sa place."),
    Code("contrat-bloque", "Le classeur du contrat a des constats qui bloquent", _ERREUR,
         "Le classeur du contrat n'est pas pris tel quel : {compte}. La consolidation part {valeur}.",
         "Corrigez contrat.xlsx ; ce qui y a été saisi depuis compte dès qu'il ne bloque plus.", True),
    Code("pas-un-formulaire", "Un classeur qui n'est pas un formulaire", _ERREUR,
         "Ce classeur n'est pas un formulaire de ce contrat ({valeur}) : il n'est pas lu.",
         "Retirez-le de retours/ ; si c'est un retour, le partenaire doit répondre dans le formulaire envoyé.", True),
    Code("dossier-illisible", "Un dossier qui ne peut pas être lu", _ERREUR,
         "Le dossier « {valeur} » ne peut pas être lu : {detail}.",
         "Vérifiez que le disque ou le réseau est là, et les droits du dossier.", True),
    Code("conflit", "Une cellule que plusieurs ont changée", _AVERTISSEMENT,
         "{titre} de « {ligne} » : {dires} ; le contrat dit {garde}, qui reste.",
         "Décidez avec eux, et tapez la bonne valeur dans contrat.xlsx ; « tabellion adopt » clôt ensuite ce conflit."),
    Code("suppression-proposee", "Une ligne qu'un partenaire a retirée", _INFORMATION,
         "Le partenaire a retiré « {valeur} » de son formulaire : elle reste au contrat.",
         "Si elle doit disparaître, supprimez-la dans contrat.xlsx."),
)  # fmt: skip
