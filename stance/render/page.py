"""A result as one HTML page that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from stance.render.common import actor_names, percent, portrayed, unmentioned
from stance.render.graph import draw
from stance.schema import DocumentResult, MentionResult, SentenceResult


class Piece(NamedTuple):
    """A stretch of a sentence; `actor` is the name of the actor that it mentions, if it does."""

    text: str
    actor: str | None


def as_page(result: DocumentResult) -> str:
    """The result as HTML: relations with a drawing, sentences by actors, stances. Everything is escaped."""
    names = actor_names(result)
    return _template().render(
        result=result,
        names=names,
        actors=portrayed(result),
        absent=unmentioned(result),
        graph=draw(result),
        rows=[(s, list(pieces(s, names)), {row.actor: row for row in s.sentiment}) for s in result.sentences],
    )


def pieces(sentence: SentenceResult, names: dict[str, str]) -> Iterator[Piece]:
    """Cut a sentence at its mentions; of mentions that overlap, the one that begins first is shown."""
    at = sentence.start
    for mention in sorted(sentence.mentions, key=_first_and_longest):
        start, end = mention.start, min(mention.end, sentence.end)
        if at <= start < end:
            yield Piece(_cut(sentence, at, start), None)
            yield Piece(_cut(sentence, start, end), names[mention.actor])
            at = end
    yield Piece(_cut(sentence, at, sentence.end), None)


def _first_and_longest(mention: MentionResult) -> tuple[int, int]:
    return mention.start, -mention.end


def _cut(sentence: SentenceResult, start: int, end: int) -> str:
    return sentence.text[start - sentence.start : end - sentence.start]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("stance.render", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    return environment.get_template("page.html.j2")
