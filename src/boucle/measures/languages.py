"""Which language a text seems to be in: a guess by script and by the commonest small words, for counting, not more.

A heuristic: right for most texts of a sentence or more in a language it knows, and ``unknown`` rather than wrong for
words, codes and mixtures. It watches for change; it labels nothing.
"""

from __future__ import annotations

import re
from collections import Counter

UNKNOWN = "unknown"
_READ = 600
"""Characters of a text that are looked at."""
_WORD = re.compile(r"[^\W\d_]+")
_LEAST, _SHARE = 2, 0.08
_SMALL = {
    "en": "the of and to in is that it was for on with as his he be at by this had not are but from have an they "
    "which you were her all she there would their we him been has when who will more no if out so what about i my me",
    "fr": "le la les de des du un une et est en que qui dans pour pas sur au aux avec ce il elle ne se plus par je "
    "vous nous mais ou son sa ses cette ces été être sont leur comme tout fait très c d l qu n s j",
    "de": "der die das und ist in den von zu mit sich des auf für nicht ein eine als auch es an er hat aus bei war "
    "dem nach wie ich sie wir werden wird einer einem einen noch oder aber sind über nur so kein dass",
    "es": "el la los las de del que y en un una es por con no para se su al lo como más pero sus le ya fue este ha sí "
    "porque esta son entre cuando muy sin sobre también me hasta hay donde yo está eso",
    "it": "il lo la gli le di del della dei e che è un una in per non con si da al sono come anche ma più nel alla "
    "questo ha suo dal ho mi ci cosa molto così essere era perché se io",
    "pt": "o a os as de do da dos das que e em um uma é por com não para se seu sua ao no na como mais mas foi ele "
    "são à também pelo pela até isso eu você está muito já quando",
    "nl": "de het een en van in is dat op te zijn met voor niet aan er om maar ook als bij naar uit dan ze wat wordt "
    "hij ik je door over deze nog was heeft worden geen",
    "sv": "och att det som en är på för av med den till inte har de ett om jag han var men från vi så kan när hon sig "
    "också efter ska eller mycket",
    "pl": "i w na z do nie się to że jest o jak po co za ale od tak przez dla jego czy był tylko jeszcze już być może "
    "które który ich",
    "tr": "ve bir bu da de için ile çok ne o gibi daha olarak ama kadar sonra var değil ben en her olan olduğu",
}
_WORDS: dict[str, tuple[str, ...]] = {}
for _language, _words in _SMALL.items():
    for _word in _words.split():
        _WORDS[_word] = (*_WORDS.get(_word, ()), _language)
_SCRIPTS = (
    ("kana", 0x3040, 0x30FF), ("han", 0x3400, 0x9FFF), ("hangul", 0xAC00, 0xD7AF), ("cyrillic", 0x0400, 0x052F),
    ("greek", 0x0370, 0x03FF), ("arabic", 0x0600, 0x06FF), ("hebrew", 0x0590, 0x05FF), ("devanagari", 0x0900, 0x097F),
    ("thai", 0x0E00, 0x0E7F),
)  # fmt: skip


def language(text: str) -> str:
    """Guess the language of a text: its two letters, or the name of a script other than Latin, or ``unknown``."""
    part = text[:_READ].lower()
    if not part.isascii() and (script := _script(part)):
        return script
    words = _WORD.findall(part)
    votes: Counter[str] = Counter()
    for word in words:
        for name in _WORDS.get(word, ()):
            votes[name] += 1
    best = votes.most_common(2)
    if not best or best[0][1] < max(_LEAST, _SHARE * len(words)):
        return UNKNOWN
    tied = len(best) > 1 and best[1][1] == best[0][1]
    return UNKNOWN if tied else best[0][0]


def _script(text: str) -> str:
    """Return the script that a third of the letters are in, empty when it is Latin or none."""
    letters = [ord(c) for c in text if c.isalpha()]
    found = Counter(name for code in letters if code > 0x2FF for name, low, high in _SCRIPTS if low <= code <= high)
    if not found:
        return ""
    if found["kana"]:  # Japanese is written in both
        found["kana"] += found.pop("han", 0)
    name, many = found.most_common(1)[0]
    return name if 3 * many >= len(letters) else ""
