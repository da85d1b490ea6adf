"""The sentences of pages, commands and messages in English and in French. `{n:count}` and the like: see ``said``.

One word per thing, as in the glossary. Present tense, what is known first, then what is not, then what happens.
"""

from __future__ import annotations

from boucle.loop.telling.reason_words import REASONS
from boucle.loop.wording import TITLES

PHRASES: dict[str, tuple[str, str]] = {
    **{f"cause.{cause}": title for cause, title in TITLES.items()},
    **REASONS,
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
    "home.one.of": (
        "{model} needs you; {rest:other model does|other models do} not.",
        "{model} a besoin de vous ; {rest:autre modèle|autres modèles} non.",
    ),
    "home.is": ("{model}: {state}.", "{model} : {state}."),
    "home.why": ("{why}.", "{why}."),
    "home.is.why": ("{state}: {why}.", "{state} : {why}."),
    "home.lead": ("{told}.", "{told}."),
    "home.lead.and": ("{first}, {then}", "{first}, {then}"),
    "home.lead.stopped": ("{n:stopped|stopped}", "{n:arrêté|arrêtés}"),
    "home.lead.below": (
        "{n:below its promise|below their promise}",
        "{n:sous son engagement|sous leur engagement}",
    ),
    "home.lead.early": ("{n:too early to say|too early to say}", "{n:trop tôt pour conclure|trop tôt pour conclure}"),
    "home.lead.watching": ("{n:watched|watched}", "{n:sous surveillance|sous surveillance}"),
    "home.lead.fine": ("{n:fine|fine}", "{n:sans souci|sans souci}"),
    # What a person can do.
    "next.enable": (
        "Enable {model} again, or promote another version.",
        "Réactivez {model}, ou promouvez une autre version.",
    ),
    "next.fault": (
        "Mend the data at their source; nothing is retrained on them until then.",
        "Réparez les données à la source ; rien n'est réentraîné dessus d'ici là.",
    ),
    "next.approve": (
        "Decide whether {version} takes over: promote it, or roll it back.",
        "Décidez si {version} prend la relève : promouvez-le, ou revenez en arrière.",
    ),
    "next.rollout": (
        "{version} is being tried in its place and is judged by itself; promote it or roll back if you know more, "
        "else only acknowledge the alarm.",
        "{version} est essayé à sa place et jugé tout seul ; promouvez-le ou revenez en arrière si vous en savez plus, "
        "sinon prenez seulement l'alarme en charge.",
    ),
    "next.approval": ("A version waits: promote it, or leave it.", "Une version attend : promouvez-la, ou laissez-la."),
    "next.retrain": (
        "Retrain it on newer data, or roll back to a version that was better.",
        "Réentraînez-le sur des données plus récentes, ou revenez à une version qui était meilleure.",
    ),
    "next.drift": (
        "See which columns moved; ask for labels to learn whether the answers suffer.",
        "Voyez quelles colonnes ont bougé ; demandez des étiquettes pour savoir si les réponses en souffrent.",
    ),
    "next.alarm": ("Read the alarm and acknowledge it.", "Lisez l'alarme et prenez-la en charge."),
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
    "why.drift": ("{column} drifted, effect now {effect:num}", "{column} a dérivé, effet actuel {effect:num}"),
    "why.drift.more": (
        "{column} drifted, effect now {effect:num}, and {more:column|columns} more",
        "{column} a dérivé, effet actuel {effect:num}, et {more:colonne|colonnes} de plus",
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
        "{column} changed {ago:span} ago; in the newest window its effect is {effect:num}.",
        "{column} a changé il y a {ago:span} ; dans la dernière fenêtre, son effet est {effect:num}.",
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
    # Rollouts.
    "rollouts.live": ("{n:rollout is|rollouts are} under way.", "{n:déploiement|déploiements} en cours."),
    "rollouts.live.lead": ("{ref} answers {share:pct} of traffic.", "{ref} répond à {share:pct} du trafic."),
    "rollouts.none": ("No traffic is moving.", "Aucun trafic ne bouge."),
    "rollouts.never": (
        "Nothing was ever rolled out. Start with: boucle promote {model}/VERSION",
        "Rien n'a encore été déployé. Commencez par : boucle promote {model}/VERSION",
    ),
    "rollouts.last.promoted": (
        "The last one, {ref}, became champion {ago:span} ago.",
        "Le dernier, {ref}, est devenu champion il y a {ago:span}.",
    ),
    "rollouts.last.ended": (
        "The last one, {ref}, was ended {ago:span} ago.",
        "Le dernier, {ref}, a été arrêté il y a {ago:span}.",
    ),
    "check.zero_one": ("Error rate", "Taux d'erreur"),
    "check.squared": ("Squared error", "Erreur quadratique"),
    "check.absolute": ("Absolute error", "Erreur absolue"),
    "check.log": ("Log loss", "Perte logarithmique"),
    "check.brier": ("Brier score", "Score de Brier"),
    "check.failed": ("Failed requests", "Requêtes en échec"),
    "check.slow": ("Slow requests", "Requêtes lentes"),
    "check.without": ("Requests without {event}", "Requêtes sans {event}"),
    "check.other": ("{name}", "{name}"),
    "rollout.odds": (
        "The evidence against it reached {odds:count} to 1; {ends:count} to 1 ends a rollout.",
        "Les éléments contre lui ont atteint {odds:count} contre 1 ; {ends:count} contre 1 arrêtent un déploiement.",
    ),
    "rollout.worse": (
        "{check} of {challenger} was {by} higher, on {n:label|labels}.",
        "{check} de {challenger} : {by} de plus, sur {n:étiquette|étiquettes}.",
    ),
    "rollout.early": ("{ref}: too early to say.", "{ref} : trop tôt pour conclure."),
    "rollout.going": ("{ref} is not worse so far.", "{ref} n'est pas moins bon jusqu'ici."),
    "rollout.holding": ("{ref} is paused.", "{ref} est en pause."),
    "rollout.silent": ("{ref} waits: no label comes in.", "{ref} attend : aucune étiquette n'arrive."),
    "rollout.promoted": ("{ref} became champion.", "{ref} est devenu champion."),
    "rollout.ended": ("{ref} was ended, {champion} stayed.", "{ref} a été arrêté, {champion} est resté."),
    "rollout.promoted.lead": (
        "It was not worse than {champion} by more than its margin.",
        "Il n'a pas été moins bon que {champion} au-delà de sa marge.",
    ),
    "rollout.ended.lead": (
        "{champion} answered all traffic from then on.",
        "{champion} a répondu à tout le trafic dès lors.",
    ),
    "rollout.answers": ("It answers {share:pct} of traffic.", "Il répond à {share:pct} du trafic."),
    "rollout.shadowing": (
        "It answers a copy of the traffic; callers do not see it.",
        "Il répond à une copie du trafic ; les appelants ne le voient pas.",
    ),
    "rollout.share": (
        "The router was asked for {asked:pct} and sent {seen:pct}.",
        "Le routeur devait en envoyer {asked:pct} et en a envoyé {seen:pct}.",
    ),
    "rollout.paused": (
        "It stands still until somebody says: boucle resume {model}",
        "Il attend que quelqu'un dise : boucle resume {model}",
    ),
    "rollout.quiet": (
        "No label for {ago:span}: nothing is decided without labels.",
        "Aucune étiquette depuis {ago:span} : rien ne se décide sans elles.",
    ),
    "rollout.unlabelled": (
        "No label of its answers yet; {n:label is|labels are} needed at this step.",
        "Aucune étiquette de ses réponses ; il en faut {n:count} à cette étape.",
    ),
    "as.points": ("{value:size}", "{value:size}"),
    "as.number": ("{value:num}", "{value:num}"),
    "rollout.alike": ("So far it looks like {champion}.", "Jusqu'ici, il ressemble à {champion}."),
    "rollout.lower": (
        "So far its loss is {by} lower than that of {champion}.",
        "Jusqu'ici, sa perte est inférieure de {by} à celle de {champion}.",
    ),
    "rollout.higher": (
        "So far its loss is {by} higher than that of {champion}.",
        "Jusqu'ici, sa perte est supérieure de {by} à celle de {champion}.",
    ),
    "rollout.needs": (
        "To be sure within {margin} Boucle needs {needed:more label|more labels}.",
        "Pour être sûr à {margin} près, il faut encore {needed:étiquette|étiquettes}.",
    ),
    "rollout.needs.lasting": (
        "To be sure within {margin} Boucle needs {needed:more label|more labels}, "
        "about {lasting:span} at today's pace.",
        "Pour être sûr à {margin} près, il faut encore {needed:étiquette|étiquettes}, "
        "environ {lasting:span} à ce rythme.",
    ),
    "rollout.step": (
        "The evidence is under the margin already; this step takes {needed:more label|more labels}.",
        "Les éléments sont déjà sous la marge ; cette étape demande encore {needed:étiquette|étiquettes}.",
    ),
    "rollout.undecided": (
        "The difference is not surely under the margin, and not surely above it.",
        "L'écart n'est sûrement ni sous la marge, ni au-dessus.",
    ),
    "rollout.passing": ("All of the evidence is under the margin.", "Tous les éléments sont sous la marge."),
    "rollout.until": ("Until then {champion} stays champion.", "D'ici là, {champion} reste champion."),
    # Drift.
    "drift.none": ("Too early to say what comes into {model}.", "Trop tôt pour dire ce qui arrive à {model}."),
    "drift.rows": ("{n:count} of {needed:row|rows}.", "{n:count} sur {needed:ligne|lignes}."),
    "drift.quiet": (
        "Nothing drifted in {n:column|columns} of {model}.",
        "Rien n'a dérivé dans {n:colonne|colonnes} de {model}.",
    ),
    "drift.some": (
        "{n:count} of {all:column|columns} of {model} drifted.",
        "{n:count} des {all:colonne|colonnes} de {model} ont dérivé.",
    ),
    "drift.unsure": (
        "{n:column is|columns are} too close to the floor to say.",
        "{n:colonne est|colonnes sont} trop près du seuil plancher pour conclure.",
    ),
    "drift.mostly": (
        "Mostly {column}, by {effect:num} standard deviations.",
        "Surtout {column}, de {effect:num} écarts-types.",
    ),
    "drift.rose": (
        "Mostly {column}: {level} rose from {before:pct} to {after:pct}.",
        "Surtout {column} : {level} est passé de {before:pct} à {after:pct}.",
    ),
    "drift.fell": (
        "Mostly {column}: {level} fell from {before:pct} to {after:pct}.",
        "Surtout {column} : {level} est tombé de {before:pct} à {after:pct}.",
    ),
    "drift.valid": (
        "The inputs themselves are valid, so this is a change in the world, not a fault in the data.",
        "Les entrées elles-mêmes sont valides : c'est le monde qui a changé, pas un défaut de données.",
    ),
    "drift.valid.quiet": ("The inputs are valid.", "Les entrées sont valides."),
    "drift.faulty": (
        "{n:column is|columns are} broken, {column} first: nothing is learned from such rows.",
        "{n:colonne est|colonnes sont} en défaut, {column} d'abord : rien n'est appris de ces lignes.",
    ),
    # History, alarms, data and contract.
    "history.head": ("{n:event|events}, each with its reason.", "{n:événement|événements}, chacun avec sa raison."),
    "history.head.some": ("What matches, newest first.", "Ce qui correspond, le plus récent d'abord."),
    "history.head.none": ("Nothing decided yet.", "Rien n'a encore été décidé."),
    "history.head.broken": ("The history was changed.", "L'historique a été modifié."),
    "history.chain": ("Verified: {n:event|events}.", "Vérifié : {n:événement|événements}."),
    "history.broken": (
        "The chain breaks at event {at}. See: boucle history --verify",
        "La chaîne est rompue à l'événement {at}. Voir : boucle history --verify",
    ),
    "alarms.open": ("{n:alarm is|alarms are} open.", "{n:alarme ouverte|alarmes ouvertes}."),
    "alarms.seen": ("{n:alarm is|alarms are} being looked after.", "{n:alarme prise|alarmes prises} en charge."),
    "alarms.first": ("{model}: {title}.", "{model} : {title}."),
    "alarms.none": ("No alarm is open.", "Aucune alarme n'est ouverte."),
    "alarms.never": ("There was none in 30 days.", "Il n'y en a pas eu en 30 jours."),
    "alarms.quiet": ("Quiet for {quiet:span}.", "Calme depuis {quiet:span}."),
    "contract.none": ("{model} has no contract yet.", "{model} n'a pas encore de contrat."),
    "contract.fields": ("{n:field|fields} come in.", "{n:champ|champs} en entrée."),
    "contract.quiet": ("No request in a whole window of {model} yet.", "Pas encore de fenêtre complète pour {model}."),
    "contract.faulty": (
        "{n:field breaks|fields break} the contract of {model}.",
        "{n:champ rompt|champs rompent} le contrat de {model}.",
    ),
    "contract.refused": (
        "{share:pct} of {n:request|requests} broke the contract.",
        "{share:pct} des {n:requête|requêtes} ont rompu le contrat.",
    ),
    "contract.kept": (
        "All of {n:request|requests} kept the contract.",
        "Les {n:requête|requêtes} ont toutes tenu le contrat.",
    ),
    # Quality and business.
    "quality.under": ("{metric} is {by} under its promise.", "{metric} est {by} sous son engagement."),
    "quality.over": ("{metric} is {by} over its promise.", "{metric} est {by} au-dessus de son engagement."),
    "quality.lost": ("{metric} is under its promise.", "{metric} est sous son engagement."),
    "quality.kept": ("{metric} keeps its promise.", "{metric} tient son engagement."),
    "quality.unsure": ("{metric}: too early to say.", "{metric} : trop tôt pour conclure."),
    "quality.none": ("No truth yet for {model}.", "Pas encore de vérité terrain pour {model}."),
    "quality.send": (
        "Send it to POST /feedback; until then there is only what can be estimated.",
        "Envoyez-la à POST /feedback ; d'ici là, il n'y a que ce qui peut être estimé.",
    ),
    "quality.value": (
        "{value:num} [{low:num}, {high:num}] on {n:label|labels}, against {bound:num}.",
        "{value:num} [{low:num} ; {high:num}] sur {n:étiquette|étiquettes}, contre {bound:num}.",
    ),
    "quality.value.plain": ("{value:num} on {n:label|labels}.", "{value:num} sur {n:étiquette|étiquettes}."),
    "quality.slice": (
        "Worst: {slice}, {value:num} on {n:label|labels}.",
        "Le pire : {slice}, {value:num} sur {n:étiquette|étiquettes}.",
    ),
    # Compare.
    "compare.better": ("{left} is better on {metric}.", "{left} est meilleur en {metric}."),
    "compare.worse": ("{left} is worse on {metric}.", "{left} est moins bon en {metric}."),
    "compare.same": (
        "{left} is not worse on {metric} than its margin.",
        "{left} n'est pas moins bon en {metric} que sa marge.",
    ),
    "compare.open": ("Too early to say which is better.", "Trop tôt pour dire lequel est meilleur."),
    "compare.unpaired": (
        "Each was measured on its own rows, so differences are not paired.",
        "Chacun a été mesuré sur ses propres lignes : les écarts ne sont pas appariés.",
    ),
    "compare.paired": ("Both answered the same {n:row|rows}.", "Les deux ont répondu aux mêmes {n:ligne|lignes}."),
    "compare.other": (
        "{left} and {right} do not answer the same question.",
        "{left} et {right} ne répondent pas à la même question.",
    ),
    "compare.none": ("Neither was evaluated.", "Aucun n'a été évalué."),
    # Maturity: three levels, what each takes, and what adds it.
    "maturity.0": ("Level 1 is not reached yet.", "Le niveau 1 n'est pas encore atteint."),
    "maturity.1": ("Level 1 of 3: somebody is told.", "Niveau 1 sur 3 : quelqu'un est averti."),
    "maturity.2": (
        "Level 2 of 3: retrains with a person's yes.",
        "Niveau 2 sur 3 : réentraîne avec l'accord d'une personne.",
    ),
    "maturity.3": ("Level 3 of 3: it goes round by itself.", "Niveau 3 sur 3 : la boucle tourne seule."),
    "maturity.missing": (
        "{n:thing is|things are} missing for level {level}.",
        "{n:élément manque|éléments manquent} pour le niveau {level}.",
    ),
    "maturity.all": ("Nothing is missing.", "Rien ne manque."),
    "maturity.level.1": ("It is watched, and somebody is told", "Il est surveillé, et quelqu'un est averti"),
    "maturity.level.2": ("It retrains, and a person says yes", "Il se réentraîne, et une personne dit oui"),
    "maturity.level.3": ("It retrains and releases by itself", "Il se réentraîne et se met en service seul"),
    "maturity.champion": ("A version answers", "Une version répond"),
    "maturity.traffic": ("Requests are watched in windows", "Les requêtes sont suivies par fenêtres"),
    "maturity.alerts": ("Alarms reach somebody", "Les alarmes atteignent quelqu'un"),
    "maturity.truth": ("Truth comes back", "La vérité terrain revient"),
    "maturity.slo": ("The service has a promise", "Le service a un engagement"),
    "maturity.gates": ("A version has to pass gates", "Une version doit passer des contrôles"),
    "maturity.reaction": ("Quality loss leads to a retraining", "Une perte de qualité mène à un réentraînement"),
    "maturity.labels": (
        "{n:label|labels} to learn from, {needed:count} needed",
        "{n:étiquette|étiquettes} pour apprendre, {needed:count} nécessaires",
    ),
    "maturity.canary": ("A new version moves in step by step", "Une nouvelle version arrive pas à pas"),
    "maturity.back": ("There is a version to go back to", "Il y a une version où revenir"),
    "maturity.delay": ("Labels come within a day", "Les étiquettes arrivent en un jour"),
    "maturity.delay.now": (
        "Labels come within a day, now {late:span}",
        "Les étiquettes arrivent en un jour, ici {late:span}",
    ),
    "maturity.fallback": ("Something answers when it is switched off", "Quelque chose répond s'il est désactivé"),
    "maturity.business": ("What it is worth is measured", "Ce qu'il rapporte est mesuré"),
    "maturity.schedule": ("It is renewed even when nothing happens", "Il est renouvelé même s'il ne se passe rien"),
    "maturity.slices": ("Parts of the rows are judged by themselves", "Des sous-populations sont jugées à part"),
    "maturity.alone": ("What passes is released without a yes", "Ce qui passe est mis en service sans accord"),
    # Retraining by hand.
    "lessons.fault": (
        "alarm {number} about broken data is not resolved, and a model must not learn from it",
        "l'alarme {number} sur des données abîmées n'est pas résolue, et un modèle ne doit pas en apprendre",
    ),
    "lessons.running": ("a training is under way for {span:span}", "un entraînement est en cours depuis {span:span}"),
    # What happened: an entry of the history.
    "event.trained": ("{ref} was trained", "{ref} a été entraîné"),
    "event.adopted": ("{ref} was adopted", "{ref} a été adopté"),
    "event.data_refused": ("New data for {model} was refused", "De nouvelles données de {model} ont été refusées"),
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
    "event.decided.alert": ("People told about {model}", "Des personnes averties au sujet de {model}"),
    "event.decided.ask": ("Labels asked for {model}", "Étiquettes demandées pour {model}"),
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
    "event.labels_asked": ("Labels asked for {model}", "Étiquettes demandées pour {model}"),
    "event.feedback_noted": ("A remark about {ref}", "Une remarque sur {ref}"),
    "event.message_tested": ("A test message was sent", "Un message d'essai a été envoyé"),
    "event.turn_asked": ("{actor} asked for a turn of {model}", "{actor} a demandé un tour de {model}"),
    "event.key_added": ("A key was added", "Une clé a été ajoutée"),
    "event.key_rotated": ("A key has a new secret", "Une clé a un nouveau secret"),
    "event.key_revoked": ("A key was revoked", "Une clé a été révoquée"),
    "event.role_given": ("{name} has another role", "{name} a un autre rôle"),
    "event.other": ("{kind} {ref}", "{kind} {ref}"),
}
"""Key to the English and the French phrase."""
