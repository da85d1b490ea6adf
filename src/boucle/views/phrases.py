"""The sentences of the views in English and in French. `{n:count}` and the like: see ``said``.

One word per thing, as in the glossary. Present tense, what is known first, then what is not, then what happens.
"""

from __future__ import annotations

from boucle.loop.wording import TITLES

PHRASES: dict[str, tuple[str, str]] = {
    **{f"cause.{cause}": title for cause, title in TITLES.items()},
    "cause.outside": ("{name}", "{name}"),
    # The five states of a model.
    "fine": ("Fine", "Tout va bien"),
    "watching": ("Watching", "Sous surveillance"),
    "early": ("Too early to say", "Trop tôt pour conclure"),
    "below": ("Below its promise", "Sous son engagement"),
    "stopped": ("Stopped", "Arrêté"),
    "verdict.pass": ("pass", "conforme"),
    "verdict.fail": ("fail", "non conforme"),
    "verdict.inconclusive": ("inconclusive", "non concluant"),
    # Home: the heading and what stands under it.
    "home.none": ("No model yet.", "Aucun modèle pour l'instant."),
    "home.none.lead": ("Train the first one with: boucle train", "Entraînez le premier avec : boucle train"),
    "home.fine.one": ("{model} is fine.", "{model} va bien."),
    "home.fine.many": ("All {n:model|models} are fine.", "Les {n:modèle|modèles} vont bien."),
    "home.quiet.many": ("Nobody is needed.", "Personne n'est attendu."),
    "home.one": ("{model} needs you.", "{model} a besoin de vous."),
    "home.some": (
        "{n:count} of {all:model|models} need you.",
        "{n:count} des {all:modèle|modèles} ont besoin de vous.",
    ),
    "home.one.of": ("One of {all:model|models} needs you.", "Un des {all:modèle|modèles} a besoin de vous."),
    "home.is": ("{model}: {state}.", "{model} : {state}."),
    "home.why": ("{why}.", "{why}."),
    "home.is.why": ("{state}: {why}.", "{state} : {why}."),
    "home.lead": (
        "{below:count} below, {early:count} too early to say, {watching:count} watched, {fine:count} fine.",
        "{below:count} sous l'engagement, {early:count} trop tôt, {watching:count} sous surveillance, "
        "{fine:count} sans souci.",
    ),
    # Why a model is in its state: one line.
    "why.none": (
        "registered, not released: boucle promote {model}/1",
        "enregistré, pas mis en service : boucle promote {model}/1",
    ),
    "why.disabled": (
        "switched off; callers get the fallback or 503",
        "désactivé ; les appelants reçoivent la réponse de secours ou 503",
    ),
    "why.quality": (
        "{metric} {value:num} against {bound:num}, on {n:label|labels}",
        "{metric} {value:num} contre {bound:num}, sur {n:étiquette|étiquettes}",
    ),
    "why.quality.plain": (
        "{metric} has become worse, on {n:label|labels}",
        "{metric} s'est dégradé, sur {n:étiquette|étiquettes}",
    ),
    "why.slo": ("the service does not keep its promise: {check}", "le service ne tient pas son engagement : {check}"),
    "why.floor": ("a hard floor is broken: {check}", "un seuil d'arrêt est franchi : {check}"),
    "why.fault": ("broken data in {column}", "données abîmées dans {column}"),
    "why.fault.more": (
        "broken data in {column} and {more:column|columns} more",
        "données abîmées dans {column} et {more:colonne|colonnes} de plus",
    ),
    "why.drift": ("{column} drifted, effect {effect:num}", "{column} a dérivé, effet {effect:num}"),
    "why.drift.more": (
        "{column} drifted, effect {effect:num}, and {more:column|columns} more",
        "{column} a dérivé, effet {effect:num}, et {more:colonne|colonnes} de plus",
    ),
    "why.rollout": (
        "{version} answers {share:pct}, {needed:label|labels} more needed",
        "{version} répond à {share:pct}, encore {needed:étiquette|étiquettes}",
    ),
    "why.rollout.open": (
        "{version} answers {share:pct}, not decided yet",
        "{version} répond à {share:pct}, pas encore tranché",
    ),
    "why.shadow": (
        "{version} answers in shadow, {needed:label|labels} more needed",
        "{version} répond en miroir, encore {needed:étiquette|étiquettes}",
    ),
    "why.shadow.open": (
        "{version} answers in shadow, not decided yet",
        "{version} répond en miroir, pas encore tranché",
    ),
    "why.holding": ("the rollout of {version} is paused", "le déploiement de {version} est en pause"),
    "why.approval": (
        "{version} passed its gate and waits for a yes",
        "{version} a passé son contrôle et attend un oui",
    ),
    "why.alarm": ("an alarm is open: {title}", "une alarme est ouverte : {title}"),
    "why.unsure": (
        "{metric} {value:num} is beyond {bound:num}, and not surely",
        "{metric} {value:num} dépasse {bound:num}, sans certitude",
    ),
    "why.labels": ("{n:label|labels} so far", "{n:étiquette|étiquettes} pour l'instant"),
    "why.unlabelled": ("no truth has come back yet", "aucune vérité terrain n'est encore revenue"),
    "why.rows": (
        "{n:count} of {needed:row|rows} for a first answer",
        "{n:count} sur {needed:ligne|lignes} pour une première réponse",
    ),
    "why.quiet": ("quiet for {quiet:span}", "calme depuis {quiet:span}"),
    "why.fine": ("keeps its promise", "tient son engagement"),
    # One fact for each stage of the loop.
    "data.rows": ("{n:row|rows}", "{n:ligne|lignes}"),
    "data.fault": ("{n:column|columns} broken", "{n:colonne|colonnes} en défaut"),
    "train.version": ("{model}/{version}", "{model}/{version}"),
    "train.running": ("under way for {span:span}", "en cours depuis {span:span}"),
    "train.failed": ("the last turn failed", "le dernier tour a échoué"),
    "evaluate.metric": ("{metric} {value:num}", "{metric} {value:num}"),
    "evaluate.status": ("gate {status}", "contrôle : {status}"),
    "register.version": ("version {version}", "version {version}"),
    "release.version": ("{version} for {span:span}", "{version} depuis {span:span}"),
    "release.share": ("{version} on {share:pct}", "{version} sur {share:pct}"),
    "release.shadow": ("{version} in shadow", "{version} en miroir"),
    "release.holding": ("{version} paused at {share:pct}", "{version} en pause à {share:pct}"),
    "release.waits": ("{version} waits for a yes", "{version} attend un oui"),
    "serve.rate": ("{rate:num} req/s", "{rate:num} req/s"),
    "serve.rate.p99": ("{rate:num} req/s, p99 {p99:num} ms", "{rate:num} req/s, p99 {p99:num} ms"),
    "serve.quiet": ("no request in 5 min", "aucune requête en 5 min"),
    "serve.off": ("switched off", "désactivé"),
    "observe.labels": ("{n:label|labels}, {delay:span} late", "{n:étiquette|étiquettes}, {delay:span} de retard"),
    "observe.labels.plain": ("{n:label|labels}", "{n:étiquette|étiquettes}"),
    "observe.rows": ("{n:row|rows}, no label", "{n:ligne|lignes}, sans étiquette"),
    "judge.metric": ("{metric} {value:num}", "{metric} {value:num}"),
    "judge.drift": ("{n:column|columns} drifted", "{n:colonne|colonnes} en dérive"),
    "judge.fault": ("data fault", "défaut de données"),
    "judge.quiet": ("nothing to say", "rien à signaler"),
    "act.release": ("retrain → release", "réentraîner → mettre en service"),
    "act.retrain": ("retrain", "réentraîner"),
    "act.rollback": ("roll back", "revenir en arrière"),
    "act.disable": ("disable", "désactiver"),
    "act.alert": ("alert", "alerter"),
    "act.ask": ("ask for labels", "demander des étiquettes"),
    "act.none": ("nothing", "rien"),
    "act.waits": ("{action} waits", "{action} : en attente"),
    "stage.none": ("nothing yet", "rien encore"),
    # A model's page.
    "story.is": ("{model}: {state}.", "{model} : {state}."),
    "story.drift": (
        "{column} changed {ago:span} ago, effect {effect:num}.",
        "{column} a changé il y a {ago:span}, effet {effect:num}.",
    ),
    "story.lost": (
        "{metric} left its promise {ago:span} ago: {value:num} against {bound:num}, on {n:label|labels}.",
        "{metric} ne tient plus son engagement depuis {ago:span} : {value:num} contre {bound:num}, "
        "sur {n:étiquette|étiquettes}.",
    ),
    "story.is.lost": (
        "{metric} is below its promise: {value:num} against {bound:num}, on {n:label|labels}.",
        "{metric} est sous son engagement : {value:num} contre {bound:num}, sur {n:étiquette|étiquettes}.",
    ),
    "story.kept": (
        "{metric} keeps its promise: {value:num} against {bound:num}, on {n:label|labels}.",
        "{metric} tient son engagement : {value:num} contre {bound:num}, sur {n:étiquette|étiquettes}.",
    ),
    "story.done": ("{what}, {ago:span} ago.", "{what}, il y a {ago:span}."),
    # What happened: an entry of the history.
    "event.trained": ("{ref} was trained", "{ref} a été entraîné"),
    "event.adopted": ("{ref} was adopted", "{ref} a été adopté"),
    "event.gate_failed": (
        "A new version of {model} failed its gate",
        "Une nouvelle version de {model} a échoué à son contrôle",
    ),
    "event.training_failed": ("A turn of {model} failed", "Un tour de {model} a échoué"),
    "event.retraining": ("Retraining of {model} begun", "Réentraînement de {model} commencé"),
    "event.retraining_lost": ("A retraining of {model} was lost", "Un réentraînement de {model} a été perdu"),
    "event.release": ("{ref} answers everything", "{ref} répond à tout"),
    "event.share": ("{ref} answers {share:pct} of traffic", "{ref} répond à {share:pct} du trafic"),
    "event.shadow": ("{ref} answers in shadow", "{ref} répond en miroir"),
    "event.rollout_done": ("{ref} is the champion", "{ref} est le champion"),
    "event.rollout_aborted": (
        "Rollout of {ref} ended, {champion} stays",
        "Déploiement de {ref} arrêté, {champion} reste",
    ),
    "event.rollout_paused": ("Rollout of {ref} paused", "Déploiement de {ref} mis en pause"),
    "event.rollout_refused": ("Rollout of {ref} refused", "Déploiement de {ref} refusé"),
    "event.rollback": ("Rolled back to {champion}", "Retour à {champion}"),
    "event.alias_moved": ("{champion} taken over from the registry", "{champion} repris du registre"),
    "event.disabled": ("{model} switched off", "{model} désactivé"),
    "event.enabled": ("{model} switched on", "{model} réactivé"),
    "event.decided": ("Decided for {model}: {action}", "Décidé pour {model} : {action}"),
    "event.waits": ("Refused for now: {action} {model}", "Refusé pour l'instant : {action} {model}"),
    "event.action_failed": ("An action on {model} failed", "Une action sur {model} a échoué"),
    "event.verdict.fail": ("{title}: {checks}", "{title} : {checks}"),
    "event.verdict.pass": ("{title} is over", "{title} : terminé"),
    "event.verdict": ("Verdict about {ref}", "Verdict sur {ref}"),
    "event.alarm_opened": ("Alarm opened for {model}", "Alarme ouverte pour {model}"),
    "event.alarm_acknowledged": ("Alarm of {model} acknowledged", "Alarme de {model} prise en charge"),
    "event.alarm_resolved": ("Alarm of {model} resolved", "Alarme de {model} résolue"),
    "event.muted": ("Messages about {model} muted", "Messages sur {model} mis en sourdine"),
    "event.message_failed": ("A message did not reach anybody", "Un message n'est arrivé à personne"),
    "event.turn_asked": ("{actor} asked for a turn of {model}", "{actor} a demandé un tour de {model}"),
    "event.key_added": ("A key was added", "Une clé a été ajoutée"),
    "event.key_rotated": ("A key has a new secret", "Une clé a un nouveau secret"),
    "event.key_revoked": ("A key was revoked", "Une clé a été révoquée"),
    "event.other": ("{kind} {ref}", "{kind} {ref}"),
}
"""Key to the English and the French phrase."""
