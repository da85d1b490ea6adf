"""The ring: where the loop stands now. Nine arcs clockwise from the top, each a link to what is behind it.

Thickness and pattern say the state as much as colour does, and a sign stands inside each arc.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians, sin

from boucle.ui.draw.glyphs import COLOURS, Tone, escape, sign, sign_at, tone
from boucle.ui.draw.svg import STRONG, text
from boucle.ui.words.catalogue import Words
from boucle.views.ring import Stage

WIDE, SMALL = (520, 336), (300, 276)
RADIUS = 108
_THICK: dict[Tone, float] = {"pass": 11, "watch": 16, "fail": 20, "run": 14, "wait": 11, "idle": 2}
_THIN: dict[Tone, float] = {"pass": 3, "watch": 5, "fail": 6, "run": 5, "wait": 3, "idle": 1.5}
_PATTERN: dict[Tone, str] = {
    "run": ' stroke-dasharray="12 6" class="flow"',
    "wait": ' stroke-dasharray="5 4"',
}
_WORST: tuple[Tone, ...] = ("fail", "watch", "run", "wait", "pass", "idle")
_FACT = 18
"""Letters of a line that have room beside the ring; a fact takes two at most, the whole one is in the arc's label."""


def ring(
    stages: Sequence[Stage], centre: Sequence[str], links: Mapping[str, str], say: Words, *, small: bool = False
) -> str:
    """Draw the loop of one model. ``centre`` is its name and up to two lines more; ``links`` leads from each stage."""
    width, height = SMALL if small else WIDE
    x, y = width / 2, height / 2 + (0 if small else 2)
    arcs = [_stage(stage, place, len(stages), (x, y), links, say, small) for place, stage in enumerate(stages)]
    head = f'<path d="M{x - 5:g} {y - RADIUS - 6:g}l9 6-9 6" fill="none" stroke="var(--soft)" stroke-width="1.6"/>'
    label = escape(say("ring.label", model=centre[0]))
    return (
        f'<svg class="ink ring" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" '
        f'style="margin:auto;width:100%;height:auto;max-width:{width}px" aria-label="{label}">'
        f"{''.join(arcs)}{head}{_centre(centre, x, y)}</svg>"
    )


def mini(stages: Sequence[Stage], size: int = 44) -> str:
    """Draw the same small, for lists: the worst state's sign is in the middle."""
    middle, count = size / 2, len(stages)
    arcs: dict[Tone, str] = {}  # those of one look are one path: there is a ring for each of many models
    for place, stage in enumerate(stages):
        arc = _arc((middle, middle), middle - 4, place * 360 / count + 4, (place + 1) * 360 / count - 4)
        arcs[tone(stage.state)] = arcs.get(tone(stage.state), "") + arc
    drawn = []
    for of, path in arcs.items():
        dash = ' stroke-dasharray="3 2"' if of in ("run", "wait") else ""
        drawn.append(f'<path d="{path}" stroke="{COLOURS[of]}" stroke-width="{_THIN[of]:g}"{dash}/>')
    present = {tone(stage.state) for stage in stages}
    worst = next(of for of in _WORST if of in present)
    return (
        f'<svg width="{size}" height="{size}" viewBox="0 0 {size} {size}" aria-hidden="true">'
        f'<g fill="none">{"".join(drawn)}</g>{sign_at(worst, middle, middle)}</svg>'
    )


def stage_list(stages: Sequence[Stage], links: Mapping[str, str], say: Words) -> str:
    """Write the stages as a list, for where there is no room beside the ring."""
    rows = []
    for stage in stages:
        of = tone(stage.state)
        told = f'{escape(say(f"stage.{stage.name}"))} <span class="soft">{escape(say.say(stage.fact))}</span>'
        word = f'<span class="hidden">{escape(say(f"tone.{of}"))}</span>'
        link = f'<a class="stage" href="{escape(links.get(stage.name, "#"))}">'
        rows.append(f'<li class="{of}">{link}{sign(of)}<span>{told}{word}</span></a></li>')
    return f'<ul class="stages">{"".join(rows)}</ul>'


def _stage(
    stage: Stage, place: int, count: int, middle: tuple[float, float], links: Mapping[str, str], say: Words, small: bool
) -> str:
    begin, end = place * 360 / count + 2.2, (place + 1) * 360 / count - 2.2
    of, half = tone(stage.state), (begin + end) / 2
    name, fact = say(f"stage.{stage.name}"), say.say(stage.fact)
    arc = (
        f'<path d="{_arc(middle, RADIUS, begin, end)}" fill="none" stroke="{COLOURS[of]}" '
        f'stroke-width="{_THICK[of]:g}"{_PATTERN.get(of, "")}/>'
    )
    words = "" if small else _beside(name, fact, middle, half)
    label = escape(f"{name}: {say(f'tone.{of}')}, {fact}")
    inside = sign_at(of, *_at(middle, RADIUS - 24, half))
    link = f'href="{escape(links.get(stage.name, "#"))}" aria-label="{label}"'
    return f"<a {link}><title>{label}</title>{arc}{inside}{words}</a>"


def _beside(name: str, fact: str, middle: tuple[float, float], angle: float) -> str:
    x, y = _at(middle, RADIUS + 23, angle)
    anchor = "middle" if abs(x - middle[0]) < 24 else "start" if x > middle[0] else "end"
    lines = _lines(fact) if anchor != "middle" else [fact]
    y += -14 * len(lines) + 2 if y < middle[1] - 95 else 8 if y > middle[1] + 95 else -4
    drawn = text(x, y, name, 14, anchor=anchor, look=f'{STRONG} class="lb"')
    return drawn + "".join(text(x, y + 1 + 16 * n, part, 12.5, anchor=anchor) for n, part in enumerate(lines, start=1))


def _lines(fact: str) -> list[str]:
    """Break a fact that is too long for one line, at a comma or a space; what is still too long is cut."""
    if len(fact) <= _FACT:
        return [fact]
    best = max((fact.rfind(sign, 0, _FACT + 1) for sign in (", ", " · ", " ")), default=-1)
    if best <= 0:
        return [_cut(fact)]
    return [fact[: best + 1].rstrip(" ·"), _cut(fact[best + 1 :].lstrip(" ·"))]


def _cut(text: str) -> str:
    return text if len(text) <= _FACT + 2 else text[: _FACT + 1].rstrip() + "…"


def _centre(lines: Sequence[str], x: float, y: float) -> str:
    size = 23 if len(lines[0]) <= 14 else 17
    top = y - 14 + 9 * (3 - len(lines))
    drawn = text(x, top, lines[0], size, anchor="middle", look=STRONG)
    return drawn + "".join(text(x, top + 23 + 19 * n, part, 13, anchor="middle") for n, part in enumerate(lines[1:]))


def _at(middle: tuple[float, float], radius: float, angle: float) -> tuple[float, float]:
    turned = radians(angle - 90)
    return middle[0] + radius * cos(turned), middle[1] + radius * sin(turned)


def _arc(middle: tuple[float, float], radius: float, begin: float, end: float) -> str:
    (x1, y1), (x2, y2) = _at(middle, radius, begin), _at(middle, radius, end)
    return f"M{x1:.1f} {y1:.1f}A{radius:g} {radius:g} 0 {int(end - begin > 180)} 1 {x2:.1f} {y2:.1f}"
