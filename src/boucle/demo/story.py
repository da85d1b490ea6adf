"""The demo: the whole loop on the wine data, with nothing simulated but the customers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from boucle.core.errors import BoucleError, StoreError
from boucle.demo.customers import Answer, Client, Customers, rmse
from boucle.demo.templates import TARGET, Wines, packaged, wines
from boucle.loop.operations import predict_frame
from boucle.loop.project import Project
from boucle.loop.service import address
from boucle.loop.turn import run_turn

MODEL = "wine-quality"
MARKER = ".boucle-demo"
CHUNK = 100
WIDTH = 130
PATIENCE = 120.0
_ENDS = {"rollout_done", "rollout_aborted", "training_failed"}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One step of the story, with the verdict that led to it."""

    step: str
    text: str
    version: int | None = None
    verdict: str = ""


@dataclass(slots=True)
class Story:
    """What happened, told from the history and from the customers' answers alone."""

    directory: Path
    chapters: list[Chapter] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    marks: dict[int, str] = field(default_factory=dict)
    errors: dict[str, dict[str, float]] = field(default_factory=dict)
    champion: int = 0
    turns: int = 0
    seconds: float = 0.0
    report: str = ""
    console: str = ""
    events: int = 0
    verified: bool = False


class Demo:
    """Lays out the project, trains, serves, sends the wines, and writes down what the loop did about them."""

    def __init__(self, directory: Path, say: Callable[[str], None], keep: bool = False) -> None:
        self.story = Story(directory)
        self._say = say
        self._keep = keep
        self._seen = 0
        self._service: subprocess.Popen[bytes] | None = None

    def run(self) -> Story:
        """Turn the loop once; the service is ended unless it was to be kept."""
        begun = time.perf_counter()
        cellar = wines()
        self._lay_out(cellar)
        project = Project.open(self.story.directory)
        try:
            self._train(project)
            address, control = self._serve()
            self._traffic(Customers(address, MODEL, TARGET), Client(control), cellar)
            self._measure(project, cellar)
            self._close(project, control)
        finally:
            project.close()
            if not self._keep:
                self.stop()
        self.story.seconds = time.perf_counter() - begun
        return self.story

    def _lay_out(self, cellar: Wines) -> None:
        folder = self.story.directory
        if folder.exists() and any(folder.iterdir()):
            if not (folder / MARKER).exists():
                raise StoreError(f"{folder} is there and is not a demo's.", hint="name another with --dir")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).touch()
        (folder / "boucle.yaml").write_bytes(packaged("boucle.yaml"))
        cellar.training.to_csv(folder / "winequality-red.csv", index=False)
        text = (
            f"{len(cellar.training)} red wines to train on, in {folder.name}/; {len(cellar.red)} more to be asked about"
        )
        self._tell("data", text)

    def _train(self, project: Project) -> None:
        result = run_turn(project, lambda *_: None, reason="the first turn")
        error = result.metrics["rmse"]
        kind = result.chosen.rsplit(".", 1)[-1]
        text = f"{MODEL}/{result.version} ({kind}) has RMSE {error:.3f} on red wines it never saw"
        self._tell("train", text, result.version, result.verdict.status)
        if result.verdict.status != "pass":
            raise BoucleError("The first version did not pass its gate.", hint=result.verdict.reason)

    def _serve(self) -> tuple[str, str]:
        """Start ``boucle up`` on free ports and wait until it answers."""
        folder = self.story.directory
        log = (folder / "up.log").open("wb")
        environ = {**os.environ, "BOUCLE_SERVE__PORT": "0", "BOUCLE_SERVE__CONTROL_PORT": "0", "NO_COLOR": "1"}
        self._service = subprocess.Popen(
            [sys.executable, "-m", "boucle", "up", "--project", str(folder)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, start_new_session=True,
        )  # fmt: skip
        log.close()
        found = [self._address(name) for name in ("address.json", "control.json")]
        self._tell("serve", f"answering at {found[0]}, control plane at {found[1]}")
        self.story.console = found[1]
        return found[0], found[1]

    def _address(self, name: str) -> str:
        """Wait until a part of the service is ready, and return its URL; raises BoucleError when it ends instead."""
        path = self.story.directory / ".boucle" / "serving" / name
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._service is not None and self._service.poll() is None:
            url = address(path, 0.5)
            if url is not None:
                return url
        tail = (self.story.directory / "up.log").read_text(errors="replace")[-2000:]
        raise BoucleError(f"The service did not start: {tail}")

    def _traffic(self, customers: Customers, control: Client, cellar: Wines) -> None:
        rows = cellar.red.to_dict("records")
        for start in range(0, len(rows), CHUNK):
            customers.send(rows[start : start + CHUNK])  # type: ignore[arg-type]
            self._follow(control, customers)
        text = f"{len(rows)} red wines came by: RMSE {rmse(customers.answers):.3f}"
        self._tell("observe", text, 1)
        self.story.marks[len(customers.answers)] = "W"
        self._tell("change", "now white wines arrive; nobody tells the loop")
        rows = cellar.white.to_dict("records")
        end = time.monotonic() + PATIENCE
        while rows and time.monotonic() < end:
            few = CHUNK if not self._training(control) else CHUNK // 8  # the loop is busy, and so are both cores
            part, rows = rows[:few], rows[few:]
            customers.send(part)  # type: ignore[arg-type]
            if self._follow(control, customers):
                break
        customers.tell()
        customers.close()
        self.story.answers = customers.answers

    def _training(self, control: Client) -> bool:
        return bool(control.call("GET", "/api/status")["models"][0]["training"])

    def _follow(self, control: Client, customers: Customers) -> bool:
        """Let the keeper see what was answered before more is asked; returns whether a rollout has ended."""
        end = time.monotonic() + PATIENCE
        while self._observed(control) < len(customers.answers) and time.monotonic() < end:
            time.sleep(0.05)
        return self._listen(control, customers)

    def _observed(self, control: Client) -> int:
        return int(control.call("GET", "/api/status")["models"][0]["traffic"]["rows"])

    def _listen(self, control: Client, customers: Customers) -> bool:
        """Tell what the loop has done since last time; returns whether a rollout has ended."""
        events = control.call("GET", "/api/events?limit=200")["events"]
        ended = False
        for event in (e for e in events if e["seq"] > self._seen):
            self._seen = event["seq"]
            if event["actor"] != "keeper" and event["kind"] != "trained":
                continue
            sign = {"retraining": "R", "rollout_started": "C", "rollout_done": "P"}.get(event["kind"])
            if sign:
                self.story.marks[len(customers.answers)] = sign
            if event["kind"] != "trained" or event["version"] != 1:
                status = (event["data"].get("verdict") or {}).get("status", "")
                self._tell(event["kind"], event["reason"], event["version"], status)
            ended = ended or event["kind"] in _ENDS
        return ended

    def _measure(self, project: Project, cellar: Wines) -> None:
        """Measure the first champion and today's on wines neither ever saw, in training or in traffic."""
        with project.state.begin() as tx:
            champion = tx.deployments.get(MODEL).champion or 1
        for label, number in (("before", 1), ("after", champion)):
            predictor, info = project.predictor(project.registry.version(MODEL, number))
            self.story.errors[label] = {
                colour: _error(predict_frame(predictor, info, part)["prediction"].to_numpy(), part)
                for colour, part in (("red", cellar.red_measured), ("white", cellar.white_measured))
            }
        self.story.champion = champion

    def _close(self, project: Project, control: str) -> None:
        client = Client(control)
        verification = client.call("GET", "/api/events/verification")
        client.close()
        self.story.verified, self.story.events = verification["ok"], verification["events"]
        with project.state.begin() as tx:
            trained = tx.journal.events(MODEL, ["trained"])
        self.story.turns = len(trained)
        newest = [e for e in trained if e.version == self.story.champion] or trained
        self.story.report = str(project.root / newest[-1].data["report"])

    def _tell(self, step: str, text: str, version: int | None = None, verdict: str = "") -> None:
        self.story.chapters.append(Chapter(step, text, version, verdict))
        self._say(f"{step:<16} {textwrap.shorten(text, WIDTH, placeholder=' …')}")

    def stop(self) -> None:
        """End the service, and wait until it has drained."""
        if self._service is not None and self._service.poll() is None:
            self._service.send_signal(signal.SIGTERM)
            try:
                self._service.wait(60)
            except subprocess.TimeoutExpired:
                self._service.kill()
                self._service.wait()


def _error(predicted: Any, part: pd.DataFrame) -> float:
    return float(np.sqrt(np.mean((predicted - part[TARGET].to_numpy()) ** 2)))
