"""NewsMTSC: sentiment toward targets in news sentences (Hamborg & Donnay, EACL 2021).

The files come from github.com/fhamborg/NewsMTSC (MIT). One JSON object a line, one sentence each.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stance.faults import faults
from stance.labelled import LabelledDocument, SentimentLabelled
from stance.schema import Actor, Mention, NonBlank, SentimentLabel
from training.data.errors import DataError, RowProblem
from training.data.keys import unique
from training.data.readers.common import mention_kind, numbered_lines, too_many

#: How far, in characters, a stated offset may lie from the mention's text and still be mended.
REACH = 3

NEUTRAL_POLARITY = 4.0


class _Target(BaseModel):
    """What is read of a target; the files have more fields."""

    model_config = ConfigDict(strict=True)

    start: int = Field(alias="from")
    mention: str
    polarity: float = Field(allow_inf_nan=False)


class _Row(BaseModel):
    """What is read of a row."""

    model_config = ConfigDict(strict=True)

    primary_gid: NonBlank
    sentence_normalized: NonBlank
    targets: list[_Target]


def read_newsmtsc(path: Path) -> Iterator[LabelledDocument]:
    """Yield one document a sentence, each target as an actor (`t0`, `t1`, ...) with its sentiment.

    Targets of one sentence with the same text (whatever its case) and the same polarity become one
    actor with several mentions; with different polarities they stay apart, since a sentence can
    portray two bearers of one name differently. Every bad row is collected and, after the last good one, raised
    as one `DataError`.
    """
    problems: list[RowProblem] = []
    yield from unique(path, _numbered(path, problems), problems)
    if problems:
        raise DataError(problems)


def _numbered(path: Path, problems: list[RowProblem]) -> Iterator[tuple[int, LabelledDocument]]:
    for number, line in numbered_lines(path, problems):
        if too_many(path, number, problems):
            return
        if line.strip():
            try:
                yield number, _read_row(path, number, line)
            except DataError as error:
                problems += error.problems


def _read_row(path: Path, number: int, line: str) -> LabelledDocument:
    try:
        return _document(_Row.model_validate_json(line))
    except ValidationError as error:
        first, *_ = faults(error)
        raise DataError.single(path, number, first.field, first.message) from error
    except ValueError as error:
        raise DataError.single(path, number, "targets", str(error)) from error


def _document(row: _Row) -> LabelledDocument:
    text = row.sentence_normalized
    merged: dict[tuple[str, SentimentLabel], list[tuple[int, int]]] = {}
    for target in row.targets:
        start, end = _span(text, target)
        spans = merged.setdefault((text[start:end].casefold(), _label(target.polarity)), [])
        if (start, end) not in spans:
            spans.append((start, end))
    sentence = [0, len(text)]
    actors, mentions, sentiment = [], [], []
    for position, ((_, label), spans) in enumerate(merged.items()):
        actor = f"t{position}"
        name = text[slice(*spans[0])]
        actors.append(Actor(id=actor, name=name))
        mentions += [Mention(actor=actor, start=a, end=b, kind=mention_kind(name)) for a, b in spans]
        sentiment.append(SentimentLabelled(sentence=sentence, actor=actor, label=label))
    return LabelledDocument(
        id=row.primary_gid,
        text=text,
        source="newsmtsc",
        license="MIT",
        actors=actors,
        mentions=mentions,
        sentiment=sentiment,
        sentences=[sentence],
    )


def _label(polarity: float) -> SentimentLabel:
    if polarity == NEUTRAL_POLARITY:
        return "neutral"
    return "negative" if polarity < NEUTRAL_POLARITY else "positive"


def _span(text: str, target: _Target) -> tuple[int, int]:
    """Return the offsets of a target's mention, mended where they are off by up to `REACH` characters."""
    stated, mention = target.start, target.mention.strip()
    if not mention:
        raise ValueError("mention is empty")
    for shift in sorted(range(-REACH, REACH + 1), key=abs):
        start = stated + shift
        if start >= 0 and text[start : start + len(mention)] == mention:
            return start, start + len(mention)
    raise ValueError(f"mention {mention!r} does not stand at from={stated}, where the text has {text[stated:][:30]!r}")
