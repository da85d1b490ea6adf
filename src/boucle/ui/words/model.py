"""Words of a model's page."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "model.span": ("Time shown", "Période affichée"),
    "span.24h": ("24 h", "24 h"),
    "span.7d": ("7 days", "7 jours"),
    "span.30d": ("30 days", "30 jours"),
    "span.release": ("since release", "mise en service"),
    "model.lineage": ("Where its answers come from", "D’où viennent ses réponses"),
    "model.versions": ("Versions", "Versions"),
    "model.actions": ("What you can do", "Ce que vous pouvez faire"),
    "model.drift": ("Drift", "Dérive"),
    "model.quality": ("Quality & business", "Qualité et métier"),
    "lineage.none": ("No version answers yet.", "Aucune version ne répond encore."),
    "lineage.data": ("data", "données"),
    "lineage.run": ("run", "exécution"),
    "lineage.version": ("version", "version"),
    "lineage.release": ("release", "mise en service"),
    "lineage.answered": ("answered", "réponses"),
    "lineage.rows": (("{n} row", "{n} rows"), ("{n} ligne", "{n} lignes")),
    "lineage.answers": (("row", "rows"), ("ligne", "lignes")),
    "versions.caption": ("The versions of {model}", "Les versions de {model}"),
    "versions.version": ("Version", "Version"),
    "versions.role": ("Role", "Rôle"),
    "versions.verdict": ("Gate", "Contrôle"),
    "versions.measured": ("Measured before release", "Mesuré avant la mise en service"),
    "versions.rows": ("Learned from", "Lignes apprises"),
    "versions.answered": ("Answered", "Lignes servies"),
    "versions.made": ("Made", "Créée"),
    "versions.compare": ("compare with {version}", "comparer à {version}"),
    "versions.none": ("No version yet.", "Aucune version pour l’instant."),
    "role.is.champion": ("champion", "champion"),
    "role.is.challenger": ("challenger", "challenger"),
    "role.is.previous": ("champion before", "champion précédent"),
    "model.promote": ("Promote {ref}…", "Promouvoir {ref}…"),
    "model.rollback": ("Roll back to {version}…", "Revenir à {version}…"),
    "model.disable": ("Disable…", "Désactiver…"),
    "model.enable": ("Enable…", "Activer…"),
}
