"""The relations of a document as a drawing: actors on an ellipse, an arrow for each directed relation."""

from __future__ import annotations

import math
from typing import NamedTuple

from stance.render.common import actor_names, percent
from stance.schema import DocumentResult, Relation, StanceLabel

#: Size of the drawing in SVG units (many actors make it higher), and the ellipse's distance from its sides,
#: where the names stand.
WIDTH, LEAST_HEIGHT, HEIGHT_PER_ACTOR = 860, 440, 30
MARGIN_X, MARGIN_Y = 224, 50
#: How far an arrow ends from an actor's centre, and how far it bends aside, so that the way back is a second arrow.
GAP = 16
BEND = 0.14
#: The strongest line is drawn for this many sentences or more.
MOST_SENTENCES = 5
#: Longer names are cut in the drawing; the tables have them in full.
NAME_LETTERS = 26


class Point(NamedTuple):
    """A place in the drawing; y grows downwards."""

    x: float
    y: float


class Node(NamedTuple):
    """An actor; its name stands at `label`, aligned by `anchor` (SVG's `text-anchor`)."""

    name: str
    at: Point
    label: Point
    anchor: str


class Edge(NamedTuple):
    """A relation: `path` is an SVG path, `width` in SVG units, `title` what it says in words."""

    path: str
    label: StanceLabel
    width: float
    abstained: bool
    title: str


class Graph(NamedTuple):
    """The drawing, as the page's template needs it."""

    width: int
    height: int
    nodes: list[Node]
    edges: list[Edge]


def draw(result: DocumentResult) -> Graph:
    """Lay out every actor that has a relation, in the order of the result, the author last."""
    names = actor_names(result)
    related = {actor for relation in result.relations for actor in (relation.holder, relation.target)}
    shown = [actor for actor in [*(a.id for a in result.actors), *names] if actor in related]
    height = max(LEAST_HEIGHT, HEIGHT_PER_ACTOR * len(related))
    places = dict(zip(dict.fromkeys(shown), _ellipse(len(related), height), strict=True))
    return Graph(
        WIDTH,
        height,
        [_node(names[actor], at, height) for actor, at in places.items()],
        [_edge(relation, names, places[relation.holder], places[relation.target]) for relation in result.relations],
    )


def _ellipse(count: int, height: int) -> list[Point]:
    """`count` places clockwise from the top; two actors stand side by side instead."""
    turn = -math.pi / 2 if count > 2 else math.pi
    angles = [turn + 2 * math.pi * i / count for i in range(count)]
    radius_x, radius_y = WIDTH / 2 - MARGIN_X, height / 2 - MARGIN_Y
    return [Point(WIDTH / 2 + radius_x * math.cos(a), height / 2 + radius_y * math.sin(a)) for a in angles]


def _node(name: str, at: Point, height: int) -> Node:
    side = round((at.x - WIDTH / 2) / WIDTH * 4)
    anchor = "end" if side < 0 else "start" if side > 0 else "middle"
    upwards = -12 if at.y <= height / 2 else 22
    label = Point(at.x + (12 if side > 0 else -12), at.y + 5) if side else Point(at.x, at.y + upwards)
    short = name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 1].rstrip() + "…"
    return Node(short, at, label, anchor)


def _edge(relation: Relation, names: dict[str, str], start: Point, end: Point) -> Edge:
    unsure = ", the model is not sure" if relation.abstained else ""
    return Edge(
        path=_curve(start, end),
        label=relation.label,
        width=1 + min(len(relation.sentences), MOST_SENTENCES) * 0.6,
        abstained=relation.abstained,
        title=f"{names[relation.holder]} {_WORDS[relation.label]} {names[relation.target]} "
        f"(score {relation.score:+.2f}, {percent(relation.confidence)}{unsure})",
    )


_WORDS = {"favor": "is in favor of", "against": "is against", "neutral": "has mixed stances toward"}


def _curve(start: Point, end: Point) -> str:
    """A curve that bends to its own left and stops short of both ends."""
    over = Point(end.x - start.x, end.y - start.y)
    control = Point((start.x + end.x) / 2 + BEND * over.y, (start.y + end.y) / 2 - BEND * over.x)
    first, last = _toward(start, control), _toward(end, control)
    return f"M{first.x:.1f} {first.y:.1f}Q{control.x:.1f} {control.y:.1f} {last.x:.1f} {last.y:.1f}"


def _toward(point: Point, other: Point) -> Point:
    """The place `GAP` away from `point` on the way to `other`."""
    share = GAP / math.dist(point, other)
    return Point(point.x + (other.x - point.x) * share, point.y + (other.y - point.y) * share)
