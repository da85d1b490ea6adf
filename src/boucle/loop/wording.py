"""The words of messages to people, in English and in French. Numbers, names and notes are the same in both."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "fr"]

TITLES: dict[str, tuple[str, str]] = {
    "fault": ("broken data", "données abîmées"),
    "drift": ("data drift", "dérive des données"),
    "quality": ("quality loss", "perte de qualité"),
    "slo": ("the service is below its promise", "le service ne tient pas ses engagements"),
    "floor": ("hard floor broken", "seuil d'arrêt franchi"),
    "gate": ("a new version failed its gate", "une nouvelle version a échoué à son contrôle"),
    "approval": ("a version waits for approval", "une version attend une approbation"),
    "storage": ("trouble with storage", "problème de stockage"),
}
"""Title by an alarm's cause; a cause without one is its own title."""

_WORDS: dict[str, tuple[str, str]] = {
    "in": ("in", "dans"),
    "effect": ("effect", "effet"),
    "bound": ("bound", "borne"),
    "rows": ("rows", "lignes"),
    "more": ("and {} more", "et {} de plus"),
    "columns": ("{} columns", "{} colonnes"),
    "found": ("What was found", "Ce qui a été trouvé"),
    "window": ("First window", "Première fenêtre"),
    "changed": ("Changed since about", "Changement depuis environ"),
    "opened": ("Alarm open since", "Alarme ouverte depuis"),
    "done": ("Done", "Fait"),
    "nothing": ("nothing but this message", "rien d'autre que ce message"),
    "undo": ("Undo", "Annuler"),
    "see": ("See more", "En savoir plus"),
    "ack": ("Acknowledge", "Prendre en charge"),
    "version": ("Version", "Version"),
    "plot": ("reference grey, now blue", "référence en gris, maintenant en bleu"),
    "apart": (", ", " ; "),
    "colon": (": ", " : "),
}


def title(cause: str, language: Language) -> str:
    """Return what an alarm of this cause is called; one from outside carries its own name."""
    return TITLES[cause][_place(language)] if cause in TITLES else cause.removeprefix("external:")


def word(name: str, language: Language) -> str:
    """Return one word or phrase; raises KeyError for one that there is not."""
    return _WORDS[name][_place(language)]


def _place(language: Language) -> int:
    return 1 if language == "fr" else 0
