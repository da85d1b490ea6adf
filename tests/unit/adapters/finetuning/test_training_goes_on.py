"""A training that is killed goes on where its state was kept, to the same model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.ports.trainer import Fitted, Job


class Killed(BaseException):
    """Ends a training at once: nothing is written any more."""


def killed_at(job: Job, share: float) -> None:
    def progress(text: str, done: float) -> None:
        if text.startswith("epoch") and done >= share:
            raise Killed

    with pytest.raises(Killed):
        PretrainedTrainer(kept_every=0).fit(job, progress)


def whole(job: Job) -> tuple[Fitted, list[str]]:
    told: list[str] = []
    return PretrainedTrainer(kept_every=0).fit(job, lambda text, share: told.append(text)), told


def shares(fitted: Fitted, job: Job) -> np.ndarray:
    column = job.frame["text"].to_numpy(dtype=object)
    return np.asarray(
        PretrainedRuntime().wrap(fitted.model, fitted.signature).predict({"text": column})["probabilities"]
    )


@pytest.mark.parametrize("method", ["frozen", "lora", "qlora"])
def test_a_killed_training_goes_on_to_the_model_it_would_have_made(job: Job, tmp_path: Path, method: str) -> None:
    job = replace(job, pretrained={**(job.pretrained or {}), "method": method, "epochs": 2})
    killed_at(job, 0.22 + 0.7 * 0.6)
    fitted, told = whole(job)
    straight, all_told = whole(replace(job, workspace=str(tmp_path / "other")))
    assert len([text for text in told if text.startswith("epoch")]) < 0.6 * len(
        [text for text in all_told if text.startswith("epoch")]
    )
    assert np.allclose(shares(fitted, job), shares(straight, job), atol=1e-6)
    assert np.allclose(fitted.curves["validation_loss"], straight.curves["validation_loss"])


def test_a_state_that_was_being_written_is_not_gone_on_from(job: Job, tmp_path: Path) -> None:
    killed_at(job, 0.5)
    kept = sorted((tmp_path / "work").glob("finetuning/*/checkpoint-*"))
    assert kept
    for state in kept:
        (state / "watched.json").unlink()
    _, told = whole(job)
    assert any(text.startswith("epoch 1 ") for text in told)


def test_other_rows_begin_anew(job: Job) -> None:
    killed_at(job, 0.5)
    _, told = whole(replace(job, frame=job.frame.iloc[:-2]))
    assert any(text.startswith("epoch 1 ") for text in told)


def test_nothing_but_the_model_is_left_of_a_training_that_is_done(job: Job, tmp_path: Path) -> None:
    fitted, _ = whole(job)
    (folder,) = (tmp_path / "work" / "finetuning").iterdir()
    assert list(folder.iterdir()) == [fitted.model.folder]
