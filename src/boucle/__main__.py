"""``python -m boucle``."""

from boucle.cli.main import run

if __name__ == "__main__":
    run()
