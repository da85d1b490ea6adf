"""Words of the home page and of a model's page."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "home.models": ("Models, those who need you first", "Modèles, d’abord ceux qui ont besoin de vous"),
    "home.reorder": ("Update order", "Mettre à jour l’ordre"),
    "home.fine": (("{n} is fine", "{n} are fine"), ("{n} va bien", "{n} vont bien")),
    "home.happened": ("What happened, and why", "Ce qui s’est passé, et pourquoi"),
    "home.then": ("Each with the numbers of that moment.", "Avec les chiffres du moment même."),
    "home.all": ("All decisions", "Toutes les décisions"),
    "home.quiet": (
        "Nothing decided yet. The keeper looks every second while it runs.",
        "Rien de décidé pour l’instant. Le gardien regarde chaque seconde tant qu’il tourne.",
    ),
    "home.why": ("Why it changed", "Pourquoi cela a changé"),
    "home.how": ("How it goes", "Comment cela se passe"),
    "home.next": ("What you can do", "Ce que vous pouvez faire"),
    "home.empty": (
        "Here you will see the loop of each model, what it decided and why.",
        "Vous verrez ici la boucle de chaque modèle, ce qu’elle a décidé et pourquoi.",
    ),
    "home.first": ("Train the first one with", "Entraînez le premier avec"),
    "home.more": ("and {n} more", "et {n} de plus"),
    "home.share": ("champion, {share}", "champion, {share}"),
    "home.shadow": ("{version} in shadow", "{version} en miroir"),
    "home.canary": ("{version}, {share}", "{version}, {share}"),
    "home.held": ("{version} paused", "{version} en pause"),
    "home.off": ("switched off", "désactivé"),
    "home.nobody": ("nobody answers", "personne ne répond"),
    "undo.what": ("Undo: {what}", "Annuler : {what}"),
}
