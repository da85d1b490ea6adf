"""Checkpoints from before tokenizer.json: Marian's translators, and those whose files nobody here can read."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

import boucle
from boucle.adapters.pretrained import marian, older, saving
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.tokens import Tokens
from boucle.core.errors import BundleError

Tiny = Callable[[str], Path]
LIKELY = {"▁the": -2.0, "▁a": -2.5, "▁bridge": -6.0, "▁br": -4.0, "idge": -4.5, "▁": -5.0} | dict.fromkeys(
    "abcdeghirt", -7.0
)
WRITTEN = ["▁le", "▁pont", "▁bridges", "é"]
NUMBERS = {piece: n for n, piece in enumerate(["</s>", "<unk>", *LIKELY, *WRITTEN, ">>fra<<", "<pad>"])}


def field(number: int, raw: bytes) -> bytes:
    assert len(raw) < 128
    return bytes([number << 3 | 2, len(raw)]) + raw


def piece(text: str, likely: float) -> bytes:
    return field(1, field(1, text.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", likely))


def translator(folder: Path) -> Path:
    """Write a tiny Marian as the hub holds them: two files of sentencepiece, a vocabulary, no tokenizer.json."""
    config = transformers.MarianConfig(
        vocab_size=len(NUMBERS), decoder_vocab_size=len(NUMBERS), d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_position_embeddings=32, pad_token_id=NUMBERS["<pad>"], eos_token_id=0,
        decoder_start_token_id=NUMBERS["<pad>"], forced_eos_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(3)
        transformers.MarianMTModel(config).save_pretrained(folder)
    (folder / "source.spm").write_bytes(b"".join(piece(*one) for one in LIKELY.items()))
    shutil.copyfile(folder / "source.spm", folder / "target.spm")
    (folder / "vocab.json").write_text(json.dumps(NUMBERS))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return translator(tmp_path_factory.mktemp("marian") / "en-fr")


def test_a_marian_without_tokenizer_json_translates_and_its_folder_is_left_alone(folder: Path) -> None:
    before = sorted(folder.iterdir())
    model = boucle.load(folder, task="translation", max_new_tokens=5)
    together = model.predict(["the bridge", "a"])
    assert together == [model.predict("the bridge"), model.predict("a")]
    assert all(isinstance(text, str) and "<" not in text and "\0" not in text for text in together)
    assert sorted(folder.iterdir()) == before


def test_its_bundle_holds_a_tokenizer_that_serves_without_transformers(folder: Path, tmp_path: Path) -> None:
    checkpoint = resolve(folder, "translation")
    saving.save(checkpoint, tmp_path, ())
    kept = Tokens(resolve(tmp_path / saving.FOLDER))
    assert (tmp_path / saving.FOLDER / "tokenizer.json").is_file()
    assert kept.encode(["the bridge"])[0].ids == Tokens(checkpoint).encode(["the bridge"])[0].ids


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("the bridge", ["▁the", "▁bridge", "</s>"]),
        ("  the   bridge ", ["▁the", "▁bridge", "</s>"]),
        ("a bridges", ["▁a", "▁bridge", "<unk>", "</s>"]),
        ("é", ["▁", "é", "</s>"]),
        (">>fra<< the", [">>fra<<", "▁the", "</s>"]),
        ("", ["</s>"]),
    ],
)
def test_a_text_is_parted_as_its_likeliest_pieces(folder: Path, text: str, pieces: list[str]) -> None:
    assert marian.tokenizer(folder).encode(text).ids == [NUMBERS[piece] for piece in pieces]


def test_pieces_that_only_answers_have_are_written_as_they_are(folder: Path) -> None:
    ids = [NUMBERS[piece] for piece in ("<pad>", ">>fra<<", "▁le", "▁pont", "é", "</s>", "<pad>")]
    assert Tokens(resolve(folder, "translation")).decode(ids) == "le ponté"


@given(raw=st.binary(max_size=200))
def test_no_file_breaks_the_reader_but_by_our_own_error(folder: Path, raw: bytes) -> None:
    broken = folder.parent / "broken"
    broken.mkdir(exist_ok=True)
    shutil.copyfile(folder / "vocab.json", broken / "vocab.json")
    (broken / "source.spm").write_bytes(raw)
    with contextlib.suppress(BundleError):
        assert marian.tokenizer(broken).encode("the bridge").ids[-1] == 0


def test_a_vocabulary_with_gaps_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copyfile(folder / "source.spm", tmp_path / "source.spm")
    (tmp_path / "vocab.json").write_text('{"<unk>": 0, "a": 7}')
    with pytest.raises(BundleError, match="does not number its pieces one by one"):
        older.tokenizer(tmp_path)


def test_pieces_that_need_a_package_say_which_or_where_the_tokenizer_is(tiny: Tiny, tmp_path: Path) -> None:
    place = shutil.copytree(tiny("t5"), tmp_path / "t5", ignore=shutil.ignore_patterns("token*", "vocab*", "spec*"))
    (place / "spiece.model").write_bytes(b"".join(piece(*one) for one in LIKELY.items()))
    with pytest.raises(BundleError, match="cannot be read by transformers") as refused:
        boucle.load(place, task="summarization")
    assert "tokenizer.json" in str(refused.value.hint)
