"""Every block of README and docs runs: commands, Python and project files, in order, in a folder per document.

Directives are HTML comments before a block:

    not run: REASON           the next block is only shown
    write: NAME               the next block is saved under NAME first
    file: NAME from PATH      PATH of the repository (src/ may be left out) is there as NAME; or `asset PACKAGE/PATH`
    exit: N                   the next block's last command ends with N
    blocks of: PAGES          first line of a translation: its blocks are those of PAGES, and run there

In ``console`` blocks only lines that begin with ``$`` run; one that ends with ``&`` goes on until the document ends,
and a server among them is waited for. Ports 8080 and 8081 become free ones. A ``python`` block is a program by itself.
A ``yaml`` block is a project file, or some sections of one. Plain ``boucle`` and ``python FILE`` lines and Python
blocks run in forks of one warm process (``warm.py``), all else in a shell.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.assets import asset
from tests.waiting import free_ports, until

from boucle.loop.service import is_ready
from boucle.project.load import load

ROOT = Path(__file__).parents[2]
TWIN = re.compile(r"<!-- blocks of: (.+?) -->\n")
"""How a translated page begins, whose blocks run where they come from: test_french_pages.py holds them equal."""
PAGES = sorted(
    path
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if "```" in (text := path.read_text()) and not TWIN.match(text)
)
RUN = {"console", "bash", "python", "yaml"}
PLAIN = re.compile(r"boucle (?!.* >)[^|&;$`]*")
SCRIPT = re.compile(r"python (\w+\.py[^|&;$`<>]*)")
PATIENCE = 600.0
SHOWN = {"text", "json", "toml", "html", "http", "sql", "csv", "diff", "promql", "mermaid"}
BASE = {
    "name": "name: docs\n",
    "task": "task: tabular-regression\n",
    "data": "data: {source: docs.csv, target: truth}\n",
}


@dataclass
class Block:
    line: int
    language: str
    text: str
    skipped: str = ""
    write: str = ""
    exit: int = 0
    files: list[tuple[str, str]] = field(default_factory=list)


def blocks(markdown: str) -> Iterator[Block]:
    """Yield the fenced blocks with their directives; raises ValueError for a block that is never closed."""
    pending = Block(0, "", "")
    indent = fence = ""
    for number, line in enumerate(markdown.splitlines(), start=1):
        if fence:
            if line.strip() == fence:
                yield pending
                pending, fence = Block(0, "", ""), ""
            else:
                pending.text += line.removeprefix(indent) + "\n"
        elif opened := re.match(r"(\s*)(`{3,})\s*(\w*)", line):
            indent, fence = opened[1], opened[2]
            pending.line, pending.language = number, opened[3]
        elif directive := re.match(r"\s*<!--\s*(not run|write|file|exit):\s*(.+?)\s*-->", line):
            _direct(pending, directive[1], directive[2])
    if fence:
        raise ValueError(f"the block of line {pending.line} is never closed")


def _direct(block: Block, name: str, text: str) -> None:
    if name == "file":
        block.files.append((text.partition(" from ")[0].strip(), text.partition(" from ")[2].strip()))
    elif name == "exit":
        block.exit = int(text)
    elif name == "write":
        block.write = text
    else:
        block.skipped = text


def commands(text: str) -> list[str]:
    """Return the lines that begin with ``$``, with those they continue on."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif found and found[-1].endswith("\\"):
            found[-1] = found[-1][:-1] + line.strip()
    return found


class Warm:
    """The process that has everything imported, and ``more`` besides; started at the first question.

    ``environ`` is what libraries read when they are imported; each question brings its own for the rest.
    """

    def __init__(
        self, more: tuple[str, ...] = (), patience: float = PATIENCE, environ: Mapping[str, str] | None = None
    ) -> None:
        self._more, self._patience, self._environ = more, patience, environ
        self._process: subprocess.Popen[str] | None = None

    def ask(self, **asked: object) -> int:
        """Run in a fork, and return the exit code."""
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, str(Path(__file__).with_name("warm.py")), *self._more]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._environ
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], self._patience)
        answer = self._process.stdout.readline() if ready else ""
        if not answer:
            self.end()
            pytest.fail(f"no answer within {self._patience:.0f} s: {asked.get('boucle') or asked.get('python')}")
        return int(answer)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    held = Warm()
    yield held
    held.end()


