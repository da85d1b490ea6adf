"""The ``boucle`` command: finds the one asked for, runs it, turns errors into messages and exit codes.

Exit 0 fine, 1 a verdict says fail, 2 misuse or error. Only the command asked for is imported, so help stays quick.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer

from boucle import plugins
from boucle.core.errors import BoucleError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Write boucle.yaml, with the contract read off the data."),
    "check": ("check", "Check now everything that would fail later."),
    "doctor": ("doctor", "Name the usual traps of an installation."),
    "train": ("train", "Do one turn: data, train, evaluate, register."),
    "adopt": ("adopt", "Take in a model trained elsewhere."),
    "optimize": ("optimize", "Make a quicker or smaller version of a model of texts or images."),
    "distill": ("distill", "Teach a smaller model what a version answers."),
    "evaluate": ("evaluate", "Measure a version, with intervals, slices and a comparison."),
    "list": ("models", "List the models."),
    "show": ("models", "Show one version with its lineage."),
    "compare": ("models", "Show two versions side by side."),
    "promote": ("release", "Roll a version out; it becomes champion if it proves itself."),
    "rollback": ("release", "Go back to the previous champion, or end the rollout under way."),
    "disable": ("release", "Let a model answer nothing but its declared fallback."),
    "enable": ("release", "Let a disabled model answer again."),
    "pause": ("release", "Let a rollout stand still at its share."),
    "resume": ("release", "Let a paused rollout go on."),
    "serve": ("serve", "Run the data plane only."),
    "up": ("serve", "Run data plane, control plane and keeper."),
    "watch": ("serve", "Run the keeper only."),
    "predict": ("predict", "Predict a file of rows."),
    "label": ("label", "Choose rows to label first, as a sheet to fill in."),
    "feedback": ("feedback", "Import ground truth or business events."),
    "export": ("export", "Write what was observed to a file, or a model for the hub."),
    "status": ("status", "Show the loop at a glance."),
    "history": ("status", "Show what happened and why; --verify checks the chain."),
    "alarms": ("alarms", "List alarms: open, acknowledged, resolved."),
    "ack": ("alarms", "Acknowledge an alarm."),
    "mute": ("alarms", "Send no messages about a model until a time."),
    "rules": ("rules", "Write Prometheus rules and Alertmanager routes from boucle.yaml."),
    "keys": ("keys", "Make, list, rotate and revoke the keys that callers use."),
    "people": ("people", "List who has signed in through a provider, and give them roles."),
    "drill": ("drill", "Break things on purpose, in a copy of the loop: is the right thing done?"),
    "demo": ("demo", "Watch the whole loop turn on the wine data."),
}


def application(wanted: str | None) -> typer.Typer:
    """Build the command line with ``wanted`` loaded and every other command as its name and help only."""
    app = typer.Typer(
        name="boucle",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Take a machine-learning model to production and keep it right there.",
    )
    app.callback()(_root)
    for name, (module, summary) in COMMANDS.items():
        function: Callable[..., Any] = _stub
        if name == wanted:
            with plugins.uncollected():
                loaded = import_module(f"boucle.cli.{module}")
            function = getattr(loaded, name if name != "list" else "list_models")
        if isinstance(function, typer.Typer):
            app.add_typer(function, name=name, short_help=summary)
            continue
        app.command(name, help=None if name == wanted else summary, short_help=summary)(function)
    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"boucle {version('boucle')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


def _stub() -> None:
    raise AssertionError("only the command asked for is run")


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    if arguments is None:
        plugins.own_process()
    words = sys.argv[1:] if arguments is None else arguments
    wanted = next((w for w in words if not w.startswith("-")), None)
    try:
        application(wanted)(words, prog_name="boucle")
    except BoucleError as error:
        _tell(error, "--json" in words)
        sys.exit(2)
    except ModuleNotFoundError as missing:
        if (missing.name or "boucle").split(".")[0] == "boucle":
            raise
        _tell(plugins.absent(missing), "--json" in words)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


def _tell(error: BoucleError, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": error.message, "code": error.code, "hint": error.hint}))  # noqa: T201
    typer.echo(f"error: {error.message}", err=True)
    for line in _details(error):
        typer.echo(f"  {line}", err=True)
    if error.hint:
        typer.echo(f"hint: {error.hint}", err=True)


def _details(error: BoucleError) -> list[str]:
    """List the violations of a contract, the first twenty."""
    violations = error.facts.get("violations", ())
    lines = [f"{v.column}: {v.rule} ({v.count} rows, e.g. {', '.join(map(str, v.examples))})" for v in violations[:20]]
    return lines + ([f"and {len(violations) - 20} more"] if len(violations) > 20 else [])
