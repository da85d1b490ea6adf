"""What tutorials write, what the libraries of today do with it, and what Boucle does instead: a test a row."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import boucle
from boucle.adapters.pretrained import versions
from boucle.adapters.pretrained.bits import quantization
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.tokens import Tokens
from boucle.core.errors import BoucleError, BundleError
from boucle.core.signature import Task

Tiny = Callable[[str], Path]
KNOWN = inspect.signature(transformers.TrainingArguments).parameters


@pytest.mark.parametrize(
    ("written", "today"),
    [
        ("evaluation_strategy", "eval_strategy"),
        ("no_cuda", "use_cpu"),
        ("warmup_ratio", "warmup_steps"),
        ("group_by_length", "train_sampling_strategy"),
        ("push_to_hub_model_id", "hub_model_id"),
        ("include_tokens_per_second", "include_num_input_tokens_seen"),
        ("logging_dir", None),
        ("overwrite_output_dir", None),
        ("save_safetensors", None),
        ("half_precision_backend", None),
    ],
)
def test_arguments_of_training_have_the_names_that_fine_tuning_uses(written: str, today: str | None) -> None:
    assert written not in KNOWN
    assert today is None or today in KNOWN


def test_a_share_of_warm_up_is_a_number_of_steps_below_one(tmp_path: Path) -> None:
    arguments = transformers.TrainingArguments(str(tmp_path), warmup_steps=0.1, use_cpu=True)
    assert arguments.get_warmup_steps(200) == 20


def test_bfloat16_on_a_cpu_has_to_be_told_that_it_is_one(tmp_path: Path) -> None:
    assert transformers.TrainingArguments(str(tmp_path), bf16=True, use_cpu=True).bf16


def test_float16_on_a_cpu_is_refused_here_where_the_libraries_take_it(tiny: Tiny) -> None:
    with pytest.raises(BundleError, match="float16 is for GPUs"):
        boucle.load(tiny("classifier"), task="text-classification", precision="float16")


def test_a_trainer_is_given_its_tokenizer_under_another_name() -> None:
    known = inspect.signature(transformers.Trainer.__init__).parameters
    assert "processing_class" in known
    assert "tokenizer" not in known


@pytest.mark.parametrize(("bits", "key"), [(8, "load_in_8bit"), (4, "load_in_4bit")])
def test_few_bits_are_asked_for_by_a_configuration(tiny: Tiny, bits: int, key: str) -> None:
    checkpoint = resolve(tiny("encoder"))
    assert getattr(quantization(bits, checkpoint), key) is True
    with pytest.raises(BoucleError, match="in 5 bits"):
        quantization(5, checkpoint)


@pytest.fixture
def no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise AssertionError("tasks do not depend on the pipelines of transformers")

    monkeypatch.setattr(transformers, "pipeline", gone)


GAP = "It is [MASK]."
ROW = {"question": "who?", "context": "Tim Cook."}


@pytest.mark.usefixtures("no_pipeline")
@pytest.mark.parametrize(
    ("kind", "task", "row", "options"),
    [
        ("t5", "summarization", "a story", {}),
        ("t5", "translation", "a story", {"target_language": "fr"}),
        ("t5", "text-generation", "a story", {"max_new_tokens": 4}),
        ("gpt", "text-generation", "a story", {"max_new_tokens": 4}),
        ("answers", "question-answering", ROW, {}),
        ("tagger", "token-classification", "Tim Cook", {}),
        ("gaps", "fill-mask", GAP, {}),
        ("classifier", "text-classification", "fine", {}),
        ("inference", "zero-shot-classification", "fine", {"labels": ["a", "b"]}),
        ("encoder", "feature-extraction", "fine", {}),
    ],
)
def test_every_task_on_texts_answers_without_a_pipeline(
    tiny: Tiny, kind: str, task: Task, row: Any, options: dict[str, Any]
) -> None:
    model = boucle.load(tiny(kind), task=task, **options)
    assert type(model.predict(row)) is type(model.predict([row])[0])


def test_all_scores_are_given_where_return_all_scores_is_ignored(tiny: Tiny) -> None:
    answer = boucle.load(tiny("classifier"), task="text-classification").predict("fine", scores=True)
    assert sum(answer.values()) == pytest.approx(1.0)
    assert len(answer) == 3


def test_a_text_beyond_the_positions_is_cut_where_a_pipeline_breaks(tiny: Tiny) -> None:
    model = boucle.load(tiny("classifier"), task="text-classification")
    assert model.predict("word " * 500, scores=True) == pytest.approx(
        model.predict("word " * 62, scores=True), abs=1e-5
    )


@pytest.mark.parametrize("name", ["TFBertModel", "FlaxBertModel", "AdamW", "ViTFeatureExtractor", "Conversation"])
def test_a_class_that_is_gone_is_named_in_the_error(name: str) -> None:
    with pytest.raises(BoucleError, match=name):
        versions.attribute(name)


@pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack"])
def test_weights_of_tensorflow_and_flax_are_refused_with_the_way_to_convert_them(
    tiny: Tiny, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "old"
    shutil.copytree(tiny("encoder"), folder)
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(BundleError, match=rf"{name}.*no longer reads them.*from_tf"):
        resolve(folder)


def test_texts_and_pairs_are_encoded_without_encode_plus(tiny: Tiny) -> None:
    theirs = transformers.AutoTokenizer.from_pretrained(tiny("classifier"))
    ours = Tokens(resolve(tiny("classifier")))
    assert not hasattr(theirs, "encode_plus")
    for first, second in (("A fine day", None), ("A fine day", "is it")):
        found = ours.encode([first], None if second is None else [second])[0]
        assert found.ids == theirs(first, second)["input_ids"]


def test_a_tokenizer_of_old_is_converted_when_it_is_saved(tiny: Tiny, tmp_path: Path) -> None:
    from boucle.adapters.pretrained.saving import convert_tokenizer

    (tmp_path / "config.json").write_bytes((tiny("classifier") / "config.json").read_bytes())
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copyfile(tiny("classifier") / name, tmp_path / name)
    convert_tokenizer(tmp_path)
    text = "Unbelievably fine, isn't it?"
    made, own = (Tokens(resolve(tiny("classifier"))), transformers.AutoTokenizer.from_pretrained(tmp_path))
    assert made.encode([text])[0].ids == own(text)["input_ids"]
    assert (tmp_path / "tokenizer.json").is_file()


BROKEN = """
import sys
sys.path.insert(0, sys.argv[1])
from boucle.adapters.pretrained import versions
from boucle.core.errors import BoucleError
try:
    versions.attribute("AutoModelForImageClassification"), versions.attribute("ViTForImageClassification")
except BoucleError as error:
    print(error)
"""


def test_a_torchvision_that_breaks_transformers_is_named_as_the_cause(tmp_path: Path) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    described = tmp_path / "torchvision-0.29.2.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.29.2\n")
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, str(tmp_path)], capture_output=True, text=True, check=False, timeout=150
    )
    assert "pip uninstall torchvision" in done.stdout, done.stderr[-2000:]


def test_a_model_is_in_evaluation_mode_and_stays_so(tiny: Tiny) -> None:
    from boucle.adapters.pretrained.torch_engine import TorchEngine

    engine = TorchEngine(resolve(tiny("classifier")))
    assert not any(module.training for module in engine.model.modules())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_checkpoint_is_loaded_in_the_precision_asked_for(tiny: Tiny, precision: str) -> None:
    model = versions.load_model(resolve(tiny("classifier"), options={"precision": precision}))
    assert {p.dtype for p in model.parameters()} == {getattr(torch, precision)}
