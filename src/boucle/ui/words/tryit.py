"""Words of the page where a model can be tried."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "try.title": ("Ask {model} something.", "Poser une question à {model}."),
    "try.lead": (
        "What is asked here is marked as a test: it counts in no window, so neither drift nor quality sees it.",
        "Ce qui est demandé ici est marqué comme essai : aucune fenêtre ne le compte, ni la dérive ni la qualité.",
    ),
    "try.none": ("{model} has no version that answers.", "{model} n’a aucune version qui réponde."),
    "try.inputs": ("What goes in", "Entrées"),
    "try.answer": ("What comes out", "Réponse"),
    "try.typical": ("Typical row", "Ligne typique"),
    "try.odd": ("Odd row", "Ligne rare"),
    "try.clear": ("Empty", "Vider"),
    "try.ask": ("Ask", "Demander"),
    "try.asking": ("asking…", "question en cours…"),
    "try.model": ("Model", "Modèle"),
    "try.version": ("Who answers", "Qui répond"),
    "try.champion": ("champion {version}", "champion {version}"),
    "try.challenger": ("challenger {version}", "challenger {version}"),
    "try.both": ("both, side by side", "les deux, côte à côte"),
    "try.range": ("{low} to {high}", "de {low} à {high}"),
    "try.optional": ("may be left out", "facultatif"),
    "try.pii": ("personal: no example", "personnel : pas d’exemple"),
    "try.number": ("This takes a number.", "Un nombre est attendu ici."),
    "try.missing": ("This is needed.", "Ce champ est obligatoire."),
    "try.yes": ("true", "vrai"),
    "try.no": ("false", "faux"),
    "try.image": ("Drop an image here, or choose one", "Déposez une image ici, ou choisissez-en une"),
    "try.waiting": (
        "Nothing asked yet. A typical row is filled in: its medians and commonest values come from the reference.",
        "Rien n’a encore été demandé. Une ligne typique est remplie : ses médianes et ses valeurs les plus fréquentes "
        "viennent de la référence.",
    ),
    "try.took": ("{ms} ms", "{ms} ms"),
    "try.sure": ("{share} sure", "sûr à {share}"),
    "try.bars": ("Probability of each class", "Probabilité de chaque classe"),
    "try.id": ("Copy the id", "Copier l’identifiant"),
    "try.test": ("kept as a test", "conservé comme essai"),
    "try.trouble": ("The data plane did not answer this.", "Le plan de données n’a pas répondu."),
    "try.after": ("Try again in {after} s.", "Réessayez dans {after} s."),
    "try.was": ("Was {ref} right?", "{ref} avait-il raison ?"),
    "try.right": ("Right", "Juste"),
    "try.wrong": ("Wrong", "Faux"),
    "try.should": ("What should it have been?", "Quelle était la bonne réponse ?"),
    "try.comment": ("Why? (it stands in the history)", "Pourquoi ? (inscrit dans l’historique)"),
    "try.send": ("Send the correction", "Envoyer la correction"),
    "try.kept": ("Kept as feedback for {id}.", "Retour conservé pour {id}."),
    "try.kept.more": (
        "Said otherwise later, the newest counts. The next retraining with feedback learns from it.",
        "Le dernier avis donné compte. Le prochain réentraînement avec retours en tient compte.",
    ),
    "try.corrections": (
        (
            "{n}{more} piece of feedback waits for the request it is about.",
            "{n}{more} pieces of feedback wait for the requests they are about.",
        ),
        (
            "{n}{more} retour attend la requête qu’il concerne.",
            "{n}{more} retours attendent les requêtes qu’ils concernent.",
        ),
    ),
    "several.title": ("Several rows at once", "Plusieurs lignes à la fois"),
    "several.lead": (
        ("Paste CSV with a head, or JSON: {n} row at most.", "Paste CSV with a head, or JSON: {n} rows at most."),
        (
            "Collez du CSV avec en-tête, ou du JSON : {n} ligne au plus.",
            "Collez du CSV avec en-tête, ou du JSON : {n} lignes au plus.",
        ),
    ),
    "several.rows": ("Rows", "Lignes"),
    "several.ask": ("Ask for all", "Demander pour toutes"),
    "several.download": ("Download the answers", "Télécharger les réponses"),
    "several.row": ("Row", "Ligne"),
    "several.answer": ("Answer", "Réponse"),
    "several.sure": ("Sure", "Certitude"),
    "several.told": (
        ("{n} row answered by {ref}, kept as a test", "{n} rows answered by {ref}, kept as a test"),
        ("{n} ligne, réponse de {ref}, conservée comme essai", "{n} lignes, réponses de {ref}, conservées comme essai"),
    ),
    "try.caller": ("As a caller asks it", "Comme un appelant le demande"),
    "try.caller.note": (
        "This way it counts as traffic, and is answered by whoever has the next request.",
        "Ainsi, la requête compte dans le trafic ; répond la version à qui revient la requête.",
    ),
}
