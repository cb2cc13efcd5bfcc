"""What the published document's text says badly."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

ERREUR, DOUTE, NOTE = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

_SAVE_AS_TEXT = (
    "Exportez le document en texte seul (UTF-8, une tabulation entre les cellules des tableaux), "
    "puis relancez l'import."
)
_COMPARE = "Comparez avec le document publié, et corrigez dans le classeur si besoin."
_NOTHING = "Rien à faire si la lecture vous convient ; sinon corrigez dans le classeur."

_UNREADABLE = (
    Code(
        "document-vide",
        "Document vide",
        ERREUR,
        "Le document ne contient aucun texte.",
        "Vérifiez que c'est le bon fichier. " + _SAVE_AS_TEXT,
        bloquant=True,
    ),
    Code(
        "document-binaire",
        "Document qui n'est pas du texte",
        ERREUR,
        "Ce fichier n'est pas du texte : c'est {nature}.",
        _SAVE_AS_TEXT,
        bloquant=True,
    ),
    Code(
        "document-trop-gros",
        "Document trop gros",
        ERREUR,
        "Le document pèse {valeur} octets ; la limite est de {attendu}.",
        "Vérifiez que c'est le bon fichier : le texte d'un contrat ne dépasse pas {mo} Mo.",
        bloquant=True,
    ),
    Code(
        "document-encodage",
        "Encodage illisible",
        ERREUR,
        "Le texte n'est ni en UTF-8 ni en Windows-1252 ({valeur}).",
        "Enregistrez-le en UTF-8, puis relancez l'import.",
        bloquant=True,
    ),
    Code(
        "document-sans-convention",
        "Aucune convention thématique",
        ERREUR,
        "Aucune convention n'a été trouvée : ni titre numéroté (« 1 - Santé »), ni fiche « CONVENTION THEMATIQUE ».",
        "Vérifiez que c'est bien la partie « Conventions thématiques » du contrat. " + _SAVE_AS_TEXT,
        bloquant=True,
    ),
    Code(
        "document-windows-1252",
        "Document en Windows-1252",
        NOTE,
        "Le texte est en {valeur} et non en {attendu} ; il a été lu comme tel.",
        "Vérifiez quelques accents ; enregistrez en UTF-8 pour lever le doute.",
    ),
)

_LINES = (
    Code(
        "ligne-non-placee",
        "Ligne que l'import n'a pas su placer",
        ERREUR,
        "Cette ligne n'a pas trouvé sa place ({raison}) : « {valeur} ».",
        "Reportez-la dans le classeur si elle porte une donnée.",
    ),
    Code(
        "ligne-trop-longue",
        "Ligne trop longue",
        ERREUR,
        "Cette ligne fait {valeur} caractères ; au-delà de {attendu} elle n'est pas lue.",
        "Coupez-la dans le texte, puis relancez l'import.",
    ),
    Code(
        "periode-introuvable",
        "Période du contrat introuvable",
        DOUTE,
        "Aucune période (« 2015 – 2020 ») n'a été trouvée en tête du document.",
        "Indiquez les années du contrat dans tabellion.toml.",
    ),
    Code(
        "exercice-introuvable",
        "Exercice du recensement introuvable",
        DOUTE,
        "Le texte ne nomme aucun exercice (« l'exercice 2013 ») ; retenu : {retenu}, l'année qui précède le contrat.",
        "Vérifiez l'exercice des lignes budgétaires et corrigez-le si besoin.",
    ),
    Code(
        "exercice-double",
        "Plusieurs exercices nommés",
        DOUTE,
        "Le texte nomme plusieurs exercices ({valeur}) ; retenu : {attendu}, le plus fréquent.",
        "Vérifiez l'exercice des lignes budgétaires.",
    ),
)

_HEADINGS = (
    Code(
        "titre-different",
        "Titres différents",
        NOTE,
        "Le titre de la {quoi} est « {attendu} », mais « {valeur} » ailleurs ({ou}).",
        "Rien n'est corrigé : choisissez le bon titre dans le classeur.",
    ),
    Code(
        "pilier-hors-sommaire",
        "Pilier absent du sommaire",
        DOUTE,
        "Le pilier {pilier} « {valeur} » n'est pas au sommaire.",
        _COMPARE,
    ),
    Code(
        "pilier-hors-corps",
        "Pilier annoncé mais absent",
        DOUTE,
        "Le pilier {pilier} « {valeur} » est au sommaire, mais rien ne l'ouvre dans le document.",
        "Vérifiez que le texte est complet ; le pilier est gardé.",
    ),
    Code(
        "pilier-sans-titre",
        "Pilier sans titre",
        DOUTE,
        "Des fiches portent le pilier {pilier}, qu'aucun titre n'ouvre ; titre retenu : {valeur}.",
        "Complétez le titre du pilier dans le classeur.",
    ),
    Code(
        "convention-hors-corps",
        "Convention annoncée mais absente",
        DOUTE,
        "La convention {convention} « {valeur} » est nommée, mais aucun titre ne l'ouvre dans le document.",
        "Vérifiez que le texte est complet ; la convention est gardée.",
    ),
    Code(
        "convention-hors-sommaire",
        "Convention absente du sommaire",
        DOUTE,
        "La convention {convention} « {valeur} » n'est pas au sommaire.",
        _COMPARE,
    ),
    Code(
        "convention-hors-recapitulatif",
        "Convention absente du récapitulatif",
        DOUTE,
        "La convention {convention} « {valeur} » n'est pas au récapitulatif, ni donc au total général.",
        "Vérifiez si c'est voulu (crédits déjà comptés ailleurs).",
    ),
    Code(
        "convention-repetee",
        "Convention ouverte deux fois",
        DOUTE,
        "Un second titre ouvre la convention « {valeur} » ; les deux parties sont réunies.",
        _COMPARE,
    ),
    Code(
        "convention-sans-pilier",
        "Convention sans pilier",
        ERREUR,
        "La convention {convention} « {valeur} » n'est sous aucun pilier.",
        "Indiquez son pilier dans le classeur.",
    ),
)

_BUDGET = (
    Code(
        "collectivite-variante",
        "Collectivité écrite autrement",
        DOUTE,
        "« {valeur} » a été lu comme « {attendu} ».",
        _COMPARE,
    ),
    Code(
        "collectivite-repetee",
        "Collectivité répétée",
        DOUTE,
        "« {valeur} » ouvre deux fois le budget de la convention {convention} ; les deux sous-totaux sont gardés.",
        _COMPARE,
    ),
    Code(
        "collectivite-devinee",
        "Collectivité devinée",
        DOUTE,
        "« {valeur} » est lu comme une collectivité parce qu'il ouvre un budget ; rien d'autre ne le confirme.",
        "Vérifiez que c'est une collectivité et non une ligne budgétaire.",
    ),
    Code(
        "collectivite-hors-recapitulatif",
        "Collectivité absente du récapitulatif",
        DOUTE,
        "« {valeur} » a des crédits dans le document mais n'est pas au récapitulatif.",
        _COMPARE,
    ),
    Code(
        "sous-total-absent",
        "Sous-total absent",
        DOUTE,
        "Les premières lignes de la convention {convention} n'ont pas de sous-total ; leur somme est celle que le "
        "récapitulatif donne à {valeur} ({montant}) : elles lui sont attribuées.",
        _COMPARE,
    ),
    Code(
        "ligne-reparee",
        "Ligne budgétaire réparée",
        NOTE,
        "{reparation} : « {valeur} » est lu {obtenu}. La somme des lignes ({somme}) {accord} avec le sous-total "
        "({sous_total}).",
        _NOTHING,
    ),
    Code(
        "montants-colles",
        "Montants collés sans libellé pour chacun",
        DOUTE,
        "Plusieurs montants pour un libellé : « {valeur} ». La ligne est gardée sans montant.",
        "Reportez les montants à la main, d'après le document publié.",
    ),
    Code(
        "montant-illisible",
        "Montant illisible",
        DOUTE,
        "« {valeur} » ne se lit pas comme un montant ; la case est laissée vide.",
        "Saisissez le montant en euros, ou laissez vide s'il n'est pas connu.",
    ),
    Code(
        "montant-douteux",
        "Montant hors de sa case",
        DOUTE,
        "Un montant hors de sa case, non confirmé par le sous-total : « {valeur} ». La ligne est gardée sans montant.",
        "Reportez le montant à la main s'il est sûr.",
    ),
    Code(
        "libelle-sans-montant",
        "Libellé sans case de montant",
        DOUTE,
        "« {valeur} » est au milieu du budget sans tabulation ni montant : gardé comme une ligne sans montant.",
        "Vérifiez que ce n'est pas la fin ou le début d'un autre libellé.",
    ),
    Code(
        "tabulation-perdue",
        "Tabulation perdue",
        NOTE,
        "« {valeur} » a perdu la tabulation devant son montant ; lu comme un sous-total de collectivité.",
        _NOTHING,
    ),
)

_FICHES = (
    Code(
        "fiche-numero-double",
        "Numéro de fiche en double",
        ERREUR,
        "Le numéro de fiche {valeur} est porté par deux fiches ; les deux sont gardées.",
        "Donnez un numéro à chacune dans le classeur.",
    ),
    Code(
        "fiche-numero-irregulier",
        "Numéro de fiche irrégulier",
        DOUTE,
        "Le numéro de fiche « {valeur} » n'a pas la forme habituelle (I-1.1./1) ; il est gardé tel quel.",
        "Corrigez-le dans le classeur.",
    ),
    Code(
        "fiche-numero-deduit",
        "Numéro de fiche déduit",
        NOTE,
        "La fiche n'a pas de numéro ; {attendu} est le seul possible à sa place.",
        _NOTHING,
    ),
    Code(
        "fiche-sans-numero",
        "Fiche sans numéro",
        ERREUR,
        "La fiche n'a pas de numéro ; {attendu} lui est donné provisoirement.",
        "Donnez-lui son numéro dans le classeur.",
    ),
    Code(
        "fiche-sans-convention",
        "Fiche sans convention",
        DOUTE,
        "L'en-tête de la fiche ne donne pas le numéro de sa convention ; retenu : {retenu}, d'après sa place.",
        _COMPARE,
    ),
    Code(
        "fiche-autre-convention",
        "Fiche hors de sa convention",
        DOUTE,
        "La fiche porte la convention {valeur} mais se trouve dans la convention {attendu}.",
        _COMPARE,
    ),
    Code(
        "fiche-autre-pilier",
        "En-tête de fiche d'un autre pilier",
        DOUTE,
        "La fiche {fiche} porte « {valeur} » ; le pilier de sa convention est « {attendu} ».",
        _COMPARE,
    ),
    Code(
        "fiche-champ-absent",
        "Rubrique absente",
        DOUTE,
        "La fiche {fiche} n'a pas de texte pour la rubrique « {champ} ».",
        "Complétez-la dans le classeur.",
    ),
    Code(
        "fiche-reparee",
        "Rubrique réparée",
        NOTE,
        "{reparation} : « {valeur} » est lu « {obtenu} ».",
        _NOTHING,
    ),
    Code(
        "en-tete-de-fiche-repete",
        "En-tête répété dans une fiche",
        NOTE,
        "L'en-tête est imprimé de nouveau au milieu d'une fiche ; la suite lui est rattachée.",
        _NOTHING,
    ),
    Code(
        "texte-de-fiche-non-place",
        "Texte de fiche non placé",
        ERREUR,
        "Un texte de la fiche {fiche} n'a pas trouvé sa place : « {valeur} ».",
        "Reportez-le dans le classeur s'il porte une donnée.",
    ),
    Code(
        "axe-absent",
        "Axe absent",
        ERREUR,
        "La fiche {fiche} n'a pas de code d'axe lisible ({valeur}).",
        "Choisissez son axe dans le classeur.",
    ),
    Code(
        "axe-deduit",
        "Axe déduit du numéro",
        NOTE,
        "La fiche {fiche} n'a pas de code d'axe lisible ({valeur}) ; {attendu} vient de son numéro.",
        _NOTHING,
    ),
    Code(
        "axe-deux-titres",
        "Axe à deux titres",
        DOUTE,
        "L'axe {axe} s'intitule « {attendu} » puis « {valeur} » ; le premier est gardé.",
        "Choisissez le bon titre dans le classeur.",
    ),
    Code(
        "axe-deux-conventions",
        "Axe dans deux conventions",
        DOUTE,
        "L'axe {axe} est dans la convention {attendu} puis dans la convention {valeur} ; la première est gardée.",
        _COMPARE,
    ),
    Code(
        "axes-transversaux-absents",
        "Axes transversaux absents",
        DOUTE,
        "La fiche {fiche} ne porte aucune mention d'axe transversal : rien n'est retenu ni rayé.",
        "Dites oui ou non pour chacun dans le classeur.",
    ),
    Code(
        "priorite-illisible",
        "Priorité irrégulière",
        DOUTE,
        "La priorité « {valeur} » n'a pas la forme habituelle « 1 (2016) ».",
        "Complétez la priorité et l'année dans le classeur.",
    ),
    Code(
        "cpo-double",
        "CPO cochée oui et non",
        DOUTE,
        "La fiche {fiche} coche oui et non pour la CPO : « {valeur} » ; la case est laissée vide.",
        "Choisissez oui ou non dans le classeur.",
    ),
)

_FUNDERS = (
    Code(
        "coche-tapee",
        "Coche tapée au clavier",
        NOTE,
        "Fiche {fiche} : « {valeur} », un X tapé au clavier, vaut une coche pour « {obtenu} ».",
        _NOTHING,
    ),
    Code(
        "coche-douteuse",
        "Coche douteuse",
        DOUTE,
        "Fiche {fiche} : on ne sait si « {valeur} » est coché ; il ne l'est pas.",
        _COMPARE,
    ),
    Code(
        "case-absente",
        "Cases absentes",
        NOTE,
        "La fiche {fiche} n'offre pas {nombre} des cases habituelles : {valeur}.",
        _NOTHING,
    ),
    Code(
        "case-repetee",
        "Case en double",
        DOUTE,
        "La fiche {fiche} offre deux fois la case « {valeur} ».",
        _COMPARE,
    ),
    Code(
        "financeur-variante",
        "Financeur écrit autrement",
        NOTE,
        "Fiche {fiche} : « {valeur} » est lu comme « {attendu} ».",
        _NOTHING,
    ),
    Code(
        "financeur-recolle",
        "Financeur coupé en deux",
        NOTE,
        "Fiche {fiche} : « {valeur} » est lu « {obtenu} ».",
        _NOTHING,
    ),
    Code(
        "financeur-inconnu",
        "Financeur inconnu des autres fiches",
        DOUTE,
        "Fiche {fiche} : « {valeur} » n'est pas un financeur des autres fiches ; il est gardé à part s'il est coché.",
        "Rattachez-le à un financeur de la liste.",
    ),
    Code(
        "texte-colle-au-financeur",
        "Texte collé au financeur",
        NOTE,
        "Fiche {fiche} : « {valeur} » réunit un financeur et un autre texte, lu comme son dispositif.",
        _NOTHING,
    ),
    Code(
        "en-tete-colle",
        "En-tête collé à sa valeur",
        NOTE,
        "Fiche {fiche} : « {valeur} » est lu dispositif « {dispositif} », montant « {montant} ».",
        _NOTHING,
    ),
    Code(
        "texte-deplace",
        "Texte d'une autre ligne",
        NOTE,
        "Fiche {fiche} : « {valeur} » n'est sur la ligne d'aucune coche ; rattaché au seul coché ({financeur}).",
        _COMPARE,
    ),
    Code(
        "texte-partage",
        "Un texte pour plusieurs coches",
        DOUTE,
        "Fiche {fiche} : un même texte pour {nombre} financeurs cochés, « {valeur} » ; porté à chacun, sans montant.",
        "Répartissez le montant dans le classeur.",
    ),
    Code(
        "financement-sans-coche",
        "Dispositif sans financeur coché",
        DOUTE,
        "Fiche {fiche} : « {valeur} » ne revient à aucun financeur ({nombre} cochés) ; gardé sans financeur.",
        "Choisissez le financeur dans le classeur.",
    ),
    Code(
        "montant-a-preciser",
        "Montant à préciser",
        NOTE,
        "Fiche {fiche} : « {valeur} » ne donne pas un montant unique en euros ; le texte est gardé, sans montant.",
        "Saisissez le montant s'il est connu.",
    ),
    Code(
        "partenaire-trop-long",
        "Partenaires illisibles",
        NOTE,
        "Fiche {fiche} : le texte de « {champ} » est trop long pour être un nom ; aucun partenaire n'en est tiré.",
        "Choisissez les partenaires de la fiche dans le classeur.",
    ),
)

CODES: tuple[Code, ...] = (*_UNREADABLE, *_LINES, *_HEADINGS, *_BUDGET, *_FICHES, *_FUNDERS)
