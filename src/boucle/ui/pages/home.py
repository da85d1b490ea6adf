"""Home: does anyone need me?"""

from __future__ import annotations

from boucle.ui.draw.glyphs import escape
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.overview import overview


async def home(shell: Shell) -> None:
    """Head with who needs somebody; then the models, those first."""
    seen = await shell.read(overview)
    say = shell.words
    shell.heading(seen, lambda view: (say.say(view.heading), say.say(view.lead)))
    shell.part(seen, lambda view: "".join(f"<p>{escape(one.name)}: {escape(say.say(one.why))}</p>" for one in view.models))


ROUTES = (Route("/", "home", home),)
