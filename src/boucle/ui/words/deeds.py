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
    "do.acknowledge": ("Acknowledge", "Prendre en charge"),
    "do.undo": ("Take it back", "Annuler cette action"),
    "do.undo.says": ("This runs {command}.", "Ceci exécute {command}."),
    "did.champion": ("{champion} answers everything.", "{champion} répond à tout."),
    "did.rollout": ("{ref} answers {share} of the traffic.", "{ref} répond à {share} du trafic."),
    "did.paused": ("The rollout of {ref} is paused.", "Le déploiement de {ref} est en pause."),
    "did.disabled": ("{model} is disabled.", "{model} est désactivé."),
    "did.acknowledged": ("Alarm {number} is acknowledged.", "L’alarme {number} est prise en charge."),
}
