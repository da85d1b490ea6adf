"""object-detection: what is found is where it is, in pixels of the picture, and as transformers reads it."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests import detectors
from tests.unit.serving.media_models import asked, form

import boucle
from boucle.adapters.exporters import graph
from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.pictures import Preparation
from boucle.adapters.pretrained.scaling import Scale
from boucle.adapters.pretrained.tasks.detect import things
from boucle.core.errors import BundleError, RequestError, TrainingError
from boucle.core.signature import Field
from boucle.loop.adoption import adopt_model
from boucle.loop.keeper import Keeper
from boucle.loop.project import Project
from boucle.measures.boxes import CORNERS, counts, overlap
from boucle.ports.trainer import Job
from boucle.serving import schemas
from boucle.serving.embedded import asgi

Made = Callable[[str], Path]
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8))
SIZES = ((60, 90), (90, 60), (64, 64), (64, 100), (300, 65), (1000, 640))
RED, BLUE = (15, 10, 55, 40), (70, 30, 110, 70)
FILES = [detectors.picture({"red": RED, "blue": BLUE}, 120, 80), detectors.picture({"blue": BLUE}, 120, 80)] * 5
TRUTH = [
    [{"label": name, "box": dict(zip(CORNERS, box, strict=True))} for name, box in true]
    for true in ([("red", RED), ("blue", BLUE)], [("blue", BLUE)])
] * 5


def file_of(picture: Image.Image, kind: str = "PNG", **settings: Any) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, kind, **settings)
    return kept.getvalue()


def near(thing: dict[str, Any], box: tuple[int, int, int, int]) -> bool:
    return overlap(list(thing["box"].values()), box) > 0.4


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the folder of a tiny detector by its name in ``detectors.MODELS``; do not change it."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("detectors")
    return lambda kind: root / kind if (root / kind).exists() else detectors.tiny(kind, root / kind)


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return detectors.taught(tmp_path_factory.mktemp("taught") / "colours")


@pytest.fixture(scope="session")
def finder(taught: Path) -> Any:
    return boucle.load(taught)


def test_rectangles_are_found_where_they_are(finder: Any) -> None:
    first, second = finder.predict(detectors.picture({"red": RED, "blue": BLUE}, 120, 80))
    by_label = {thing["label"]: thing for thing in (first, second)}
    assert first["score"] >= second["score"] > 0.5
    assert near(by_label["red"], RED)
    assert near(by_label["blue"], BLUE)


def test_what_is_not_there_is_not_told(finder: Any) -> None:
    only, nothing = finder.predict([detectors.picture({"blue": BLUE}, 120, 80), detectors.picture({}, 120, 80)])
    assert [thing["label"] for thing in only] == ["blue"]
    assert nothing == []


def test_pixels_are_those_of_the_picture_as_it_is_shown(finder: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter, clockwise: what was left below is left above
    lying = detectors.picture({"red": (0, 40, 50, 80)}, 120, 80, "JPEG", quality=95, exif=exif)
    assert near(finder.predict(lying)[0], (0, 0, 40, 50))


def test_a_large_photo_is_decoded_small_and_measured_large(finder: Any) -> None:
    large = detectors.picture({"red": (2000, 600, 3600, 2000)}, 4000, 2400, "JPEG", quality=90)
    assert near(finder.predict(large)[0], (2000, 600, 3600, 2000))


def test_a_picture_has_the_same_answer_whatever_stands_beside_it(finder: Any) -> None:
    files = [detectors.picture({"red": RED}, 120, 80), file_of(NOISE), detectors.picture({"blue": BLUE}, 120, 80)] * 4
    together, alone = finder.predict(files), [finder.predict(one) for one in files]
    for one, other in zip(together, alone, strict=True):
        assert [thing["label"] for thing in one] == [thing["label"] for thing in other]
        assert np.allclose([t["score"] for t in one], [t["score"] for t in other], atol=1e-5)


@pytest.mark.parametrize("kind", list(detectors.MODELS))
def test_what_is_read_off_a_model_is_what_transformers_reads(made: Made, kind: str) -> None:
    folder, (_, said, processor) = made(kind), detectors.MODELS[kind]
    reader = getattr(transformers, processor)(**said)
    model = transformers.AutoModelForObjectDetection.from_pretrained(folder).eval()
    pixels, _ = Preparation.read(folder, whole=16 if kind == "yolos" else 1).seen(file_of(NOISE))
    with torch.inference_mode():
        found = model(pixel_values=torch.from_numpy(pixels)[None])
    theirs = reader.post_process_object_detection(found, threshold=0.005, target_sizes=[(60, 90)])[0]
    ours = boucle.load(folder, task="object-detection", threshold=0.005).predict(file_of(NOISE))
    assert len(ours) >= len(theirs["scores"]) > 0
    assert len(ours) == len(theirs["scores"]) or kind == "rt-detr", "which tells no more things than it has queries"
    told = np.array([[detectors.KINDS.index(one["label"]), one["score"], *one["box"].values()] for one in ours])
    for label, score, box in zip(theirs["labels"], theirs["scores"], theirs["boxes"], strict=True):
        one = [float(label), float(score), *box.numpy().clip(0, [90, 60, 90, 60])]
        assert (np.abs(told - one) <= [0, 1e-4, 0.02, 0.02, 0.02, 0.02]).all(axis=1).any()


@pytest.mark.parametrize(
    ("kind", "size"),
    [*((kind, size) for kind in ("yolos", "detr") for size in SIZES), ("detr", (33, 900))],
)
def test_pictures_are_scaled_as_transformers_does(tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    _, said, processor = detectors.MODELS[kind]
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    picture = NOISE.resize(size)
    theirs = getattr(transformers, processor)(**said)(picture, return_tensors="np")["pixel_values"][0]
    ours, side = Preparation.read(tmp_path, whole=16 if kind == "yolos" else 1).seen(file_of(picture))
    assert (ours.shape[1:], side) == (_broad(theirs.shape[1:]), size[::-1])
    if ours.shape == theirs.shape:
        assert np.allclose(ours, theirs, atol=2e-5)


def _broad(shape: tuple[int, int]) -> tuple[int, int]:
    return max(32, shape[0]), max(32, shape[1])


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.sampled_from([1, 16]))
def test_every_size_fits_the_model(height: int, width: int, multiple: int) -> None:
    high, wide = Scale(800, 1333, multiple=multiple).fitted((height, width))
    assert 32 <= min(high, wide) <= 800
    assert max(high, wide) <= 2 * 1333, "a strip that is scaled by next to nothing stays as it is"
    assert high % multiple == wide % multiple == 0
    assert (high >= wide) == (height >= width) or abs(high - wide) <= multiple


@pytest.mark.parametrize(
    ("said", "side"),
    [({"size": 800, "max_size": 1333}, (800, 1066)), ({"size": {"shortest_edge": 480}}, (480, 640))],
)
def test_older_ways_of_writing_a_size_are_read(said: dict[str, Any], side: tuple[int, int]) -> None:
    assert Scale.of(said).fitted((300, 400)) == side


@pytest.mark.parametrize(
    "said", [{}, {"size": {"max_height": 9, "max_width": 9}}, {"size": 9, "pad_size": {"height": 9, "width": 9}}]
)
def test_a_size_that_is_not_plain_is_refused(tmp_path: Path, said: dict[str, Any]) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    with pytest.raises(BundleError, match="does not say how pictures are prepared"):
        Preparation.read(tmp_path, whole=1)


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=9), st.floats(0, 0.99), st.integers(1, 12))
def test_things_are_told_surest_first_within_the_picture(
    shares: list[tuple[float, ...]], threshold: float, most: int
) -> None:
    boxes = np.random.default_rng(len(shares)).random((len(shares), 4)).astype(np.float32)
    found = things(np.array(shares), boxes, (50, 80), detectors.KINDS, threshold, most)
    scores = [thing["score"] for thing in found]
    expected = sum(share > threshold for row in shares for share in row)
    assert scores == sorted(scores, reverse=True)
    assert len(found) == min(most, expected)
    for box in (thing["box"] for thing in found):
        assert 0 <= box["xmin"] <= box["xmax"] <= 80
        assert 0 <= box["ymin"] <= box["ymax"] <= 50


def test_what_is_no_picture_is_refused_with_its_row(finder: Any) -> None:
    with pytest.raises(RequestError, match="Row 1 of 'image' cannot be read as a picture"):
        finder.predict([file_of(NOISE), b"no picture"])


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
@pytest.mark.parametrize("kind", ["yolos", "detr", "rt-detr"])
def test_the_narrowest_picture_has_an_answer(made: Made, kind: str, size: tuple[int, int]) -> None:
    assert isinstance(boucle.load(made(kind)).predict(Image.new("RGB", size, "red")), list)


@pytest.fixture(scope="session")
def adopted(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return a project whose version was measured on pictures with their true boxes, and what came of it."""
    folder = tmp_path_factory.mktemp("adopted") / "colours"
    rows = pd.DataFrame({"image": FILES, "things": [json.dumps(one) for one in TRUTH]})
    return folder, adopt_model(folder, taught, rows, name="colours", target="things")