class Shell:
    """Runs a document's blocks in one folder, and ends what is left running."""

    def __init__(self, folder: Path, warm: Warm, patience: float = PATIENCE) -> None:
        self.folder, self.warm, self.patience = folder, warm, patience
        self.ports = dict(zip(("8080", "8081"), map(str, free_ports(2)), strict=True))
        self.running: list[subprocess.Popen[bytes]] = []
        self.environ = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "BOUCLE_SERVE__PORT": self.ports["8080"],
            "BOUCLE_SERVE__CONTROL_PORT": self.ports["8081"],
            "NO_COLOR": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def run(self, block: Block) -> None:
        for name, source in block.files:
            found = _located(source)
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if found.is_dir() else shutil.copy)(found, self.folder / name)
        if block.skipped:
            return
        if block.write:
            (self.folder / block.write).write_text(block.text)
        if block.language == "yaml":
            self._project(block.text)
        elif block.language == "python":
            self._warmly(block.exit, block.text, python=self._local(block.text))
        elif block.language == "bash":
            self._call(["bash", "-euo", "pipefail", "-c", self._local(block.text)], block.exit)
        else:
            lines = commands(block.text)
            assert lines, "no line begins with $, so nothing runs"
            for number, line in enumerate(lines, start=1):
                if line.endswith("&"):
                    self._start(line.removesuffix("&"))
                else:
                    self._line(self._local(line), block.exit if number == len(lines) else 0)

    def end(self) -> None:
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _local(self, text: str) -> str:
        return re.sub(r"\b(8080|8081)\b", lambda found: self.ports[found[0]], text)

    def _line(self, line: str, expected: int) -> None:
        if PLAIN.fullmatch(line):
            self._warmly(expected, line, boucle=shlex.split(line)[1:])
        elif script := SCRIPT.fullmatch(line):
            self._warmly(expected, line, script=shlex.split(script[1]))
        else:
            self._call(["bash", "-uo", "pipefail", "-c", line], expected)

    def _warmly(self, expected: int, text: str, **asked: object) -> None:
        output = self.folder / "output-of-a-block.log"
        code = self.warm.ask(folder=str(self.folder), environ=self.environ, output=str(output), **asked)
        assert code == expected, f"{text}\nexit {code}\n{output.read_text(errors='replace')}"

    def _call(self, command: list[str], expected: int) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
        )
        assert done.returncode == expected, f"{command[-1]}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"

    def _start(self, line: str) -> None:
        command = ["bash", "-c", f"exec {self._local(line).strip()}"]
        log = (self.folder / f"background-{len(self.running)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        self.running.append(process)
        if command_named := re.match(r"\s*boucle (up|serve)\b", line):
            for port in ("8080", "8081") if command_named[1] == "up" else ("8080",):
                self._wait(process, port, Path(log.name))

    def _wait(self, process: subprocess.Popen[bytes], port: str, log: Path) -> None:
        """Wait until the server says that it is ready; fail with its log when it ends or stays silent."""
        try:
            until(lambda: _ready(f"http://127.0.0.1:{self.ports[port]}"), process, self.patience)
        except AssertionError as failed:
            pytest.fail(f"the server on port {port} is not ready: {failed}\n{log.read_text(errors='replace')}")

    def _project(self, text: str) -> None:
        missing = "".join(lines for key, lines in BASE.items() if not re.search(rf"^{key}:", text, re.MULTILINE))
        folder = self.folder / "project-of-a-block"
        folder.mkdir(exist_ok=True)
        (folder / "boucle.yaml").write_text(text + missing)
        load(folder, dict.fromkeys(re.findall(r"\$\{(\w+)", text), "1"))


def _ready(url: str) -> bool:
    with contextlib.suppress(OSError):
        return is_ready(url)
    return False


def _located(source: str) -> Path:
    """Return a path of the repository, or of a package of tests/assets.txt: ``asset PACKAGE/PATH``."""
    if source.startswith("asset "):
        package, _, path = source.removeprefix("asset ").partition("/")
        return asset(package, path)
    return next(path for path in (ROOT / source, ROOT / "src" / source) if path.exists())


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_block_runs(page: Path, tmp_path: Path, warm: Warm) -> None:
    shell = Shell(tmp_path, warm)
    try:
        for block in blocks(page.read_text()):
            assert block.language in RUN | SHOWN, (
                f"{page.name}:{block.line}: say what the block is: ```console, ```text"
            )
            if block.language in RUN:
                shell.run(block)
    except (AssertionError, pytest.fail.Exception) as failed:
        pytest.fail(f"{page.relative_to(ROOT)}:{block.line}: {failed}")
    finally:
        shell.end()


def test_blocks_are_found_with_their_directives() -> None:
    page = "a\n<!-- file: w.csv from boucle/demo/data/winequality-red.csv -->\n<!-- exit: 1 -->\n"
    page += "```console\n$ a \\\n  b\nc\n```\n"
    page += "<!-- not run: needs a cluster -->\n```bash\nx\n```\n  ```text\n  y\n  ```\n"
    first, second, third = blocks(page)
    assert (first.line, first.language, first.exit) == (4, "console", 1)
    assert first.files == [("w.csv", "boucle/demo/data/winequality-red.csv")]
    assert commands(first.text) == ["a b"]
    assert second.skipped == "needs a cluster"
    assert (third.text, third.skipped) == ("y\n", "")


def test_a_block_that_is_not_closed_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1 is never closed"):
        list(blocks("```bash\nx\n"))


def test_blocks_share_a_folder_and_failures_are_seen(tmp_path: Path, warm: Warm) -> None:
    shell = Shell(tmp_path, warm)
    shell.run(Block(1, "bash", "echo 8080 > port\n"))
    shell.run(Block(2, "console", '$ test "$(cat port)" = "$BOUCLE_SERVE__PORT"\n'))
    shell.run(Block(3, "python", "import pathlib\npathlib.Path('port').unlink()\n"))
    shell.run(Block(4, "yaml", "serve: {port: '${P}'}\n"))
    shell.run(Block(5, "console", "$ false\n", exit=1))
    (tmp_path / "told.py").write_text("import sys\nif __name__ == '__main__':\n    sys.exit(sys.argv[1])\n")
    shell.run(Block(7, "console", "$ python told.py why\n", exit=1))
    assert (tmp_path / "output-of-a-block.log").read_text() == "why\n"
    with pytest.raises(AssertionError, match="exit 1"):
        shell.run(Block(6, "console", "$ cat port\n"))


def test_what_runs_in_the_background_ends_with_the_document(tmp_path: Path, warm: Warm) -> None:
    shell = Shell(tmp_path, warm)
    shell.run(Block(1, "console", "$ sleep 1000 &\n"))
    assert shell.running[0].poll() is None
    shell.end()
    assert shell.running[0].returncode == -signal.SIGTERM
