"""Words of the page about drift."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "drift.columns": ("Columns by effect", "Colonnes par effet"),
    "drift.unit": ("in standard deviations", "en écarts-types"),
    "drift.unit.floor": ("in standard deviations · dashed: floor {floor}", "en écarts-types · tirets : seuil {floor}"),
    "drift.effect": ("effect {effect}", "effet {effect}"),
    "drift.floor": ("floor {floor}", "seuil {floor}"),
    "drift.rows": (("{n} row", "{n} rows"), ("{n} ligne", "{n} lignes")),
    "drift.is.fail": ("Drifted", "A dérivé"),
    "drift.is.pass": ("Not drifted", "N’a pas dérivé"),
    "drift.is.inconclusive": ("Too close to the floor to say", "Trop près du seuil pour conclure"),
    "drift.output": ("prediction (output)", "prediction (sortie)"),
    "drift.horizon": ("How many windows are judged together", "Nombre de fenêtres jugées ensemble"),
    "drift.loudest": ("loudest", "la plus nette"),
    "drift.windows": (("last window", "{n} windows"), ("dernière fenêtre", "{n} fenêtres")),
    "drift.against": (
        "{rows} current rows against {reference} reference rows of {ref}",
        "{rows} lignes courantes contre {reference} lignes de référence de {ref}",
    ),
    "drift.faults.none": ("Data faults: none", "Défauts de données : aucun"),
    "drift.faults.some": (("{n} data fault", "{n} data faults"), ("{n} défaut de données", "{n} défauts de données")),
    "drift.faults.early": ("Data faults: too early to say", "Défauts de données : trop tôt pour conclure"),
    "drift.faults": ("Data faults", "Défauts de données"),
    "drift.fault": (
        "{share} of {rows} rows, expected at most {bound}",
        "{share} de {rows} lignes, attendu au plus {bound}",
    ),
    "drift.reference": ("reference, n = {n}", "référence, n = {n}"),
    "drift.current": ("current, n = {n}", "courant, n = {n}"),
    "drift.facts": ("effect {effect} {ends} · {rows} rows", "effet {effect} {ends} · {rows} lignes"),
    "drift.first": ("first seen {time}", "vu d’abord le {time}"),
    "drift.picture": ("{column}: most at {level}, {by}", "{column} : surtout à {level}, {by}"),
    "drift.bins": (
        "{column}, in bins of about equal reference rows",
        "{column}, en classes d’effectif de référence égal",
    ),
    "drift.others": ("others", "autres"),
    "drift.unseen": ("unseen", "inconnues"),
    "drift.level": ("Level or range", "Modalité ou plage"),
    "drift.before": ("Reference", "Référence"),
    "drift.now": ("Current", "Courant"),
    "drift.moved": ("Difference", "Écart"),
    "drift.rate.missing": ("Missing", "Manquantes"),
    "drift.rate.unseen": ("Unseen levels", "Modalités inconnues"),
    "drift.rate.outside": ("Out of range", "Hors bornes"),
    "drift.rate": ("{before} → {now}", "{before} → {now}"),
    "drift.means": ("What this means for {model}", "Ce que cela signifie pour {model}"),
    "drift.slice": ("{metric} where {slice}", "{metric} pour {slice}"),
    "drift.whole": ("{metric} of all rows", "{metric} de toutes les lignes"),
    "drift.noslice": (
        "Quality is not kept by the levels of this column; only columns with few levels are.",
        "La qualité n’est pas suivie par modalité de cette colonne ; seules les colonnes à peu de modalités le sont.",
    ),
    "drift.notruth": (
        "No truth yet, so what it does to quality is not known.",
        "Pas de vérité terrain : l’effet sur la qualité n’est pas connu.",
    ),
    "drift.done": ("What Boucle did", "Ce que Boucle a fait"),
    "drift.asked": (
        ("{n} row waits for a label", "{n} rows wait for labels"),
        ("{n} ligne attend une étiquette", "{n} lignes attendent une étiquette"),
    ),
    "drift.untested": (
        "Not compared, for they only grow or were empty: {columns}",
        "Non comparées, car elles ne font que croître ou étaient vides : {columns}",
    ),
    "drift.more": (
        ("and {n} column more, with smaller effects", "and {n} columns more, with smaller effects"),
        ("et {n} colonne de plus, d’effet moindre", "et {n} colonnes de plus, d’effet moindre"),
    ),
    "drift.budget": (
        "{budget} false alarms are expected in 100 quiet windows.",
        "{budget} fausses alarmes sont attendues pour 100 fenêtres calmes.",
    ),
    "drift.empty": (
        "Here you will see how what comes in differs from what the model has learned from.",
        "Vous verrez ici en quoi ce qui arrive diffère de ce que le modèle a appris.",
    ),
    "drift.empty.do": ("Requests make it appear:", "Des requêtes le feront apparaître :"),
}
