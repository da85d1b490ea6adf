"""What may be wrong with a checkpoint's folder, and what is said then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.assets import asset
from tests.checkpoints import MINILM, TONES

import boucle
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.core.errors import BundleError, NotFound, UnsafeBundle

Tiny = Callable[[str], Path]


@pytest.fixture
def folder(tiny: Tiny, tmp_path: Path) -> Path:
    """A checkpoint of our own to spoil."""
    copy = tmp_path / "model"
    shutil.copytree(tiny("classifier"), copy)
    return copy


def configured(folder: Path, **changes: object) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder


def test_a_whole_folder_tells_its_task_and_labels(folder: Path) -> None:
    found = resolve(folder)
    assert (found.task, found.labels, found.runtime) == ("text-classification", TONES, "pretrained")


def test_a_path_that_is_not_there_hints_at_the_hub() -> None:
    with pytest.raises(NotFound, match=r"org/name does not exist.*hf://org/name"):
        resolve("org/name")


def test_a_file_is_no_checkpoint(folder: Path) -> None:
    with pytest.raises(NotFound, match="is a file"):
        resolve(folder / "config.json")


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.5, 0.9999])
def test_weights_that_are_cut_off_are_half_a_download(folder: Path, share: float) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: int(weights.stat().st_size * share)])
    with pytest.raises(BundleError, match=r"cut off.*fetch the checkpoint again"):
        resolve(folder)


def test_weights_that_are_no_safetensors_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x10" + bytes(7) + b"not any JSON here" * 9)
    with pytest.raises(BundleError, match="no safetensors file"):
        resolve(folder)


def test_a_shard_that_is_missing_is_named(folder: Path) -> None:
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    (folder / "model.safetensors").rename(folder / names[0])
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": dict(zip("ab", names, strict=True))})
    )
    with pytest.raises(BundleError, match=f"half downloaded: {names[1]} is missing, one of 2"):
        resolve(folder)


def test_a_pointer_of_git_lfs_is_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    with pytest.raises(BundleError, match=r"Git LFS.*git lfs pull"):
        resolve(folder)


def test_a_file_that_is_being_downloaded_is_seen(folder: Path) -> None:
    (folder / "model.safetensors.incomplete").write_bytes(b"")
    with pytest.raises(BundleError, match="half downloaded"):
        resolve(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pth"])
def test_pickled_weights_are_refused_with_the_way_to_convert_them(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(UnsafeBundle, match=rf"a pickle \({name}\).*use_safetensors=False.*save_pretrained"):
        resolve(folder)


def test_no_weights_at_all_are_missed(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(BundleError, match="holds no weights"):
        resolve(folder)


def test_an_adapter_alone_is_no_model(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")
    with pytest.raises(BundleError, match=r"adapter \(LoRA\).*merge"):
        resolve(folder)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00"])
def test_a_configuration_that_cannot_be_read_is_an_error_of_ours(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(BundleError, match=r"config\.json"):
        resolve(folder)


def test_a_missing_tokenizer_is_not_made_up(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(BundleError, match=r"no tokenizer.*tokenizer\.json it was trained with"):
        resolve(folder)


def test_a_broken_tokenizer_is_an_error_of_ours(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(BundleError, match=r"tokenizer .* cannot be read"):
        boucle.load(folder, task="text-classification")


def test_a_checkpoint_of_another_task_says_which_it_is(tiny: Tiny) -> None:
    with pytest.raises(
        BundleError, match=r"BertForTokenClassification\) is not trained for text-classification: it is for token"
    ):
        resolve(tiny("tagger"), "text-classification")
    with pytest.raises(BundleError, match=r"for feature-extraction.*fine-tune it for text-classification"):
        resolve(asset(*MINILM), "text-classification")
    with pytest.raises(BundleError, match="no label for entailment"):
        resolve(tiny("classifier"), "zero-shot-classification")


def test_a_checkpoint_without_a_head_may_be_fine_tuned() -> None:
    found = resolve(asset(*MINILM), "text-classification", labels=["no", "yes"], trained=False)
    assert (found.task, found.labels) == ("text-classification", ("no", "yes"))


def test_a_head_that_is_named_but_not_there_would_answer_at_random(tiny: Tiny, folder: Path) -> None:
    shutil.copyfile(tiny("encoder") / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(BundleError, match=r"no weights for .*bias.*not trained for text-classification.*random"):
        boucle.load(folder, task="text-classification")


def test_code_that_a_checkpoint_brings_is_never_run(folder: Path) -> None:
    ran = folder / "ran"
    (folder / "modeling_x.py").write_text(f"open({str(ran)!r}, 'w')\n")
    names = {"AutoConfig": "modeling_x.C", "AutoModelForSequenceClassification": "modeling_x.M"}
    configured(folder, model_type="never-heard-of", auto_map=names)
    with pytest.raises(BundleError, match="code of its own, which is never run"):
        boucle.load(folder, task="text-classification")
    assert not ran.exists()


def test_a_single_class_is_a_number_and_no_class(folder: Path) -> None:
    configured(folder, id2label={"0": "LABEL_0"})
    with pytest.raises(BundleError, match="has 1 class: it gives a number"):
        boucle.load(folder, task="text-classification")


def test_classes_without_names_have_to_be_named(folder: Path) -> None:
    configured(folder, id2label=None)
    with pytest.raises(BundleError, match=r"does not name its classes.*labels\.json"):
        resolve(folder)


def test_an_option_that_is_not_known_gets_a_suggestion(folder: Path) -> None:
    with pytest.raises(BundleError, match=r"no option 'max_lenght'.*did you mean 'max_length'"):
        resolve(folder, options={"max_lenght": 12})
    with pytest.raises(BundleError, match="'top_k' is 0"):
        resolve(folder, options={"top_k": 0})
