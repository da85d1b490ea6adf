"""What each target of ``boucle optimize`` gives, and ``boucle distill``: CPU ms a text, answers kept, size, in one run.

``python -m benchmarks.finetuning.forms`` fine-tunes MiniLM on one of the two sets of texts, makes every form of it, and
asks them in turns. May be given: ``--set topics``, ``--seed N``, ``--rounds N``, ``--only onnx,int8``, ``--out FILE``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.finetuning.texts import SETS, SIZES, Part, checkpoint, topics
from boucle import plugins
from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.pretrained import versions
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field
from boucle.ports.exporter import Exported, Lessons
from boucle.ports.runtime import Predictor
from boucle.ports.trainer import Job

TARGETS = ["onnx", "int8", "int4", "bf16", "openvino", "distilled"]
STUDENT, UNLABELLED = "layers=0,5", {"movies": 2400, "topics": 1200}
LONG, FEW, TOGETHER = 128, 24, 64
"""Tokens of a long text, texts that are asked one by one in a round, and texts that are asked at once."""


@dataclass
class Figures:
    """CPU ms a text of the set, one of 128 tokens, and of the set's asked together; shares of rows; megabytes."""

    short: float
    long: float
    together: float
    same: float
    accuracy: float
    change: float
    size: float
    told: dict[str, Any]


def tuned(part: Part, seed: int, folder: Path) -> tuple[Path, BundleInfo]:
    """Fine-tune MiniLM and keep it as a bundle's folder."""
    job = Job(
        task="text-classification", fields=(Field("text", "text"),), target="label", frame=part.train,
        metric="accuracy", seed=seed, directory=str(folder), pretrained={"checkpoint": str(checkpoint())},
        workspace=str(folder / "work"),
    )  # fmt: skip
    fitted = PretrainedTrainer().fit(job, lambda text, share: None)
    (folder / "bundle").mkdir()
    saved = plugins.load("runtimes", fitted.runtime)().save(fitted.model, folder / "bundle", fitted.signature)
    return folder / "bundle", BundleInfo("forms", fitted.signature, fitted.runtime, 0.0, options=saved.options)


def forms(
    directory: Path, info: BundleInfo, part: Part, more: list[str], folder: Path, only: list[str]
) -> Iterator[tuple[str, Any]]:
    """Yield the version itself and each of its forms: name, predictor, size, what is told."""
    itself = plugins.load("runtimes", info.runtime)().load(directory, info)
    yield "torch", (itself, _size(directory), {})
    rows = {"text": part.train["text"].to_numpy(dtype=object)[:400]}
    for target in only:
        place = folder / target
        place.mkdir()
        if target == "distilled":
            made = _student(itself, directory, info, part, more, place)
            place = place / "student"
        else:
            made = plugins.load("exporters", target)().export(directory, info, place, rows)
        yield (
            target,
            (plugins.load("runtimes", made.runtime)().wrap(made.model, info.signature), _size(place), made.params),
        )


def _student(
    itself: Predictor, directory: Path, info: BundleInfo, part: Part, more: list[str], folder: Path
) -> Exported:  # fmt: skip
    """Teach two of the six layers what the version answers, on its rows and on ``more`` without a label."""
    texts = np.array([*part.train["text"], *more], dtype=object)
    shares = np.asarray(itself.predict({"text": texts})["probabilities"], dtype=np.float64)
    place = {label: number for number, label in enumerate(info.signature.classes or ())}
    labels = np.array([*(place[label] for label in part.train["label"]), *(-1 for _ in more)])
    settings = {"metric": "accuracy", "seed": 0, "directory": str(folder)}
    distiller = plugins.load("distillers", "pretrained")()
    made: Exported = distiller.distill(
        directory, info, STUDENT, Lessons(texts, labels, shares), folder, settings, lambda text, share: None
    )
    return made


class Pipeline:
    """What the courses write: transformers' own pipeline, a text at a time."""

    def __init__(self, folder: Path) -> None:
        import transformers  # the version itself needs it anyway

        with versions.quiet():
            self._ask = transformers.pipeline("text-classification", model=str(folder), device="cpu")

    def predict(self, batch: Batch) -> Batch:
        found = [self._ask(text, truncation=True, top_k=None)[0] for text in batch["text"]]
        return {"prediction": np.array([one["label"] for one in found], dtype=object)}


