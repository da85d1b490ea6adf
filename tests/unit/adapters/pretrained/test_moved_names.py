"""The table of differences between versions: rows whose old names are proved to be gone, and unused here.

Rows with a test of their own: test_library_versions.py (arguments of training, pipelines, precision, tokenizers,
torchscript's heir, torchvision), test_older_tokenizers.py, tests/unit/adapters/finetuning (padding, resuming).
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import peft
import pytest
import transformers
from tests import checkpoints

import boucle
from boucle.adapters.finetuning import lora
from boucle.adapters.importers.keras import KerasImporter, _keras
from boucle.adapters.pretrained import moved, versions
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.core.errors import BoucleError, BundleError
from boucle.core.signature import Task

Tiny = Callable[[str], Path]
ROOT = Path(boucle.__file__).parent
OLD = [
    "evaluation_strategy", "no_cuda", "warmup_ratio", "group_by_length", "save_safetensors", "overwrite_output_dir",
    "half_precision_backend", "include_tokens_per_second", "push_to_hub_model_id", "gradient_checkpointing",
    "encode_plus", "batch_encode_plus", "apply_chat_template", "torchscript", "use_temp_dir", "push_to_hub",
    "grouped_entities", "return_all_scores", "PPOTrainer", "SFTTrainer", "max_seq_length", "dataset_text_field",
    "AutoModelWithLMHead", "AutoModelForVision2Seq", "TextDataset", "Conversation", "is_tf_available", "gguf_file",
    "assistant_only_loss", "IterableDataset", "pretrained_tokenizer",
]  # fmt: skip
FOREIGN = ["trl", "gguf", "torchvision", "timm", "tensorflow", "evaluate", "optimum", "setfit"]


@cache
def nodes() -> tuple[ast.AST, ...]:
    return tuple(node for file in ROOT.rglob("*.py") for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


@cache
def named() -> frozenset[str]:
    """Return every identifier, attribute, keyword and imported name of the package's source."""
    found = {node.id for node in nodes() if isinstance(node, ast.Name)}
    found |= {node.attr for node in nodes() if isinstance(node, ast.Attribute)}
    found |= {node.arg for node in nodes() if isinstance(node, ast.keyword) and node.arg}
    return frozenset(found | {node.name for node in nodes() if isinstance(node, ast.alias)})


@cache
def imported() -> frozenset[str]:
    """Return the packages that the source imports, wherever it does."""
    found = {node.module.split(".")[0] for node in nodes() if isinstance(node, ast.ImportFrom) and node.module}
    plain = [alias.name for node in nodes() if isinstance(node, ast.Import) for alias in node.names]
    return frozenset(found | {name.split(".")[0] for name in plain})


@pytest.mark.parametrize("name", OLD)
def test_a_name_that_moved_is_not_written_in_the_source(name: str) -> None:
    assert {"from_pretrained", "local_files_only"} <= named(), "the names were read"
    assert name not in named()


