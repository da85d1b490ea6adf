"""CPU seconds and peak memory of child processes, alternately, as medians."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: CPU seconds (user and system) and peak resident memory in MiB of the largest process."""

    cpu: float
    peak: float


def run(command: Sequence[str], **options: object) -> Cost:
    """Run to the end and return what it cost; raises CalledProcessError."""
    pid = os.fork()
    if pid == 0:
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options).returncode  # type: ignore[call-overload]
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        sys.stdout.flush()
        os.write(_WRITE, f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss / 1024} {code}\n".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    cpu, peak, code = os.read(_READ, 200).split()
    if int(code):
        raise subprocess.CalledProcessError(int(code), command)
    return Cost(float(cpu), float(peak))


_READ, _WRITE = os.pipe()


def compare(commands: Mapping[str, Sequence[str]], rounds: int = 9, **options: object) -> dict[str, Cost]:
    """Run the commands in turn, ``rounds`` times after one warm-up, and return each one's medians."""
    seen: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            cost = run(command, **options)
            if number:
                seen[name].append(cost)
    return {
        name: Cost(statistics.median(c.cpu for c in costs), statistics.median(c.peak for c in costs))
        for name, costs in seen.items()
    }


def table(costs: Mapping[str, Cost], base: str) -> None:
    """Print the medians, and each as a ratio of ``base``."""
    width = max(map(len, costs))
    print(f"{'':{width}}  {'CPU s':>7}  {'ratio':>6}  {'peak MiB':>8}")
    for name, cost in costs.items():
        print(f"{name:{width}}  {cost.cpu:7.3f}  {cost.cpu / costs[base].cpu:6.2f}  {cost.peak:8.0f}")
