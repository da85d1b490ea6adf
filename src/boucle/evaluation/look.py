"""The report's look: colours, type, signs, and numbers as people read them. Every text from outside is escaped here."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

from boucle.core.verdict import Status
from boucle.measures.intervals import Estimate

STYLE = """
:root{--paper:#F7F6F3;--card:#FFF;--sunk:#EFEDE8;--ink:#1B1F24;--soft:#565E69;--line:#DEDBD4;--grid:#E9E6E0;--ref:#9AA1AB;
--pass:#24938D;--fail:#A81E12;--inconclusive:#4A5563;--challenger:#7C2EB3;color-scheme:light}
@media (prefers-color-scheme:dark){:root{--paper:#14171B;--card:#1C2026;--sunk:#23282F;--ink:#E9EAEC;--soft:#A7AEB8;
--line:#353B44;--grid:#2A3038;--ref:#727B88;--pass:#7FE0DA;--fail:#F0665A;--inconclusive:#9AA3B5;--challenger:#B57BF0;
color-scheme:dark}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:32px 24px 48px;background:var(--paper);color:var(--ink);
font:400 15px/1.47 Roboto,system-ui,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
h1{font-size:28px;line-height:34px;font-weight:500;letter-spacing:-.015em;margin:8px 0;max-width:34em}
h2{font-size:17px;line-height:23px;font-weight:500;margin:0 0 4px}
h3{font-size:13px;line-height:19px;font-weight:500;margin:16px 0 4px}
p{margin:0 0 8px;max-width:72ch}.lead{font-size:17px;line-height:26px;color:var(--soft)}
.soft{color:var(--soft)}.small,figcaption,summary,dl{font-size:13px;line-height:19px}
section,figure{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 20px;margin:20px 0 0;
break-inside:avoid}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:20px;align-items:start}
.wide{overflow-x:auto}figure svg{max-width:560px;display:block}
table{border-collapse:collapse;width:100%;font-size:13px;line-height:19px}
th{font-weight:500;text-align:left;color:var(--soft);padding:6px 12px 6px 0;border-bottom:1px solid var(--line)}
td{padding:6px 12px 6px 0;border-bottom:1px solid var(--grid);vertical-align:middle}
tr:last-child td{border-bottom:0}.n{text-align:right;white-space:nowrap}
caption{text-align:left;color:var(--soft);padding-bottom:4px}
.status{display:inline-flex;gap:6px;align-items:center;font-weight:500;white-space:nowrap}
.status svg{width:16px;height:16px;flex:none}
h1 .status{font-size:15px;display:flex;letter-spacing:0;margin-bottom:6px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0}dt{color:var(--soft)}dd{margin:0}
summary{cursor:pointer;color:var(--soft);margin-top:8px;min-height:24px}
code{font:13px/1.5 ui-monospace,"DejaVu Sans Mono",monospace}
svg text{fill:var(--ink);font-family:Roboto,system-ui,sans-serif}svg .s{fill:var(--soft)}svg .on{fill:var(--card)}
@media (max-width:600px){body{padding:20px 12px}h1{font-size:23px;line-height:28px}section,figure{padding:12px 14px}}
@media print{:root{--paper:#FFF;--card:#FFF;--sunk:#EFEDE8;--ink:#1B1F24;--soft:#565E69;--line:#DEDBD4;--grid:#E9E6E0;
--ref:#9AA1AB;--pass:#24938D;--fail:#A81E12;--inconclusive:#4A5563;--challenger:#7C2EB3;color-scheme:light}
body{max-width:none;padding:0;font-size:12px}section,figure{border-radius:0}
details::details-content{content-visibility:visible;display:block}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

_GLYPHS: dict[str, str] = {
    "pass": '<circle cx="8" cy="8" r="7" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<path d="M4.8 8.2l2.2 2.2 4.2-4.6" fill="none" stroke="currentColor" stroke-width="1.8"/>',
    "fail": '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" fill="currentColor"/>'
    '<path d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" stroke="var(--card)" stroke-width="1.8"/>',
    "inconclusive": '<circle cx="8" cy="8" r="6.6" fill="none" stroke="currentColor" stroke-width="1.8"'
    ' stroke-dasharray="3.2 2"/><circle cx="8" cy="8" r="1.8" fill="currentColor"/>',
}
LONGEST = 80


def text(value: object, longest: int = LONGEST) -> str:
    """Escape for HTML, inside a tag or an attribute, cut to ``longest`` characters and freed of control signs."""
    plain = "".join(c if c.isprintable() else " " for c in str(value))
    return html.escape(plain if len(plain) <= longest else plain[: longest - 1] + "…", quote=True)


def number(value: float | None) -> str:
    """Write a number for people: about four digits, a real minus, a dash for what is not known."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size >= 1e7 or 0 < size < 5e-4:
        shown = f"{value:.2e}"
    elif size >= 1000:
        shown = f"{value:,.0f}"
    else:
        shown = f"{value:.{1 if size >= 100 else 2 if size >= 10 else 3}f}"
    return shown.replace("-", "−")


def signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}".replace("%", " %")


def span(estimate: Estimate) -> str:
    return f"{number(estimate.low)} to {number(estimate.high)}"


def rows_of(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")


def glyph(status: Status) -> str:
    return f'<svg viewBox="0 0 16 16" aria-hidden="true" style="color:var(--{status})">{_GLYPHS[status]}</svg>'


def badge(status: Status, word: str = "") -> str:
    """Draw the verdict's sign beside its word: shape, word and colour say the same."""
    return f'<span class="status">{glyph(status)}{text(word or status)}</span>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", numeric: Sequence[int] = ()) -> str:
    """Build a table of cells that are HTML already; ``numeric`` are the columns set flush right."""
    kind = [' class="n"' if i in numeric else "" for i in range(len(heads))]
    top = "".join(f'<th scope="col"{k}>{text(h)}</th>' for h, k in zip(heads, kind, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{cell}</td>" for cell, k in zip(row, kind, strict=True)) + "</tr>" for row in rows
    )
    named = f"<caption>{text(caption, 200)}</caption>" if caption else ""
    return f'<div class="wide"><table>{named}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def section(title: str, body: str, note: str = "") -> str:
    said = f'<p class="soft small">{text(note, 400)}</p>' if note else ""
    return f"<section><h2>{text(title, 200)}</h2>{said}{body}</section>"


def figure(title: str, count: str, drawing: str, numbers: str = "") -> str:
    """Frame a chart: its title line with the count, and the numbers behind it folded away."""
    behind = f"<details><summary>Numbers behind this chart</summary>{numbers}</details>" if numbers else ""
    return f'<figure><h2>{text(title)} <span class="soft small">{text(count)}</span></h2>{drawing}{behind}</figure>'
