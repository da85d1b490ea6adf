"""The ``boucle`` command, and ``python -m boucle``."""

import sys

from boucle import plugins


def main() -> None:
    """Run the command line, or say what to install for it: the base install only serves."""
    try:
        # It is an extra.
        from boucle.cli.main import run
    except ModuleNotFoundError as missing:
        if (missing.name or "boucle").split(".")[0] == "boucle":
            raise
        error = plugins.absent(missing)
        sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
