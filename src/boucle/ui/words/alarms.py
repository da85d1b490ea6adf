"""Words of the page of alarms."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "alarms.state.open": ("open", "ouverte"),
    "alarms.state.acknowledged": ("acknowledged", "prise en charge"),
    "alarms.state.resolved": ("resolved", "résolue"),
    "alarms.step.open": ("Open", "Ouverte"),
    "alarms.step.acknowledged": ("Acknowledged", "Prise en charge"),
    "alarms.step.resolved": ("Resolved", "Résolue"),
    "alarms.step.nobody": ("nobody has yet", "personne encore"),
    "alarms.step.quiet": ("{quiet} of {all} quiet windows", "{quiet} sur {all} fenêtres calmes"),
    "alarms.since": ("for {span}", "depuis {span}"),
    "alarms.lasted": ("lasted {span}", "a duré {span}"),
    "alarms.spark": ("{model}, {title}, window by window: {value} now", "{model}, {title}, par fenêtre : {value}"),
    "alarms.spark.unit.drift": ("effect size", "taille d’effet"),
    "alarms.spark.unit": ("measured", "mesuré"),
    "alarms.spark.windows": (("{n} window", "{n} windows"), ("{n} fenêtre", "{n} fenêtres")),
    "alarms.done": ("Done", "Fait"),
    "alarms.done.nothing": ("Nothing was done by itself.", "Rien n’a été fait automatiquement."),
    "alarms.waits": ("Waits for a yes", "Attend un accord"),
    "alarms.asked": (
        ("{n} row waits for a label", "{n} rows wait for labels"),
        ("{n} ligne attend une étiquette", "{n} lignes attendent une étiquette"),
    ),
    "alarms.open.page": ("Look at it", "Regarder"),
    "alarms.mute": ("Mute messages…", "Couper les messages…"),
    "alarms.mute.what": (
        "Nobody is told about {model} meanwhile; alarms are still kept and shown.",
        "Personne n’est averti au sujet de {model} entre-temps ; les alarmes restent conservées et affichées.",
    ),
    "alarms.muted": ("No messages about {model} until {until}", "Pas de message sur {model} jusqu’à {until}"),
    "alarms.failing": (
        ("{n} message does not arrive", "{n} messages do not arrive"),
        ("{n} message n’arrive pas", "{n} messages n’arrivent pas"),
    ),
    "alarms.failing.more": (
        "About {model}, to address {to}. Tried so far: {attempts}. It is tried again for a day.",
        "Au sujet de {model}, adresse {to}. Essais : {attempts}. L’envoi est retenté pendant un jour.",
    ),
    "alarms.failing.see": ("See the addresses", "Voir les adresses"),
    "alarms.past": ("Resolved in the last 30 days ({n})", "Résolues ces 30 derniers jours ({n})"),
    "alarms.past.none": ("None was resolved in the last 30 days.", "Aucune résolue ces 30 derniers jours."),
    "alarms.col.what": ("What", "Quoi"),
    "alarms.col.opened": ("Opened", "Ouverte"),
    "alarms.col.lasted": ("Lasted", "Durée"),
    "alarms.col.done": ("What was done", "Ce qui a été fait"),
    "alarms.budget": (
        "About {budget} false alarms are expected in 100 windows in which nothing happens: "
        "{level} a window, all columns together.",
        "Environ {budget} fausse alarme attendue en 100 fenêtres où rien ne se passe : {level} par fenêtre, "
        "toutes variables confondues.",
    ),
    "alarms.how": (
        "One row for each cause, however often it is seen. It resolves itself after {n} windows without the cause.",
        "Une ligne par cause, quel que soit le nombre de fois où elle est vue. Elle se résout seule après {n} fenêtres "
        "sans la cause.",
    ),
    "alarms.empty": (
        "What needs a person will stand here, one row for each cause.",
        "Ce qui demande une personne apparaîtra ici, une ligne par cause.",
    ),
}
