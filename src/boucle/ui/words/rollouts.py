"""Words of the pages about rollouts."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "rollout.steps": ("Steps of the rollout", "Étapes du déploiement"),
    "rollout.nolabels": (
        "No labelled answer of the challenger yet.",
        "Aucune réponse étiquetée du challenger pour l’instant.",
    ),
    "rollout.is": ("Is {challenger} worse than {champion}?", "{challenger} est-il moins bon que {champion} ?"),
    "rollout.was": ("Was {challenger} worse than {champion}?", "{challenger} était-il moins bon que {champion} ?"),
    "rollout.counts": (
        "{left} labels of {challenger} · {right} of {champion}",
        "{left} étiquettes de {challenger} · {right} de {champion}",
    ),
    "rollout.reads": (
        "Difference {value}, between {low} and {high}. The band may be read at any time; it narrows as labels arrive. "
        "Promotion when all of it is under the red line.",
        "Écart {value}, entre {low} et {high}. La bande peut être lue à tout moment ; elle se resserre avec "
        "les étiquettes. "
        "Promotion quand elle est tout entière sous la ligne rouge.",
    ),
    "rollout.reads.early": (
        "Difference {value}; too few labels for a band yet. Promotion when all of the band is under the red line.",
        "Écart {value} ; trop peu d’étiquettes pour une bande. Promotion quand la bande est tout entière "
        "sous la ligne rouge.",
    ),
    "rollout.reads.ended": (
        "When it ended the difference was {value}, between {low} and {high}.",
        "À la fin, l’écart était de {value}, entre {low} et {high}.",
    ),
    "rollout.told": (
        "Difference {value}, between {low} and {high}, margin {margin}, on {labels} labels of the challenger",
        "Écart {value}, entre {low} et {high}, marge {margin}, sur {labels} étiquettes du challenger",
    ),
    "rollout.dashed": ("dashed: if the difference stays as it is", "tirets : si l’écart reste le même"),
    "rollout.axis.points": ("difference of {check}, pp", "écart : {check}, pp"),
    "rollout.axis": ("difference of {check}", "écart : {check}"),
    "rollout.by.labels": ("labelled answers of the challenger", "réponses étiquetées du challenger"),
    "rollout.by.time": ("time", "temps"),
    "rollout.along": ("What the picture runs along", "Ce que l’axe mesure"),
    "rollout.along.labels": ("by labels", "par étiquettes"),
    "rollout.along.time": ("by time", "par temps"),
    "rollout.zero": ("champion {version}", "champion {version}"),
    "rollout.margin": ("margin {margin}", "marge {margin}"),
    "rollout.checks": ("Guardrails", "Garde-fous"),
    "rollout.checks.caption": ("Checks of {left} against {right}", "Contrôles de {left} contre {right}"),
    "rollout.wrong": ("If something goes wrong", "Si quelque chose va mal"),
    "rollout.byhand": ("By hand", "À la main"),
    "rollout.decided": ("What decided, and when", "Ce qui a tranché, et quand"),
    "rollout.deadline": (
        "Undecided by {time}, the champion stays.",
        "Sans décision avant le {time}, le champion reste.",
    ),
    "rollout.way": ("How it went", "Comment cela s’est passé"),
    "rollout.list": ("Rollouts", "Déploiements"),
    "rollout.when": ("Began", "Début"),
    "rollout.who": ("Version", "Version"),
    "rollout.how": ("Way", "Manière"),
    "rollout.outcome": ("Outcome", "Issue"),
    "rollout.why": ("Why", "Pourquoi"),
    "rollout.lasted": ("Lasted", "Durée"),
    "rollout.outcome.live": ("under way", "en cours"),
    "rollout.outcome.promoted": ("promoted", "promu"),
    "rollout.outcome.ended": ("ended", "arrêté"),
    "rollout.empty": (
        "Here you will see whether a new version may go on, with the evidence as it grows.",
        "Vous verrez ici si une nouvelle version peut continuer, avec les éléments probants au fil de l’eau.",
    ),
    "rollout.first": ("Start one with", "Commencez avec"),
    "strategy.canary": ("step by step", "pas à pas"),
    "strategy.shadow": ("in shadow first", "d’abord en miroir"),
    "strategy.blue-green": ("at once, reversible", "d’un coup, réversible"),
    "strategy.direct": ("at once", "d’un coup"),
    "step.replay": ("Replay", "Rejeu"),
    "step.shadow": ("Shadow", "Miroir"),
    "step.is.done": ("done", "terminé"),
    "step.is.now": ("now", "en cours"),
    "step.is.ahead": ("to come", "à venir"),
    "step.is.ended": ("ended here", "arrêté ici"),
    "step.rows": (("{n} request", "{n} requests"), ("{n} requête", "{n} requêtes")),
    "step.labels": (("{n} label", "{n} labels"), ("{n} étiquette", "{n} étiquettes")),
    "step.since": ("since {time}", "depuis {time}"),
    "step.unreached": ("not reached", "non atteint"),
    "check.odds": ("against it {odds} : 1", "contre lui {odds} : 1"),
    "step.needs": ("needs a pass", "demande un contrôle conforme"),
    "step.champion": ("champion", "champion"),
    "check": ("Check", "Contrôle"),
    "check.evidence": ("Evidence", "Éléments probants"),
    "check.labels": ("{left} · {right} labels", "{left} · {right} étiquettes"),
    "check.requests": ("{left} · {right} requests", "{left} · {right} requêtes"),
    "check.between": ("{low} to {high}", "de {low} à {high}"),
    "check.needs": (("{n} more", "{n} more"), ("encore {n}", "encore {n}")),
    "check.since": ("since {time}", "depuis {time}"),
    "check.is.pass": ("not worse", "pas moins bon"),
    "check.is.fail": ("worse", "moins bon"),
    "check.is.wait": ("needs more", "il en faut plus"),
    "odds.now": (
        "Boucle rolls back by itself when the evidence against the challenger reaches {ends} to 1. "
        "The strongest now, {check}: {odds} to 1.",
        "Boucle revient en arrière de lui-même quand les éléments contre le challenger atteignent {ends} contre 1. "
        "Le plus fort à présent, {check} : {odds} contre 1.",
    ),
    "odds.none": (
        "Boucle rolls back by itself when the lower end of a band is above its margin.",
        "Boucle revient en arrière de lui-même quand le bas d’une bande est au-dessus de sa marge.",
    ),
    "odds.to": ("{odds} : 1", "{odds} : 1"),
    "odds.ends": ("rollback at {odds} : 1", "retour à {odds} : 1"),
    "numbers.time": ("Time", "Heure"),
    "numbers.labels": ("Labels", "Étiquettes"),
    "numbers.difference": ("Difference", "Écart"),
    "numbers.low": ("Low", "Bas"),
    "numbers.high": ("High", "Haut"),
}
