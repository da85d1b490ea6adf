"""Summaries, translations and continuations: how they are written, and where their length comes from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers
from tokenizers import AddedToken, Tokenizer

import boucle
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import Task

Tiny = Callable[[str], Path]
STORY = "The council voted on Monday to build a bridge over the river."


def by_hand(folder: Path, text: str, **settings: int) -> str:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    given = tokenizer(text, truncation=True, return_tensors="pt")
    ids = model.generate(given["input_ids"], attention_mask=given["attention_mask"], do_sample=False, **settings)
    return str(tokenizer.decode(ids[0], skip_special_tokens=True)).strip()


def test_a_summary_is_written_with_the_sentence_and_settings_of_the_checkpoint(tiny: Tiny) -> None:
    expected = by_hand(tiny("t5"), f"summarize: {STORY}", max_new_tokens=12, num_beams=2)
    assert boucle.load(tiny("t5"), task="summarization").predict(STORY) == expected != ""


def test_a_translation_goes_into_the_language_that_is_asked_for(tiny: Tiny) -> None:
    expected = by_hand(tiny("t5"), f"translate English to German: {STORY}", max_new_tokens=10)
    model = boucle.load(tiny("t5"), task="translation", target_language="de")
    assert model.predict([STORY, "x"])[0] == expected


@pytest.mark.parametrize("options", [{}, {"target_language": "it"}])
def test_a_pair_of_languages_that_is_not_said_or_not_known_is_refused(tiny: Tiny, options: dict[str, str]) -> None:
    with pytest.raises(BundleError, match=r"translates en_to_de, en_to_fr.*source_language and target_language"):
        boucle.load(tiny("t5"), task="translation", **options)


@pytest.fixture
def multilingual(tiny: Tiny, tmp_path: Path) -> Path:
    """A checkpoint whose languages are marks in its vocabulary, as NLLB's and mBART's are."""
    folder = tmp_path / "many"
    shutil.copytree(tiny("t5"), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "task_specific_params": None}))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    vocabulary = json.loads(tokenizer.to_str())
    for place, mark in ((1, "eng_Latn"), (2, "fra_Latn"), (3, "deu_Latn")):  # places BERT leaves unused
        vocabulary["model"]["vocab"] = {
            (mark if number == place else word): number for word, number in vocabulary["model"]["vocab"].items()
        }
    tokenizer = Tokenizer.from_str(json.dumps(vocabulary))
    tokenizer.add_special_tokens([AddedToken(mark) for mark in ("eng_Latn", "fra_Latn", "deu_Latn")])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_a_language_of_the_vocabulary_begins_what_is_written(multilingual: Path) -> None:
    from boucle.adapters.pretrained.predictors import predictor
    from boucle.adapters.pretrained.signatures import signature_of
    from boucle.adapters.pretrained.tasks.write import Author
    from boucle.adapters.pretrained.torch_engine import TorchEngine

    checkpoint = resolve(multilingual, "translation", options={"target_language": "fra_Latn", "max_new_tokens": 4})
    engine = TorchEngine(checkpoint)
    author = predictor(checkpoint, engine, signature_of(checkpoint))
    assert isinstance(author, Author)
    feeds = author._tokens.feeds(author._tokens.encode([STORY]), frozenset({"attention_mask"}))
    assert engine.write(feeds, author._writing)[0][0] == 2


def test_a_language_the_vocabulary_does_not_have_is_refused_with_those_it_has(multilingual: Path) -> None:
    with pytest.raises(BundleError, match=r"language 'it_IT'.*deu_Latn, eng_Latn"):
        boucle.load(multilingual, task="translation", target_language="it_IT")


def test_a_text_goes_on_the_same_way_every_time_and_alone_as_among_others(tiny: Tiny) -> None:
    model = boucle.load(tiny("gpt"), task="text-generation", max_new_tokens=6)
    prompts = ["Once upon a time there was", "Once", "In a far away country lived a king who"]
    together = model.predict(prompts)
    assert together == [model.predict(prompt) for prompt in prompts]
    assert not any(answer.startswith("once") for answer in together), "the prompt is not repeated"


def test_texts_are_drawn_by_a_seed(tiny: Tiny) -> None:
    def drawn(seed: int) -> str:
        model = boucle.load(tiny("gpt"), task="text-generation", max_new_tokens=8, temperature=1.0, seed=seed)
        return str(model.predict("Once upon a time"))

    assert drawn(1) == drawn(1) != drawn(2)


def test_a_prompt_that_is_too_long_keeps_its_end(tiny: Tiny) -> None:
    model = boucle.load(tiny("gpt"), task="text-generation", max_new_tokens=6)
    assert model.predict("what was said before " * 300 + "so the king") == model.predict(
        "what was said before " * 30 + "so the king"
    )


def test_more_than_the_model_has_room_for_cannot_be_asked(tiny: Tiny) -> None:
    with pytest.raises(BundleError, match=r"max_new_tokens is 60, .* has room for 56"):
        boucle.load(tiny("gpt"), task="text-generation", max_new_tokens=60)


def test_there_is_nothing_to_go_on_from_in_an_empty_prompt(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(tiny("gpt"), folder)
    said = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**said, "post_processor": None}))
    with pytest.raises(RequestError, match="Row 1 of 'text' is empty"):
        boucle.load(folder, task="text-generation").predict(["a", ""])


@pytest.mark.parametrize("task", [None, "text-classification"])
def test_a_checkpoint_that_writes_has_to_be_told_what(tiny: Tiny, task: Task | None) -> None:
    with pytest.raises(BundleError, match="summarization, translation, text-generation"):
        resolve(tiny("t5"), task)