def test_an_adopted_version_is_measured_and_answers_as_its_folder(adopted: tuple[Path, Any], finder: Any) -> None:
    folder, result = adopted
    told = boucle.load("colours/1", folder).predict(pd.DataFrame({"image": FILES}))
    hits, answered, true = counts(TRUTH, told.tolist()).sum(axis=0)
    assert told.tolist() == finder.predict(FILES)
    assert (result.runtime, result.metrics["box_f1"]) == ("pretrained", pytest.approx(2 * hits / (answered + true)))
    assert result.metrics["box_f1"] > 0.6


def test_it_is_served_captured_and_judged_by_true_boxes(adopted: tuple[Path, Any]) -> None:
    folder, raw = adopted[0], FILES[0]
    project = Project.open(folder)
    if adopted[1].alias != "champion":
        project.delivery.promote("colours", 1)
    app = asgi(folder)
    bodies: list[tuple[Any, str]] = [
        (raw, "image/png"), ({"image": base64.b64encode(raw).decode()}, ""), form(image=("a.png", raw))
    ]  # fmt: skip
    answers = [asked(app, "/predict/colours", body, kind).json for body, kind in bodies]
    assert {thing["label"] for thing in answers[0]["predictions"][0]} == {"red", "blue"}
    assert all(answer["predictions"] == answers[0]["predictions"] for answer in answers)
    jsonschema.validate(answers[0], schemas.answer(boucle.load("colours/1", folder).signature))
    entries = [{"id": answer["id"], "truth": TRUTH[:1]} for answer in answers]
    entries[2]["truth"] = [[{"label": "red"}]]  # no box: it is left out
    assert asked(app, "/feedback", entries).json["joined"] == 3
    app.plane.close()
    (quality,) = (one for one in Keeper(project).once().verdicts if one.kind == "quality")
    (check,) = (one for one in quality.checks if one.name == "box_f1")
    hits, answered, true = counts(TRUTH[:1], answers[0]["predictions"])[0]
    assert check.observed == pytest.approx(2 * hits / (answered + true))


