"""What the published document's text says badly: the text itself, its headings, its budget tables."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

ERREUR, DOUTE, NOTE = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

_SAVE_AS_TEXT = (
    "Exportez le document en texte seul (UTF-8, une tabulation entre les cellules des tableaux), "
    "puis relancez l'import."
)
COMPARE = "Comparez avec le document publié, et corrigez dans le classeur si besoin."
NOTHING = "Rien à faire si la lecture vous convient ; sinon corrigez dans le classeur."

_UNREADABLE = (
    Code(
        "document-illisible",
        "Document illisible",
        ERREUR,
        "Le document ne peut pas être lu : {detail}.",
        "Vérifiez le nom du fichier, son dossier et le droit de le lire.",
        bloquant=True,
    ),
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
        COMPARE,
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
        COMPARE,
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
        COMPARE,
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
        COMPARE,
    ),
    Code(
        "collectivite-repetee",
        "Collectivité répétée",
        DOUTE,
        "« {valeur} » ouvre deux fois le budget de la convention {convention} ; les deux sous-totaux sont gardés.",
        COMPARE,
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
        COMPARE,
    ),
    Code(
        "sous-total-absent",
        "Sous-total absent",
        DOUTE,
        "Les premières lignes de la convention {convention} n'ont pas de sous-total ; leur somme est celle que le "
        "récapitulatif donne à {valeur} ({montant}) : elles lui sont attribuées.",
        COMPARE,
    ),
    Code(
        "ligne-reparee",
        "Ligne budgétaire réparée",
        NOTE,
        "{reparation} : « {valeur} » est lu {obtenu}. La somme des lignes ({somme}) {accord} avec le sous-total "
        "({sous_total}).",
        NOTHING,
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
        NOTHING,
    ),
)

CODES: tuple[Code, ...] = (*_UNREADABLE, *_LINES, *_HEADINGS, *_BUDGET)
