"""Labelled data as the contract has it: one document a line, every label a span with an answer."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from stance.schema import (
    AUTHOR,
    Actor,
    Mention,
    NonBlank,
    SentimentLabel,
    StanceLabel,
    Strict,
    check_references,
)


def _span(value: list[int]) -> list[int]:
    if len(value) != 2 or not 0 <= value[0] < value[1]:
        raise ValueError(f"a sentence is [start, end] with 0 <= start < end, not {value}")
    return value


SentenceSpan = Annotated[list[int], AfterValidator(_span)]


class SentimentLabelled(Strict):
    """The sentiment of one actor in one sentence."""

    sentence: SentenceSpan
    actor: NonBlank
    label: SentimentLabel


class StanceLabelled(Strict):
    """The stance of one holder toward one target in one sentence.

    `weight` scales the label's part in training: below 1 where a source implies the label only.
    """

    sentence: SentenceSpan
    holder: NonBlank
    target: NonBlank
    label: StanceLabel
    weight: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0


class LabelledDocument(Strict):
    """A text with its actors, mentions and labels.

    Only what is listed is known: a pair without a label is unlabelled, not neutral.
    `mentions_complete` says that every actor's every mention is listed, so that a span that is
    not listed teaches the mention head a "no". `sentences` are the sentence spans where the
    source fixes them; without them the text is split as at serving time.
    """

    id: NonBlank
    text: NonBlank
    source: str = ""
    license: str = ""
    actors: list[Actor] = Field(default_factory=list)
    mentions: list[Mention] = Field(default_factory=list)
    sentiment: list[SentimentLabelled] = Field(default_factory=list)
    stances: list[StanceLabelled] = Field(default_factory=list)
    sentences: list[SentenceSpan] | None = None
    mentions_complete: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> "LabelledDocument":
        check_references(self.text, self.actors, self.mentions)
        known = {actor.id for actor in self.actors}
        used = [("sentiment", i, "actor", s.actor) for i, s in enumerate(self.sentiment)]
        for i, stance in enumerate(self.stances):
            used += [("stances", i, "holder", stance.holder), ("stances", i, "target", stance.target)]
            if stance.holder == stance.target:
                raise ValueError(f"stances[{i}]: holder and target are both {stance.holder!r}; they must differ")
        for part, position, field, actor in used:
            if actor not in known and not (field == "holder" and actor == AUTHOR):
                raise ValueError(f"{part}[{position}].{field}: {actor!r} is not among the actors; add it there")
        for part, position, span in [("sentiment", i, s.sentence) for i, s in enumerate(self.sentiment)] + [
            ("stances", i, s.sentence) for i, s in enumerate(self.stances)
        ]:
            if span[1] > len(self.text):
                raise ValueError(
                    f"{part}[{position}].sentence: {span} lies outside the text of {len(self.text)} characters"
                )
        _check_sentences(self.text, self.sentences or [])
        return self


def _check_sentences(text: str, sentences: list[list[int]]) -> None:
    reached = 0
    for position, (start, end) in enumerate(sentences):
        place = f"sentences[{position}]: [{start}, {end}]"
        if end > len(text):
            raise ValueError(f"{place} lies outside the text of {len(text)} characters; count code points from 0")
        if start < reached:
            raise ValueError(f"{place} begins before {reached}, where the one before ends; list them in order")
        reached = end