def test_pictures_alone_are_enough_of_a_sample(taught: Path, tmp_path: Path) -> None:
    result = adopt_model(tmp_path, taught, pd.DataFrame({"image": [file_of(NOISE)] * 8}), name="colours")
    assert (result.verdict.status, result.metrics) == ("inconclusive", {})


def test_it_is_not_exported_and_an_onnx_file_is_not_run(taught: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="boxes") as refused:
        graph.write(resolve(taught), tmp_path)
    assert "bf16" in str(refused.value.hint)
    folder = shutil.copytree(taught, tmp_path / "onnx")
    (folder / "model.onnx").touch()
    with pytest.raises(BundleError, match="is an ONNX file"):
        resolve(folder)


def test_it_is_not_fine_tuned(taught: Path) -> None:
    image, asked = Field("image", "image"), {"checkpoint": str(taught)}
    job = Job("object-detection", (image,), "things", pd.DataFrame(), metric="box_f1", pretrained=asked)
    with pytest.raises(TrainingError, match="object-detection cannot be fine-tuned"):
        PretrainedTrainer().fit(job, lambda text, share: None)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"model_type": "owlvit"}, "finds things in a way that is not known here"),
        ({"id2label": {"0": "red"}, "label2id": {"red": 0}}, "cannot be read|holds no weights"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(
    taught: Path, tmp_path: Path, changed: dict[str, Any], match: str
) -> None:
    folder = shutil.copytree(taught, tmp_path / "changed")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changed))
    with pytest.raises(BundleError, match=match):
        boucle.load(folder)


def test_labels_that_are_too_few_are_refused(taught: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(taught, tmp_path / "few")
    (folder / "labels.json").write_text('["red"]')
    with pytest.raises(BundleError, match="gives 2 scores a thing; 1 labels are named"):
        boucle.load(folder, task="object-detection").predict(file_of(NOISE))
