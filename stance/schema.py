"""The public contract as types: what comes in, what goes out, which labels there are.

All offsets are Unicode code points into the text as it was given, half-open (`start <= i < end`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from stance.text import VISIBLE

SENTIMENTS = ("negative", "neutral", "positive")
STANCES = ("against", "neutral", "favor")
ACTOR_TYPES = ("state", "government", "organization", "armed_group", "person", "group")
MENTION_KINDS = ("name", "pronoun", "nominal")

#: The id of the text's own author as a holder.
AUTHOR = "author"
_RESERVED = f"{AUTHOR!r} stands for the text's own voice; give the actor another id"

SentimentLabel = Literal["negative", "neutral", "positive"]
StanceLabel = Literal["against", "neutral", "favor"]
ActorType = Literal["state", "government", "organization", "armed_group", "person", "group"]
MentionKind = Literal["name", "pronoun", "nominal"]


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty or blank")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"has a lone surrogate at character {error.start}; send valid Unicode") from None
    return value


NonBlank = Annotated[str, AfterValidator(_not_blank)]
Offset = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Strict(BaseModel):
    """A frozen model that refuses unknown fields and never converts one type into another."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Actor(Strict):
    """Somebody who can hold a stance or be its target."""

    id: NonBlank
    name: NonBlank
    type: ActorType = "organization"
    aliases: list[NonBlank] = Field(default_factory=list, fail_fast=True)


class Mention(Strict):
    """A span `[start, end)` of the text that refers to the actor with the id `actor`."""

    actor: NonBlank
    start: Offset
    end: Offset
    kind: MentionKind = "name"

    @model_validator(mode="after")
    def _ordered(self) -> "Mention":
        if self.end <= self.start:
            raise ValueError(f"end {self.end} must be greater than start {self.start}")
        return self


def id_fault(actors: Sequence[Actor]) -> tuple[str, str] | None:
    """The field and the fault of the first id that is used twice or is not an actor's; None where all are good."""
    seen: set[str] = set()
    for position, actor in enumerate(actors):
        if actor.id in seen:
            return f"actors[{position}].id", f"{actor.id!r} is used twice; give each actor its own id"
        if actor.id == AUTHOR:
            return f"actors[{position}].id", _RESERVED
        seen.add(actor.id)
    return None


def check_references(text: str, actors: list[Actor], mentions: list[Mention]) -> None:
    """Raise `ValueError` for doubled, reserved or unknown actor ids, and for spans outside of `text` or blank."""
    fault = id_fault(actors)
    if fault is not None:
        raise ValueError(": ".join(fault))
    seen = {actor.id for actor in actors}
    for position, mention in enumerate(mentions):
        if mention.actor == AUTHOR:
            raise ValueError(f"mentions[{position}].actor: {_RESERVED}")
        if mention.end > len(text):
            raise ValueError(
                f"mentions[{position}].end: {mention.end} lies outside the text of {len(text)} "
                "characters; count code points from 0"
            )
        # Sentences cover all that can be seen, so every other span has its sentence.
        if not VISIBLE.search(text, mention.start, mention.end):
            raise ValueError(
                f"mentions[{position}]: nothing can be seen from {mention.start} to {mention.end}; "
                "give the span of a name or phrase, in code points from 0"
            )
        if seen and mention.actor not in seen:
            raise ValueError(f"mentions[{position}].actor: {mention.actor!r} is not among the actors; add it there")


class Document(Strict):
    """One text to classify, with its own actors and mentions where the caller has them."""

    id: NonBlank
    text: NonBlank
    actors: list[Actor] | None = None
    mentions: list[Mention] | None = Field(default=None, fail_fast=True)

    @model_validator(mode="after")
    def _consistent(self) -> "Document":
        check_references(self.text, self.actors or [], self.mentions or [])
        return self


class ActorResult(Strict):
    """An actor of a document and how often the document mentions it."""

    id: str
    name: str
    type: ActorType
    mentions: int


class MentionResult(Strict):
    """A mention that the service used; `score` is the probability that the span names an actor."""

    actor: str
    start: Offset
    end: Offset
    text: str
    kind: MentionKind = "name"
    score: Probability = 1.0


class SentimentResult(Strict):
    """How a sentence portrays `actor`; `scores` are calibrated and sum to 1."""

    actor: str
    label: SentimentLabel
    confidence: Probability
    abstained: bool
    scores: dict[SentimentLabel, Probability]


class StanceResult(Strict):
    """What `holder` takes toward `target`; `holder_sentence` is the sentence that names the holder."""

    holder: str
    target: str
    label: StanceLabel
    confidence: Probability
    abstained: bool
    holder_sentence: Offset
    scores: dict[StanceLabel, Probability]


class SentenceResult(Strict):
    """One sentence of a document with everything that was read off it."""

    index: Offset
    start: Offset
    end: Offset
    text: str
    mentions: list[MentionResult] = Field(default_factory=list)
    sentiment: list[SentimentResult] = Field(default_factory=list)
    stances: list[StanceResult] = Field(default_factory=list)


class Relation(Strict):
    """The stances of one holder toward one target, added up over a document or a corpus.

    `abstained`: every sentence that carries it is one on which the model abstained.
    """

    holder: str
    target: str
    label: StanceLabel
    score: Annotated[float, Field(ge=-1.0, le=1.0)]
    confidence: Probability
    abstained: bool = False
    sentences: list[int]


class ErrorInfo(Strict):
    """Why an item has no result: a stable code and one line that says what to mend."""

    code: str
    message: str
    details: Any = None


class DocumentResult(Strict):
    """Everything the service says about one document."""

    id: str
    model: str
    language: str = "en"
    actors: list[ActorResult] = Field(default_factory=list)
    sentences: list[SentenceResult] = Field(default_factory=list)
    relations: list[Relation] = Field(default_factory=list)


class ItemError(Strict):
    """Stands in a result's place when the item failed; `id` is the item's, or its position."""

    id: str
    error: ErrorInfo

    if not TYPE_CHECKING:  # type checkers tell by themselves who forgot that a result may be an error

        def __getattr__(self, name: str) -> Any:
            """Say why there is none to whoever asks a failed document for what only results have."""
            if name in DocumentResult.model_fields:
                why = f"it failed ({self.error.code}: {self.error.message})"
                raise AttributeError(f"document {self.id!r} has no {name}, for {why}")
            return super().__getattr__(name)
