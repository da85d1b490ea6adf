"""Words that every page uses: verdicts, states, stages of the loop, roles, spans of time."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "and": ("and", "et"),
    "time.yesterday": ("yesterday", "hier"),
    "time.now": ("now", "maintenant"),
    "time.ago": ("{span} ago", "il y a {span}"),
    "verdict.pass": ("pass", "conforme"),
    "verdict.fail": ("fail", "non conforme"),
    "verdict.inconclusive": ("inconclusive", "non concluant"),
    "state.none": ("No model yet", "Pas encore de modèle"),
    "stage.data": ("Data", "Données"),
    "stage.train": ("Train", "Entraîner"),
    "stage.evaluate": ("Evaluate", "Évaluer"),
    "stage.register": ("Register", "Enregistrer"),
    "stage.release": ("Release", "Livrer"),
    "stage.serve": ("Serve", "Servir"),
    "stage.observe": ("Observe", "Observer"),
    "stage.judge": ("Judge", "Juger"),
    "stage.act": ("Act", "Agir"),
    "champion": ("champion", "champion"),
    "challenger": ("challenger", "challenger"),
    "promise": ("promise", "promesse"),
    "role.viewer": ("viewer", "lecteur"),
    "role.operator": ("operator", "opérateur"),
    "role.approver": ("approver", "approbateur"),
    "role.admin": ("admin", "administrateur"),
}