@pytest.mark.parametrize("package", FOREIGN)
def test_what_breaks_or_moves_most_is_not_depended_on(package: str) -> None:
    assert "transformers" in imported()
    assert package not in imported()
    asked = (ROOT.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"{package}>' not in asked.split("[dependency-groups]")[0]


@pytest.mark.parametrize("option", sorted(moved.OPTIONS))
def test_an_option_of_old_is_refused_with_what_to_write(tiny: Tiny, option: str) -> None:
    with pytest.raises(BundleError, match=f"no option '{option}'") as refused:
        resolve(tiny("classifier"), options={option: True})
    assert refused.value.hint == moved.OPTIONS[option]


@pytest.mark.parametrize("name", [*moved.CLASSES, "TFAutoModel", "FlaxBertModel", "TFBertModel"])
def test_a_class_that_is_gone_is_refused_with_its_heir(name: str) -> None:
    with pytest.raises(BoucleError, match=name) as refused:
        versions.attribute(name)
    assert "today it is" in str(refused.value.hint)
    assert moved.today("BertModel") is None


@pytest.mark.parametrize("name", ["ViTImageProcessor", "AutoModelForImageTextToText", "AutoModelForCausalLM"])
def test_the_heirs_are_there(name: str) -> None:
    assert name in str(moved.CLASSES.values())
    assert versions.attribute(name).__name__.startswith(name)


def test_what_trl_moved_is_as_told_where_trl_is_installed() -> None:
    if find_spec("trl") is None:
        assert "trl" not in imported(), "nothing here needs it, so there is nothing to compare with"
        return
    trl = __import__("trl")
    assert not hasattr(trl, "PPOTrainer")
    assert hasattr(trl, "RLOOTrainer")
    assert "max_length" in inspect.signature(trl.SFTConfig).parameters


def test_weights_of_llama_cpp_are_refused_with_the_way_around_what_cannot_be_saved(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (tmp_path / "SmolLM2.Q4_1.gguf").write_bytes(b"GGUF")
    with pytest.raises(BundleError, match=r"llama.cpp \(SmolLM2") as refused:
        resolve(tmp_path)
    assert "state_dict()" in str(refused.value.hint)
    assert hasattr(transformers.AutoModelForCausalLM, "from_config")


def test_a_folder_for_the_hub_is_made_by_what_has_no_arguments_that_move(tiny: Tiny) -> None:
    known = inspect.signature(transformers.PreTrainedModel.push_to_hub).parameters
    assert "use_temp_dir" not in known
    assert "push_to_hub" not in named(), "it is `hf upload` that sends the folder"


def test_torchscript_is_no_argument_any_more(tiny: Tiny) -> None:
    with pytest.raises(TypeError, match="torchscript"):
        transformers.BertForSequenceClassification.from_pretrained(tiny("classifier"), torchscript=True)


def test_checkpointing_of_activations_has_its_new_name() -> None:
    assert "activation_checkpointing" in inspect.signature(transformers.TrainingArguments).parameters


def test_a_chat_template_gives_a_mapping(tiny: Tiny) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("gpt"))
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    made = tokenizer.apply_chat_template([{"role": "user", "content": "hello"}], tokenize=True)
    assert isinstance(made, transformers.BatchEncoding)


@pytest.mark.parametrize("task", ["summarization", "translation", "text2text-generation", "question-answering"])
def test_the_pipelines_that_tasks_here_stand_for_are_gone(task: str) -> None:
    with pytest.raises(KeyError, match="removed"):
        transformers.pipeline(task)


PEFT = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft asks by the old name


@PEFT
@pytest.mark.parametrize(("kind", "task"), [("classifier", "text-classification"), ("vit", "image-classification")])
def test_adapters_train_a_head_that_is_saved(tiny: Tiny, kind: str, task: Task) -> None:
    model = versions.load_model(resolve(tiny(kind), task))
    trained = {name for name, value in lora.adapted(model, task, 4).named_parameters() if value.requires_grad}
    assert any("modules_to_save" in name for name in trained)
    assert any("lora_A" in name for name in trained)


@PEFT
def test_adapters_without_a_task_leave_the_head_untrained_in_peft_itself(tiny: Tiny) -> None:
    model = versions.load_model(resolve(tiny("classifier"), "text-classification"))
    made = peft.get_peft_model(model, peft.LoraConfig(target_modules=["query", "value"]))
    assert not [name for name, value in made.named_parameters() if value.requires_grad and "classifier" in name]


@PEFT
def test_adapters_on_pictures_have_to_be_told_where_in_peft_itself(tmp_path: Path) -> None:
    model = versions.load_model(resolve(checkpoints.tiny("vit", tmp_path / "vit"), "image-classification"))
    with pytest.raises(ValueError, match="target_modules"):
        peft.get_peft_model(model, peft.LoraConfig())


def test_a_keras_model_is_one_file_and_a_folder_of_old_is_refused(tmp_path: Path) -> None:
    keras = _keras()
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="keras"):
        model.save(tmp_path / "folder")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "saved_model.pb").write_bytes(b"")
    for old in (tmp_path / "old", tmp_path / "net.h5"):
        assert KerasImporter().accepts(old)
        with pytest.raises(BundleError, match="Keras 2") as refused:
            KerasImporter().open(old, None)
        assert "model.keras" in str(refused.value.hint)
