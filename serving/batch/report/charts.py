"""Plots as inline SVG: no library, no external resource, readable when printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

#: Colour-blind safe: against is orange, for is blue (Okabe and Ito 2008).
AGAINST, FAVOR, EMPTY = (213, 94, 0), (0, 114, 178), "#f2f2f2"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 220, 40, 24, 10


def shade(score: float) -> str:
    """A colour for a score in [-1, 1]: white at 0."""
    end, part = (FAVOR if score > 0 else AGAINST), min(1.0, abs(score))
    return "#" + "".join(f"{round(255 + (c - 255) * part):02x}" for c in end)


def ink(score: float) -> str:
    """Text that can be read on `shade(score)`."""
    return "#fff" if abs(score) > 0.6 else "#111"


def lines(series: Mapping[str, Mapping[str, float]], ticks: Sequence[str], label: str) -> str:
    """Scores in [-1, 1] over `ticks`, one line a series, with a legend in text; gaps are bridged."""
    parts = [_frame(ticks, label)]
    places = {tick: at for at, tick in enumerate(ticks)}
    for number, (name, values) in enumerate(series.items()):
        points = [(_x(places[tick], len(ticks)), _y(value)) for tick, value in values.items()]
        hue = round(360 * number / max(1, len(series)))
        colour = f"hsl({hue} 65% 40%)"
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(_words(_WIDTH + 10, _TOP + 12 + 16 * number, name, "start", colour))
    height = max(_HEIGHT, _TOP + 16 * (len(series) + 1))
    return _svg(_WIDTH + 260, height, "".join(parts), label)


def _frame(ticks: Sequence[str], label: str) -> str:
    parts = []
    for score in (-1, -0.5, 0, 0.5, 1):
        y = _y(score)
        stroke = "#888" if score == 0 else "#ddd"
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{stroke}"/>')
        parts.append(_words(_LEFT - 6, y + 4, f"{score:g}", "end"))
    for at in range(0, len(ticks), max(1, len(ticks) // 10)):
        parts.append(_words(_x(at, len(ticks)), _HEIGHT - 6, ticks[at], "middle"))
    return "".join(parts)


def _x(at: int, count: int) -> float:
    return _LEFT + 20 + (_WIDTH - _LEFT - 40) * (at / (count - 1) if count > 1 else 0.5)


def _y(score: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - score) / 2


def shares(rows: Mapping[str, Mapping[str, int]], colours: Mapping[str, str], label: str) -> str:
    """Stacked bars of shares, one a row, with the counts as text."""
    parts = []
    for number, (name, counts) in enumerate(rows.items()):
        y, total, x = 20 * number, sum(counts.values()) or 1, 200.0
        parts.append(_words(194, y + 13, name[:30], "end"))
        for key, colour in colours.items():
            width = 400 * counts.get(key, 0) / total
            place = f'x="{x:.1f}" y="{y + 2}" width="{width:.1f}" height="15"'
            title = f"<title>{escape(name)}: {counts.get(key, 0)} {escape(key)}</title>"
            parts.append(f'<rect {place} fill="{colour}">{title}</rect>')
            x += width
        parts.append(_words(608, y + 13, str(sum(counts.values())), "start"))
    return _svg(700, 20 * len(rows) + 4, "".join(parts), label)


def _words(x: float, y: float, words: str, anchor: str, colour: str = "#111") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-size="12">{escape(words)}</text>'


def _svg(width: int, height: int, body: str, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(label)}" font-family="system-ui,sans-serif">{body}</svg>'
    )
