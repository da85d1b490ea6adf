"""Why something was decided, in English and in French: the words of ``reasons``."""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    "reason.value": ("{name} {value:num}", "{name} {value:num}"),
    "reason.between": (
        "{name} {value:num} [{low:num}, {high:num}]",
        "{name} {value:num} [{low:num} ; {high:num}]",
    ),
    "reason.bound": ("{told}, bound {bound}", "{told}, borne {bound}"),
    "reason.limit": ("{sign} {value:short}", "{sign} {value:short}"),
    "reason.n": ("{told}, n = {n:count}", "{told}, n = {n:count}"),
    "reason.and": ("{first}; {then}", "{first} ; {then}"),
    "reason.more": ("{told}; and {n:count} more", "{told} ; et {n:count} de plus"),
    "reason.because": ("{cause}: {told}", "{cause} : {told}"),
    "reason.note": ("{told}; {note}", "{told} ; {note}"),
    "reason.held": ("{held}; {told}", "{held} ; {told}"),
    "reason.apart": ("{check}, challenger minus champion", "{check}, challenger moins champion"),
    "reason.effect": ("{name}, effect", "{name}, effet"),
    "reason.gain": ("improvement over the champion", "gain sur le champion"),
    "reason.prediction": ("prediction", "prédiction"),
    "reason.rows": ("rows", "lignes"),
    # What is wrong with the values of a column.
    "fault.missing": ("{column} is missing", "{column} manque"),
    "fault.unseen": ("{column} has unknown levels", "{column} a des modalités inconnues"),
    "fault.outside": ("{column} is out of range", "{column} est hors bornes"),
    "fault.far": (
        "{column} is far out of range, as in another unit",
        "{column} est loin hors bornes, comme dans une autre unité",
    ),
    "fault.small": (
        "{column} is far smaller, as in another unit",
        "{column} est bien plus petit, comme dans une autre unité",
    ),
    "fault.large": (
        "{column} is far larger, as in another unit",
        "{column} est bien plus grand, comme dans une autre unité",
    ),
    "fault.whole": ("{column} is in whole numbers", "{column} est en nombres entiers"),
    "fault.common": (
        "{column} stands at its commonest value",
        "{column} reste à sa valeur la plus fréquente",
    ),
    "reason.first": ("the first version; {told}", "la première version ; {told}"),
    "reason.gate": ("gate {status}: {told}", "contrôle {status} : {told}"),
    "reason.again": (
        "gate not passed, the champion stays ({failed:count} in a row)",
        "contrôle non passé, le champion reste ({failed:count} de suite)",
    ),
    "reason.passed": ("{ref} passed its gate", "{ref} a passé son contrôle"),
    "reason.asked": ("asked for", "à la demande"),
    "reason.console": ("asked for by {actor} in the console", "demandé par {actor} dans la console"),
    "reason.by": ("by {actor}", "par {actor}"),
    "reason.override": ("against the verdict: {text}", "contre le verdict : {text}"),
    "reason.approval": ("{ref} passed its gate and waits for a yes", "{ref} a passé son contrôle et attend un oui"),
    "reason.gates": (
        "{failed:retraining in a row has failed|retrainings in a row have failed}",
        "{failed:réentraînement de suite a échoué|réentraînements de suite ont échoué}",
    ),
    "reason.released": ("{ref} was released", "{ref} a été mis en service"),
    "reason.seen": ("somebody has looked", "quelqu'un a regardé"),
    "reason.over": ("a gate has passed", "un contrôle est passé"),
    "reason.outside": ("it is over, says who told of it", "c'est fini, selon qui l'avait signalé"),
    "reason.quiet": ("{n:quiet window|quiet windows}", "{n:fenêtre calme|fenêtres calmes}"),
    "reason.alias": (
        "the champion alias was moved in the registry",
        "l'alias champion a été déplacé dans le registre",
    ),
    "reason.labels": ("{n:row is|rows are} chosen", "{n:ligne choisie|lignes choisies}"),
    "reason.key": ("{name}, {role}", "{name}, {role}"),
    "reason.sent": ("to {kind}, and it was sent", "vers {kind}, et il est parti"),
    "reason.unsent": ("to {kind}, and it could not be sent", "vers {kind}, et il n'a pas pu partir"),
    "reason.role": ("{role}, before: {before}", "{role}, avant : {before}"),
    "role.viewer": ("viewer", "lecteur"),
    "role.operator": ("operator", "opérateur"),
    "role.approver": ("approver", "approbateur"),
    "role.admin": ("admin", "administrateur"),
    "role.none": ("no role", "aucun rôle"),
    "reason.until": ("no messages for {span:span}", "pas de message pendant {span:span}"),
    # What was done about an alarm.
    "done.retrain": (
        "a retraining has begun; what passes its gate is rolled out step by step",
        "un réentraînement a commencé ; ce qui passe le contrôle est déployé pas à pas",
    ),
    "done.rollback": ("rolled back to the champion before", "retour au champion précédent"),
    "done.ended": ("the rollout is ended", "le déploiement est arrêté"),
    "done.disable": (
        "the model is switched off, its fallback answers",
        "le modèle est désactivé, la réponse de secours le remplace",
    ),
    "done.approval": ("nothing yet: it waits for a yes", "rien encore : un oui est attendu"),
    "done.gates": (
        "the champion stays, and nothing retrains until this alarm is acknowledged",
        "le champion reste, et rien n'est réentraîné tant que cette alarme n'est pas prise en charge",
    ),
    "done.ask": ("rows are chosen to be labelled first", "des lignes sont choisies pour être étiquetées d'abord"),
    "done.waits": ("not yet ({action}): {held}", "pas encore ({action}) : {held}"),
    # Causes that are no verdicts.
    "reason.follow_up": (
        "more labels since the last change have come",
        "d'autres étiquettes sont arrivées depuis le dernier changement",
    ),
    "reason.stale": ("the champion is too old", "le champion est trop ancien"),
    "reason.schedule": ("the schedule is due", "l'échéance est arrivée"),
    # Why another action is taken than the one that is declared.
    "note.unrecent": ("no release recent enough to go back on", "pas de mise en service assez récente à annuler"),
    "note.before": (
        "it was so before the release: going back would not help",
        "il en était ainsi avant la mise en service : revenir n'aiderait pas",
    ),
    "note.bare": (
        "no fallback is declared, so the model goes on answering",
        "aucune réponse de secours n'est déclarée, le modèle continue donc de répondre",
    ),
    "note.recent": (
        "the release is recent, and the version before it is there",
        "la mise en service est récente, et la version précédente est là",
    ),
    "note.labels": (
        "labels would tell whether quality holds",
        "des étiquettes diraient si la qualité tient",
    ),
    # Why an action waits.
    "hold.fault": (
        "the data is broken, and a model must not learn from it",
        "les données sont abîmées, et un modèle ne doit pas en apprendre",
    ),
    "hold.training": ("a training is under way", "un entraînement est en cours"),
    "hold.rollout": ("a rollout is under way", "un déploiement est en cours"),
    "hold.disabled": ("the model is switched off", "le modèle est désactivé"),
    "hold.approval": ("a version waits for a yes", "une version attend un oui"),
    "hold.gates": (
        "{n:count} gates in a row have failed: a person has to look",
        "{n:count} contrôles de suite ont échoué : une personne doit regarder",
    ),
    "hold.cooldown": (
        "cooling down: {n:count} of {of:count} windows",
        "délai de repos : {n:count} sur {of:count} fenêtres",
    ),
    "hold.budget": (
        "the budget of {of:count} retrainings a day is spent",
        "le budget de {of:count} réentraînements par jour est épuisé",
    ),
    "hold.labels": (
        "{n:count} of {of:count} labelled rows to learn from",
        "{n:count} sur {of:count} lignes étiquetées pour apprendre",
    ),
    "hold.busy": ("something else is done first", "autre chose passe d'abord"),
    "hold.dry_run": ("dry run", "essai à blanc"),
}
"""Key to the English and the French phrase; see ``phrases``."""
