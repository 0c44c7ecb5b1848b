"""A result as tables for a terminal: sentences by actors, stances, relations."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stance.render.common import actor_names, percent, portrayed, unmentioned
from stance.schema import DocumentResult, SentenceResult, SentimentResult

#: Columns that a sentence keeps at least; with more actors than fit beside it, the table goes on below.
SENTENCE_WIDTH = 32
ACTOR_WIDTH = 8
NUMBER_WIDTH = 3
#: The spaces that rich puts around a column.
FRAME = 3
#: A narrower terminal wraps the lines of a table of this width.
LEAST_WIDTH = 80

STYLES = {
    "negative": "red",
    "against": "red",
    "positive": "green",
    "favor": "green",
    "neutral": "",
}
LEGEND = "Sentiment of a sentence toward each actor it mentions; ? = the model is not sure and abstains."

# A text must not steer the terminal: control characters, line breaks, and what turns the direction of writing.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def as_table(result: DocumentResult, width: int = 100, color: bool = False) -> str:
    """The result as text of `width` columns, or of `LEAST_WIDTH` where that is less; `color` adds ANSI colours.

    Nothing is told by colour alone.
    """
    stream = io.StringIO()
    width = max(width, LEAST_WIDTH)
    console = Console(file=stream, width=width, force_terminal=color, no_color=not color, highlight=False)
    for table in _tables(result, width):
        console.print(table)
        console.print()
    absent = unmentioned(result)
    if absent:
        console.print(_plain("Not mentioned: " + ", ".join(absent)))
    console.print(_plain(LEGEND), style="dim")
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())


def _tables(result: DocumentResult, width: int) -> Iterator[Table]:
    actors = portrayed(result)
    room = width - NUMBER_WIDTH - 2 * FRAME - 1
    fitting = (room - SENTENCE_WIDTH) // (ACTOR_WIDTH + FRAME)
    yield _sentences(result, actors[:fitting], room)
    for at in range(fitting, len(actors), fitting):
        yield _sentences(result, actors[at : at + fitting], room, continued=True)
    yield _stances(result)
    yield _relations(result)


def _sentences(result: DocumentResult, actors: Sequence[str], room: int, continued: bool = False) -> Table:
    """Sentences down, actors across; a table that goes on names only the sentences that portray one of them.

    `room` is what sentence and actors share, in columns.
    """
    names = actor_names(result)
    table = _table("Sentences and further actors" if continued else "Sentences and actors")
    table.add_column("#", justify="right", width=NUMBER_WIDTH)
    table.add_column("sentence", width=room - len(actors) * (ACTOR_WIDTH + FRAME), no_wrap=continued)
    for actor in actors:
        table.add_column(_plain(names[actor]), width=ACTOR_WIDTH, overflow="fold")
    for sentence in result.sentences:
        cells = _cells(sentence)
        if not continued or cells.keys() & set(actors):
            table.add_row(str(sentence.index), _plain(sentence.text), *(cells.get(actor, Text()) for actor in actors))
    return table


def _cells(sentence: SentenceResult) -> dict[str, Text]:
    return {row.actor: _sentiment(row) for row in sentence.sentiment}


def _sentiment(row: SentimentResult) -> Text:
    return _answer(f"{row.label[:3]} {percent(row.confidence)}", row.label, row.abstained)


def _stances(result: DocumentResult) -> Table:
    names = actor_names(result)
    table = _table("Stances, sentence by sentence")
    for title in ("#", "holder", "is", "toward", "confidence", "holder named in"):
        table.add_column(title, justify="right" if title in ("#", "confidence") else "left")
    for sentence in result.sentences:
        for row in sentence.stances:
            elsewhere = "" if row.holder_sentence == sentence.index else f"sentence {row.holder_sentence}"
            table.add_row(
                str(sentence.index),
                _plain(names[row.holder]),
                _answer(row.label, row.label, row.abstained),
                _plain(names[row.target]),
                percent(row.confidence),
                elsewhere,
            )
    return _or_none(table)


def _relations(result: DocumentResult) -> Table:
    names = actor_names(result)
    table = _table("Relations: who stands where")
    for title in ("holder", "is", "toward", "score", "confidence", "in sentences"):
        table.add_column(title, justify="right" if title in ("score", "confidence") else "left")
    for row in result.relations:
        table.add_row(
            _plain(names[row.holder]),
            _answer("mixed" if row.label == "neutral" else row.label, row.label, row.abstained),
            _plain(names[row.target]),
            f"{row.score:+.2f}",
            percent(row.confidence),
            ", ".join(map(str, row.sentences)),
        )
    return _or_none(table)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD)


def _or_none(table: Table) -> Table:
    if not table.rows:
        table.show_header = False
        table.add_row("–", "none")
    return table


def _answer(text: str, label: str, abstained: bool) -> Text:
    style = STYLES[label]
    return Text(f"{text}?", style=f"{style} dim".strip()) if abstained else Text(text, style=style)


def _plain(text: str) -> Text:
    """Text that is no markup and holds nothing that a terminal would obey."""
    return Text(" ".join(_UNSAFE.sub(" ", text).split()))
