"""Words of the page of what was decided."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "history.today": ("Today", "Aujourd’hui"),
    "history.yesterday": ("Yesterday", "Hier"),
    "history.verified": (
        ("{n} event, not changed (verified: {time}).", "{n} events, none changed (verified: {time})."),
        ("{n} événement, intact (vérifié : {time}).", "{n} événements, aucun modifié (vérifié : {time})."),
    ),
    "history.broken.at": (
        "The chain is broken at event {at}: it, or what stood before it, was changed or removed.",
        "La chaîne est rompue à l’événement {at} : lui, ou ce qui le précède, a été modifié ou retiré.",
    ),
    "history.filter": ("Show", "Afficher"),
    "history.filter.model": ("Model", "Modèle"),
    "history.filter.kind": ("Kind", "Type"),
    "history.filter.actor": ("Who", "Qui"),
    "history.filter.refused": ("What was refused", "Ce qui a été refusé"),
    "history.filter.refused.with": ("shown too", "affiché aussi"),
    "history.filter.refused.without": ("left out", "masqué"),
    "history.all.models": ("all models", "tous les modèles"),
    "history.all.kinds": ("everything", "tout"),
    "history.all.actors": ("everybody", "tout le monde"),
    "history.kind.releases": ("releases", "mises en service"),
    "history.kind.training": ("training", "entraînement"),
    "history.kind.verdicts": ("verdicts", "verdicts"),
    "history.kind.decisions": ("decisions", "décisions"),
    "history.kind.alarms": ("alarms", "alarmes"),
    "history.kind.access": ("keys", "clés"),
    "history.clear": ("Show everything", "Tout afficher"),
    "history.older": ("Older", "Plus anciens"),
    "history.newest": ("Newest", "Les plus récents"),
    "history.empty": (
        "What is decided will stand here, with its reason, its evidence and the way back. The keeper looks by itself.",
        "Ce qui est décidé apparaîtra ici, avec sa raison, ses éléments probants et le retour possible. "
        "Le gardien contrôle de lui-même.",
    ),
    "history.empty.some": ("Nothing matches.", "Rien ne correspond."),
    "history.keeper": ("the keeper", "le gardien"),
    "history.evidence": ("Evidence", "Éléments probants"),
    "history.checks": ("Checks of the verdict", "Contrôles du verdict"),
    "history.check": ("Check", "Contrôle"),
    "history.value": ("Measured", "Mesuré"),
    "history.bound": ("Bound", "Borne"),
    "history.count": ("Count", "Nombre"),
    "history.verdict": ("Verdict", "Verdict"),
    "history.fact.event": ("Event", "Événement"),
    "history.fact.kind": ("Kind", "Type"),
    "history.fact.time": ("Time", "Heure"),
    "history.fact.who": ("Who", "Qui"),
    "history.fact.about": ("About", "Au sujet de"),
    "history.fact.digest": ("Fingerprint", "Empreinte"),
    "history.fact.previous": ("The event before", "L’événement d’avant"),
    "history.fact.undo": ("Way back", "Retour"),
    "history.json": ("All of it, as JSON", "Tout, en JSON"),
    "history.none": ("There is no event {seq}.", "Il n’y a pas d’événement {seq}."),
}
