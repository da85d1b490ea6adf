"""The trainer's contract over its adapters."""

from __future__ import annotations

import pytest

from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.adapters.trainers.sklearn import SklearnTrainer
from boucle.ports.runtime import Runtime
from boucle.ports.trainer import Trainer
from boucle.testing.trainer_contract import TrainerContract


class TestSklearnTrainer(TrainerContract):
    @pytest.fixture
    def trainer(self) -> Trainer:
        return SklearnTrainer()

    @pytest.fixture
    def runtime(self) -> Runtime:
        return SklearnRuntime()