def main() -> None:
    """Fine-tune, make the forms, ask them in turns and print."""
    asked = _arguments()
    torch.set_num_threads(1)
    learned, judged = SIZES[asked.set]
    whole = SETS[asked.set](asked.seed, learned, judged + UNLABELLED[asked.set])
    part, more = Part(whole.train, whole.test[:judged]), whole.test["text"][judged:].tolist()
    texts = part.test["text"].to_numpy(dtype=object)
    long = _cut(topics(asked.seed, 0, 2 * FEW).test["text"].to_numpy(dtype=object))
    with tempfile.TemporaryDirectory() as place:
        directory, info = tuned(part, asked.seed, Path(place))
        made = dict(forms(directory, info, part, more, Path(place), asked.only))
        made["pipeline"] = (Pipeline(directory / "checkpoint"), _size(directory), {})
        figures = _measured(made, texts, long, part.test["label"].to_numpy(), asked.rounds)
    _print(figures)
    if asked.out:
        asked.out.write_text(json.dumps({name: asdict(one) for name, one in figures.items()}, indent=1))


def _measured(made: dict[str, Any], texts: Any, long: Any, labels: Any, rounds: int) -> dict[str, Figures]:
    spent: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        at = (number * FEW) % (len(texts) - TOGETHER)
        for name, (predictor, *_) in made.items():
            shapes: dict[str, Callable[[], int]] = {
                "short": lambda p=predictor, at=at: _singly(p, texts[at : at + FEW]),
                "long": lambda p=predictor: _singly(p, long[:FEW]),
                "together": lambda p=predictor, at=at: _at_once(p, texts[at : at + TOGETHER]),
            }
            for shape, ask in shapes.items():
                begun = time.process_time()
                count = ask()
                if number:
                    spent.setdefault((name, shape), []).append(1000 * (time.process_time() - begun) / count)
    answers = {name: predictor.predict({"text": texts}) for name, (predictor, *_) in made.items()}
    before = answers["torch"]
    found = {}
    for name, (_, size, told) in made.items():
        after = answers[name]
        apart = np.abs(np.asarray(after.get("probabilities", np.nan)) - before["probabilities"])
        found[name] = Figures(
            *(statistics.median(spent[name, shape]) for shape in ("short", "long", "together")),
            same=float((after["prediction"] == before["prediction"]).mean()),
            accuracy=float((after["prediction"] == labels).mean()),
            change=float(apart.mean()),
            size=size,
            told=told,
        )
    return found


def _singly(predictor: Predictor, texts: Any) -> int:
    for row in range(len(texts)):
        predictor.predict({"text": texts[row : row + 1]})
    return len(texts)


def _at_once(predictor: Predictor, texts: Any) -> int:
    predictor.predict({"text": texts})
    return len(texts)


def _cut(texts: Any) -> Any:
    """Return texts of 128 tokens, the two at the ends included."""
    from tokenizers import Tokenizer

    reader = Tokenizer.from_file(str(checkpoint() / "tokenizer.json"))
    reader.no_padding()
    reader.no_truncation()
    found = []
    for text in texts:
        offsets = reader.encode(text, add_special_tokens=False).offsets
        if len(offsets) >= LONG - 2:
            found.append(text[: offsets[LONG - 3][1]])
    return np.array(found, dtype=object)


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _print(figures: dict[str, Figures]) -> None:
    slow = figures["pipeline"]
    heads = ("128 ms", 9), ("x", 6), ("together", 9), ("same", 8), ("accuracy", 9), ("change", 8), ("MB", 7)
    print(f"{'':10}{'short ms':>9}{'x':>6}" + "".join(f"{head:>{width}}" for head, width in heads))
    for name, one in figures.items():
        print(
            f"{name:10}{one.short:9.2f}{slow.short / one.short:6.2f}{one.long:9.2f}{slow.long / one.long:6.2f}"
            f"{one.together:9.2f}{one.same:8.1%}{one.accuracy:9.3f}{one.change:8.4f}{one.size:7.1f}"
        )
    for name, one in figures.items():
        print(name, one.told)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", choices=list(SETS), default="movies")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", type=lambda text: text.split(","), default=TARGETS)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
