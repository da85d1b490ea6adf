"""Keras models and PyTorch modules taken in, whatever they take and give; real frameworks, tiny networks."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from boucle.adapters.importers.image_module import ImageModuleImporter
from boucle.adapters.importers.keras import KerasImporter
from boucle.adapters.importers.module import ModuleImporter
from boucle.adapters.runtimes.onnx import OnnxRuntime
from boucle.adapters.runtimes.pretrained_onnx import PretrainedOnnxRuntime
from boucle.core.errors import BundleError, UnsafeBundle
from boucle.core.signature import Field, Signature
from boucle.ports.importer import Importer
from boucle.testing.importer_contract import Foreign, ImporterContract

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras under NumPy 2
FIELDS = (Field("size", "float64"), Field("age", "float64"), Field("rooms", "float64"))
RANDOM = np.random.default_rng(0)
BATCH = {field.name: RANDOM.normal(size=12) for field in FIELDS}
ROWS = torch.tensor(np.column_stack(list(BATCH.values())), dtype=torch.float32)


def network(last: nn.Module | None, width: int) -> nn.Module:
    torch.manual_seed(0)
    parts = [nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, width)]
    return nn.Sequential(*parts, *([] if last is None else [last]))


def make() -> nn.Module:
    return network(None, 3)


@pytest.fixture(autouse=True)
def factory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user's own module would be, on Python's path."""
    module = ModuleType("factory_of_tests")
    module.make = make  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


def answered(importer: Any, model: Any, consent: str | None = None) -> tuple[dict[str, Any], Signature]:
    opened = importer.open(model, consent)
    signature = Signature(FIELDS, importer.outputs(opened.model, FIELDS, BATCH))
    return dict(OnnxRuntime().wrap(opened.model, signature).predict(BATCH)), signature


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras  # the backend has to be chosen first

    keras.utils.set_random_seed(0)
    return keras


@pytest.mark.parametrize(
    ("last", "width", "classes"), [(None, 1, None), (nn.Sigmoid(), 1, (0, 1)), (nn.Softmax(1), 3, (0, 1, 2))]
)
def test_what_a_module_gives_is_read_off_its_answers(last: nn.Module | None, width: int, classes: Any) -> None:
    module = network(last, width)
    answer, signature = answered(ModuleImporter(), module)
    assert signature.classes == classes
    with torch.no_grad():
        told = module.eval()(ROWS).numpy()
    own = answer["prediction"] if classes is None else answer["probabilities"]
    assert np.allclose(own if classes is None else own[:, -1], told[:, -1], atol=1e-5)


def test_scores_of_classes_become_probabilities_of_a_factorys_module(tmp_path: Path) -> None:
    module = make()
    save_file(module.state_dict(), tmp_path / "net.safetensors")
    spec = f"factory_of_tests:make@{tmp_path / 'net.safetensors'}"
    assert ModuleImporter().accepts(spec)
    answer, _ = answered(ModuleImporter(), spec)
    with torch.no_grad():
        assert np.allclose(answer["probabilities"], module.eval()(ROWS).softmax(1).numpy(), atol=1e-5)


def test_a_file_of_torch_export_needs_consent_and_a_batch_of_any_size(tmp_path: Path) -> None:
    module, file, fixed = network(None, 1).eval(), tmp_path / "net.pt2", tmp_path / "fixed.pt2"
    rows = ({0: torch.export.Dim("rows")},)
    torch.export.save(torch.export.export(module, (ROWS[:2],), dynamic_shapes=rows), file)
    torch.export.save(torch.export.export(module, (ROWS[:1],)), fixed)
    with pytest.raises(UnsafeBundle, match="any code"):
        ModuleImporter().open(file, None)
    answer, _ = answered(ModuleImporter(), file, hashlib.sha256(file.read_bytes()).hexdigest())
    with torch.no_grad():
        assert np.allclose(answer["prediction"], module(ROWS)[:, 0].numpy(), atol=1e-5)
    with pytest.raises(BundleError, match="several at once"):
        ModuleImporter().open(fixed, hashlib.sha256(fixed.read_bytes()).hexdigest())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(network(None, 7).state_dict(), tmp_path / "other.pt")
    spec = f"factory_of_tests:make@{tmp_path / 'other.pt'}"
    with pytest.raises(BundleError, match="do not go into"):
        ModuleImporter().open(spec, None)


def test_a_keras_file_of_columns_answers_as_in_keras(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(1)])
    model.save(tmp_path / "net.keras")
    assert KerasImporter().accepts(tmp_path / "net.keras")
    answer, signature = answered(KerasImporter(), tmp_path / "net.keras")
    assert signature.classes is None
    assert np.allclose(answer["prediction"], model(ROWS, training=False).detach().numpy()[:, 0], atol=1e-5)
    assert KerasImporter().accepts(model)


def test_a_keras_model_with_code_of_its_own_is_refused(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential([layers.Input((3,)), layers.Lambda(lambda x: x * 2), layers.Dense(1)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(UnsafeBundle, match="Lambda"):
        KerasImporter().open(tmp_path / "net.keras", None)


def test_a_folder_with_a_keras_model_of_pictures_is_served_without_keras(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((16, 16, 3)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(),
         layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
    )  # fmt: skip
    model.save(tmp_path / "model.keras")
    (tmp_path / "labels.json").write_text(json.dumps(["cat", "dog", "fox"]))
    prepared = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "preprocess.json").write_text(json.dumps(prepared))
    importer = ImageModuleImporter()
    assert importer.accepts(tmp_path)
    opened = importer.open(tmp_path, None)
    pixels = RANDOM.integers(0, 255, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    signature = importer.signature(opened.model, (Field("photo", "image"),))
    files = np.array([(tmp_path / "one.png").read_bytes()], dtype=object)
    told = PretrainedOnnxRuntime().wrap(opened.model, signature).predict({"photo": files})
    own = model((pixels[None] / 255.0 - 0.5) / 0.5, training=False).detach().numpy()
    assert signature.classes == ("cat", "dog", "fox")
    assert np.allclose(told["probabilities"], own, atol=1e-4)
    (tmp_path / "labels.json").write_text(json.dumps(["cat", "dog"]))
    with pytest.raises(BundleError, match="3 scores, 2 are named"):
        importer.open(tmp_path, None)


class TestKerasContract(ImporterContract):
    @pytest.fixture
    def importer(self) -> Importer:
        return KerasImporter()

    @pytest.fixture
    def case(self, keras: Any, tmp_path: Path) -> Foreign:
        model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
        model.save(tmp_path / "whole.keras")
        told = model(ROWS, training=False).detach().numpy()[:, 0]
        return Foreign(tmp_path / "whole.keras", FIELDS, BATCH, told, OnnxRuntime(), named=False)


class TestModuleContract(ImporterContract):
    @pytest.fixture
    def importer(self) -> Importer:
        return ModuleImporter()

    @pytest.fixture
    def case(self, tmp_path: Path) -> Foreign:
        module, file = network(None, 1).eval(), tmp_path / "whole.pt2"
        rows = ({0: torch.export.Dim("rows")},)
        torch.export.save(torch.export.export(module, (ROWS[:2],), dynamic_shapes=rows), file)
        with torch.no_grad():
            told = module(ROWS).numpy()[:, 0]
        consent = hashlib.sha256(file.read_bytes()).hexdigest()
        return Foreign(file, FIELDS, BATCH, told, OnnxRuntime(), named=False, consent=consent)
