"""Words of what people do beside releases."""

from __future__ import annotations

from boucle.ui.words.catalogue import Entry

WORDS: dict[str, Entry] = {
    "do.mute": ("for {span}", "pendant {span}"),
    "do.unmute": ("Send messages again", "Reprendre l’envoi des messages"),
    "do.revoke": ("Revoke {name}", "Révoquer {name}"),
    "do.revoke.says": (
        "The key {name} works nowhere any more, within two seconds. Who holds it needs a new one.",
        "La clé {name} ne fonctionne plus nulle part, en deux secondes. Son porteur aura besoin d’une nouvelle clé.",
    ),
    "do.role": ("Change the role of {name}", "Changer le rôle de {name}"),
    "do.role.says": (
        "{name} is {role} from now on, not {before}. This counts above what the provider says.",
        "{name} devient {role} dès maintenant, au lieu de {before}. Cela prime sur ce que dit le fournisseur.",
    ),
    "did.role": ("{name}: {role}.", "{name} : {role}."),
    "do.test": ("Send a test", "Envoyer un essai"),
    "did.muted": ("No messages about {model} until {until}.", "Pas de message sur {model} jusqu’à {until}."),
    "did.unmuted": ("Messages about {model} are sent again.", "Les messages sur {model} sont de nouveau envoyés."),
    "did.revoked": ("The key {name} is revoked.", "La clé {name} est révoquée."),
    "did.test": ("The test was sent ({kind}).", "L’essai a été envoyé ({kind})."),
    "did.test.failed": (
        "The test could not be sent ({kind}). The log of the control plane says why.",
        "L’essai n’a pas pu être envoyé ({kind}). Le journal du plan de contrôle dit pourquoi.",
    ),
    "test.title": ("{model}: a test from Boucle", "{model} : un essai de Boucle"),
    "test.body": (
        "{who} sent this from the console to see whether it arrives. Nothing is wrong.",
        "{who} envoie ceci depuis la console pour voir si cela arrive. Tout va bien.",
    ),
}
