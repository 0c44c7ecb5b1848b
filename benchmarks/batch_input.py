"""Inputs of any size for the batch benchmarks: real sentences, over and over, with changed names."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stance.labelled import LabelledDocument

ROOT = Path(__file__).resolve().parent.parent
#: Labelled data whose sentences are repeated: the training part of the project's corpus.
DATA = ROOT / "data" / "corpus" / "train.jsonl"


class Template(NamedTuple):
    """A sentence in pieces, with the number of an actor between each two."""

    pieces: list[str]
    actors: list[int]


def templates(data: Path = DATA) -> tuple[list[Template], list[str]]:
    """Sentences of labelled data (JSONL) with their names cut out, and all names to put there."""
    found: list[Template] = []
    names: set[str] = set()
    for line in data.read_text(encoding="utf-8").splitlines():
        document = LabelledDocument.model_validate_json(line)
        names.update(actor.name for actor in document.actors)
        for start, end in document.sentences or []:
            inside = sorted(
                (m for m in document.mentions if m.kind == "name" and start <= m.start and m.end <= end),
                key=lambda m: m.start,
            )
            found.append(_template(document.text, start, end, inside))
    return [t for t in found if t.actors], sorted(names)


def _template(text: str, start: int, end: int, mentions: list[Any]) -> Template:
    pieces, actors, numbers = [], [], dict[str, int]()
    at = start
    for mention in mentions:
        if mention.start >= at:
            pieces.append(text[at : mention.start])
            actors.append(numbers.setdefault(mention.actor, len(numbers)))
            at = mention.end
    return Template([*pieces, text[at:end]], actors)


def _filled(count: int, data: Path) -> Iterator[tuple[str, list[str]]]:
    """`count` sentences, each with the names that it was given."""
    known, names = templates(data)
    rng = random.Random(0)
    for i in range(count):
        template = known[i % len(known)]
        chosen = rng.sample(names, 1 + max(template.actors))
        filled = [p for pair in zip(template.pieces, [chosen[a] for a in template.actors], strict=False) for p in pair]
        yield "".join([*filled, template.pieces[-1]]), chosen


def rows(count: int, data: Path = DATA) -> Iterator[dict[str, str]]:
    """`count` rows of one sentence each; the same ones at every call."""
    for i, (text, _) in enumerate(_filled(count, data)):
        yield {"id": f"s{i}", "text": text, "date": f"{2015 + i % 10}-{i % 12 + 1:02d}-01"}


def pairs(count: int, data: Path = DATA) -> list[tuple[str, str]]:
    """Each actor of each of the first `count` rows with its sentence."""
    return [(text, name) for text, names in _filled(count, data) for name in names]


def write_rows(path: Path, count: int, data: Path = DATA) -> Path:
    """`rows(count)` as JSONL."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows(count, data):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path
