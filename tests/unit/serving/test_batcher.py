from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from boucle.core.errors import Overloaded
from boucle.core.signature import Batch
from boucle.serving.batcher import Batcher, Caller, Job, Lane, code_of, joined
from boucle.serving.messages import Asked
from boucle.serving.pace import Pace

LONG = 90.0  # a test that hangs fails, it does not wait for ever


class Doubler:
    """Doubles ``x``; refuses every batch with a negative value; waits at the gate when it is closed."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def predict(self, batch: Batch) -> Batch:
        column = batch["x"]
        self.calls.append(len(column))
        self.entered.set()
        assert self.gate.wait(LONG)
        if np.less(column.astype(np.float64), 0).any():
            raise ValueError("below zero")
        return {"prediction": column * 2}


def table(values: Sequence[float]) -> Asked:
    return Asked({"x": np.array(values, dtype=np.float64)})


def asked(job: Job) -> Batch:
    assert job.asked.batch is not None
    return job.asked.batch


class Line:
    """A batcher with what came out of it."""

    def __init__(self, batch_rows: int = 100, queue_rows: int = 1000) -> None:
        self.model = Doubler()
        self.finished: list[list[str]] = []
        self.caller = Caller(self.model, lambda jobs: joined([asked(job) for job in jobs]), self._finish)
        self.batcher = Batcher(self.caller, name="t", batch_rows=batch_rows, queue_rows=queue_rows)

    def _finish(self, jobs: Sequence[Job], batch: Batch | None) -> None:
        self.finished.append([job.id for job in jobs])

    def send(self, name: str, values: Sequence[float], due: float = float("inf")) -> tuple[Job, threading.Event]:
        answered = threading.Event()
        job = Job(None, table(values), name, due=due, done=lambda _: answered.set())
        self.batcher.submit(job)
        return job, answered

    def hold(self) -> tuple[Job, threading.Event]:
        """Keep the model busy with one row until ``model.gate`` opens."""
        self.model.gate.clear()
        sent = self.send("held", [0.0])
        assert self.model.entered.wait(LONG)
        return sent


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.model.gate.set()
    made.batcher.close(LONG)


def answered(sent: list[tuple[Job, threading.Event]]) -> list[Job]:
    for _, event in sent:
        assert event.wait(LONG)
    return [job for job, _ in sent]


def test_what_waits_when_the_model_is_free_is_one_batch(line: Line) -> None:
    held = line.hold()
    waiting = [line.send(f"r{n}", [n, n + 0.5]) for n in range(5)]
    line.model.gate.set()
    jobs = answered([held, *waiting])
    assert line.model.calls == [1, 10]
    assert [list(job.outputs["prediction"]) for job in jobs[1:]] == [[2 * n, 2 * n + 1] for n in range(5)]


def test_a_batch_ends_at_its_cap_and_no_request_is_split() -> None:
    line = Line(batch_rows=4)
    held = line.hold()
    waiting = [line.send(f"r{n}", [1.0] * rows) for n, rows in enumerate([3, 1, 2, 9])]
    line.model.gate.set()
    answered([held, *waiting])
    assert line.model.calls == [1, 4, 2, 9]
    line.batcher.close(LONG)


def test_a_request_that_breaks_the_model_harms_no_neighbour(line: Line) -> None:
    held = line.hold()
    good, bad, last = line.send("good", [1.0]), line.send("bad", [-1.0]), line.send("last", [3.0])
    line.model.gate.set()
    answered([held, good, bad, last])
    assert code_of(bad[0].error) == "model_error"
    assert good[0].error is None
    assert list(last[0].outputs["prediction"]) == [6.0]


def test_more_rows_than_the_queue_holds_are_refused() -> None:
    line = Line(queue_rows=10)
    held = line.hold()
    kept = line.send("kept", [1.0] * 8)
    with pytest.raises(Overloaded, match="limit is 10"):
        line.send("refused", [1.0] * 3)
    line.model.gate.set()
    answered([held, kept])
    answered([line.send("after", [1.0] * 3)])
    assert line.batcher.waiting == 0
    line.batcher.close(LONG)


def test_a_request_past_its_deadline_is_not_run(line: Line) -> None:
    held = line.hold()
    late = line.send("late", [1.0], due=0.0)
    line.model.gate.set()
    answered([held, late])
    assert code_of(late[0].error) == "deadline"
    assert line.model.calls == [1]


def test_everything_is_finished_before_anyone_is_told(line: Line) -> None:
    known: list[bool] = []
    told = threading.Event()

    def tell(job: Job) -> None:
        known.append(any(job.id in batch for batch in line.finished))
        told.set()

    line.batcher.submit(Job(None, table([1.0]), "first", done=tell))
    assert told.wait(LONG)
    assert known == [True]


def test_a_closing_batcher_answers_what_still_comes(line: Line) -> None:
    answered([line.send("before", [1.0])])
    line.batcher.close(LONG)
    (job,) = answered([line.send("after", [2.0])])
    assert job.error is None


def test_a_model_that_answers_too_few_rows_is_an_error(line: Line) -> None:
    line.model.predict = lambda batch: {"prediction": batch["x"][:-1]}  # type: ignore[method-assign]
    (job,) = answered([line.send("short", [1.0, 2.0])])
    assert code_of(job.error) == "model_error"


def test_a_lane_answers_all_that_waits_in_calls_of_its_size(line: Line) -> None:
    lane = Lane(line.caller, batch_rows=4, queue_rows=10)
    jobs = [Job(None, table([n] * rows), f"r{n}") for n, rows in enumerate([3, 1, 2, 4])]
    assert [lane.add(job) for job in jobs] == [True, False, False, False]
    with pytest.raises(Overloaded, match="limit is 10"):
        lane.add(Job(None, table([1.0]), "refused"))
    lane.flush()
    assert line.model.calls == [4, 2, 4]
    assert [job.outputs["prediction"].tolist() for job in jobs] == [[0, 0, 0], [2], [4, 4], [6, 6, 6, 6]]


def test_a_slow_model_refuses_what_would_wait_too_long() -> None:
    line = Line()
    answered([line.send("first", [1.0])])
    batcher = Batcher(line.caller, name="slow", max_wait=0.0)
    line.model.gate.clear()
    line.model.entered.clear()
    waiting = [Job(None, table([1.0]), f"r{n}") for n in range(2)]
    batcher.submit(Job(None, table([1.0]), "paced"))
    batcher.submit(waiting[0])
    line.model.gate.set()
    batcher.close(LONG)
    line.model.gate.clear()
    line.model.entered.clear()
    batcher.submit(Job(None, table([1.0]), "held"))
    assert line.model.entered.wait(LONG)
    batcher.submit(waiting[1])
    with pytest.raises(Overloaded, match="s of work"):
        batcher.submit(Job(None, table([1.0]), "refused"))
    line.model.gate.set()
    batcher.close(LONG)
    assert waiting[1].error is None


def test_by_itself_a_slow_model_lets_few_wait_and_those_longer_that_ask_for_more() -> None:
    line = Line()
    batcher = Batcher(line.caller, name="slow", batch_rows=1000, pace=Pace(1000.0, 4100.0, 32))
    line.model.gate.clear()
    batcher.submit(Job(None, table([1.0]), "held"))
    assert line.model.entered.wait(LONG)
    waiting = [Job(None, table([1.0]), f"r{n}") for n in range(22)]  # 1000 s, then 900 and 100 for each of them
    for job in waiting:
        batcher.submit(job)
    with pytest.raises(Overloaded, match=r"22 rows wait already, .* the limit is 4e.03 s"):
        batcher.submit(Job(None, table([1.0]), "refused"))
    batcher.submit(Job(None, table([1.0] * 50), "large"))
    line.model.gate.set()
    batcher.close(LONG)
    assert [job.error for job in waiting] == [None] * 22


def test_who_no_longer_waits_is_recorded_as_late(line: Line) -> None:
    held = line.hold()
    held[0].given_up = True
    line.model.gate.set()
    answered([held])
    assert code_of(held[0].error) == "deadline"
    assert held[0].outcome is None


def test_saturation_is_the_share_of_what_may_wait() -> None:
    line = Line(queue_rows=10)
    assert line.batcher.saturation == 0.0
    held = line.hold()
    kept = line.send("kept", [1.0] * 8)
    assert line.batcher.saturation == pytest.approx(0.8)
    line.model.gate.set()
    answered([held, kept])
    assert line.batcher.saturation == 0.0
    line.batcher.close(LONG)


def test_saturation_rises_above_one_where_time_is_short() -> None:
    model = Doubler()
    model.gate.clear()
    caller = Caller(model, lambda jobs: joined([asked(job) for job in jobs]), lambda jobs, batch: None)
    batcher = Batcher(caller, name="t", max_wait=1e-6, pace=Pace(0.1, 0.1))
    batcher.submit(Job(None, table([1.0]), "first"))
    assert model.entered.wait(LONG)
    batcher.submit(Job(None, table([1.0]), "second"))
    assert batcher.saturation > 1.0
    model.gate.set()
    batcher.close(LONG)
