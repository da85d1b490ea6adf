"""Words of what people do: the button, what will happen, what came of it."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "do.abort": ("Roll back to {version}", "Revenir à {version}"),
    "do.abort.says": (
        "The rollout of {challenger} ends. {champion} answers everything again, within a second or two.",
        "Le déploiement de {challenger} s’arrête. {champion} répond à tout de nouveau, en une seconde ou deux.",
    ),
    "do.rollback": ("Roll back to {version}", "Revenir à {version}"),
    "do.rollback.plain": ("Roll back {model}", "Revenir en arrière sur {model}"),
    "do.rollback.says": (
        "{champion} stops answering. The champion before it answers everything again, within a second or two.",
        "{champion} cesse de répondre. Le champion précédent répond à tout de nouveau, en une seconde ou deux.",
    ),
    "do.promote": ("Promote {ref}", "Promouvoir {ref}"),
    "do.promote.says": (
        "{ref} answers recorded requests first, then a small share of the traffic. It becomes champion when the "
        "evidence says that it is not worse; else it is taken back.",
        "{ref} répond d’abord à des requêtes enregistrées, puis à une petite part du trafic. Il devient champion quand "
        "les éléments probants disent qu’il n’est pas moins bon ; sinon il est retiré.",
    ),
    "do.override.says": (
        "{ref} has not passed its gate. It is rolled out all the same; the history keeps your name and your reason.",
        "{ref} n’a pas passé son contrôle. Il est déployé quand même ; l’historique garde votre nom et votre raison.",
    ),
    "do.now": ("Promote {version} now", "Promouvoir {version} maintenant"),
    "do.now.says": (
        "{ref} answers everything at once. Whether it is worse is not known; the history keeps your name and reason.",
        "{ref} répond à tout immédiatement. On ne sait pas encore s’il est moins bon ; l’historique garde votre nom et "
        "votre raison.",
    ),
    "do.pause": ("Pause", "Mettre en pause"),
    "do.pause.says": ("The rollout stands still at its share.", "Le déploiement reste à sa part."),
    "do.resume": ("Resume", "Reprendre"),
    "do.resume.says": ("The rollout goes on.", "Le déploiement reprend."),
    "do.disable": ("Disable {model}", "Désactiver {model}"),
    "do.disable.says": (
        "Callers get the declared fallback, or an error 503 without one.",
        "Les appelants reçoivent la réponse de secours déclarée, ou une erreur 503 sans elle.",
    ),
    "do.enable": ("Enable {model}", "Activer {model}"),
    "do.enable.says": ("The champion answers again.", "Le champion répond de nouveau."),
    "do.retrain": ("Retrain now…", "Réentraîner maintenant…"),
    "do.retrain.do": ("Retrain {model}", "Réentraîner {model}"),
    "do.labels.do": (
        ("Ask for {n} label", "Ask for {n} labels"),
        ("Demander {n} étiquette", "Demander {n} étiquettes"),
    ),
    "do.retrain.rows": (
        ("{n} labelled row was judged.", "{n} labelled rows were judged."),
        ("{n} ligne étiquetée a été jugée.", "{n} lignes étiquetées ont été jugées."),
    ),
    "do.retrain.lasted": ("The last turn took {span}.", "Le dernier tour a duré {span}."),
    "do.retrain.budget": (
        "Of its own accord Boucle has begun {done} of {budget} today.",
        "De lui-même, Boucle en a commencé {done} sur {budget} aujourd’hui.",
    ),
    "do.retrain.says": (
        "A turn begins in the background, on the project’s data and what came back. A version that passes is kept as "
        "challenger; {model} answers as before until somebody promotes it.",
        "Un tour commence en arrière-plan, sur les données du projet et les retours. Une version conforme est gardée "
        "comme challenger ; {model} répond comme avant tant que personne ne la promeut.",
    ),
    "do.retrain.back": (
        "While it runs it can be stopped; afterwards there is nothing to take back.",
        "Pendant le tour, on peut l’arrêter ; ensuite, il n’y a rien à annuler.",
    ),
    "do.retrain.refused": ("No retraining now: {why}.", "Pas de réentraînement pour l’instant : {why}."),
    "do.stop": ("Stop the turn", "Arrêter le tour"),
    "do.stop.says": ("The turn ends, and leaves no version.", "Le tour s’arrête et ne laisse aucune version."),
    "do.labels": (
        ("Ask for {n} label…", "Ask for {n} labels…"),
        ("Demander {n} étiquette…", "Demander {n} étiquettes…"),
    ),
    "do.labels.says": (
        (
            "{n} row is chosen from the newest without a label, a doubtful one. You get it as a sheet to fill in.",
            "{n} rows are chosen from the newest without a label, the doubtful ones rather. You get them as a sheet to "
            "fill in.",
        ),
        (
            "{n} ligne est choisie parmi les récentes sans étiquette, plutôt douteuse, dans une feuille à remplir.",
            "{n} lignes sont choisies parmi les plus récentes sans étiquette, plutôt les douteuses, dans une feuille à "
            "remplir.",
        ),
    ),
    "do.labels.back": (
        "It moves nothing, so there is nothing to take back. Filled in, the sheet goes back with boucle feedback FILE.",
        "Rien n’est modifié, donc rien à annuler. Une fois remplie, la feuille revient par boucle feedback FICHIER.",
    ),
    "did.retrain": ("The turn has begun.", "Le tour a commencé."),
    "did.stopped": ("The turn is stopped.", "Le tour est arrêté."),
    "did.labels": (
        ("{n} row to label is in to-label.csv.", "{n} rows to label are in to-label.csv."),
        ("{n} ligne à étiqueter dans to-label.csv.", "{n} lignes à étiqueter dans to-label.csv."),
    ),
    "do.acknowledge": ("Acknowledge", "Prendre en charge"),
    "do.undo": ("Take it back", "Annuler cette action"),
    "do.undo.says": ("This runs {command}.", "Ceci exécute {command}."),
    "did.champion": ("{champion} answers everything.", "{champion} répond à tout."),
    "did.rollout": ("{ref} answers {share} of the traffic.", "{ref} répond à {share} du trafic."),
    "did.paused": ("The rollout of {ref} is paused.", "Le déploiement de {ref} est en pause."),
    "did.disabled": ("{model} is disabled.", "{model} est désactivé."),
    "did.acknowledged": ("Alarm {number} is acknowledged.", "L’alarme {number} est prise en charge."),
}
