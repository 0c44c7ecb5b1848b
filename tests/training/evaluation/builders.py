"""Small labelled documents, and the results a model might give for them."""

from collections.abc import Mapping, Sequence

from stance.labelled import LabelledDocument, SentimentLabelled, StanceLabelled
from stance.relations import relations_of
from stance.schema import (
    STANCES,
    Actor,
    ActorResult,
    DocumentResult,
    Mention,
    MentionResult,
    SentenceResult,
    SentimentResult,
    StanceResult,
)
from stance.text import split_sentences

SENTENCES = ("Norland condemned Sudmark.", "It praised Westania.", "The statement also attacked Eastia.")
TEXT = " ".join(SENTENCES)


def span(text: str, part: str) -> list[int]:
    """Where `part` first stands in `text`."""
    start = text.index(part)
    return [start, start + len(part)]


def labelled(
    id: str = "d1",
    text: str = TEXT,
    mentions: Sequence[tuple[str, str]] = (
        ("norland", "Norland"),
        ("sudmark", "Sudmark"),
        ("norland", "It"),
        ("westania", "Westania"),
        ("eastia", "Eastia"),
    ),
    sentiment: Sequence[tuple[str, str, str]] = (),
    stances: Sequence[tuple[str, str, str, str]] = (),
    type: str = "state",
) -> LabelledDocument:
    """A document; mentions are (actor, text), labels begin with the text of their sentence."""
    spans = [(actor, *span(text, part), part) for actor, part in mentions]
    actors: dict[str, str] = {}
    for actor, _, _, part in spans:
        actors.setdefault(actor, part)
    return LabelledDocument(
        id=id,
        text=text,
        actors=[Actor(id=a, name=name, type=type) for a, name in actors.items()],
        mentions=[
            Mention(actor=a, start=start, end=end, kind="name" if part != "It" else "pronoun")
            for a, start, end, part in spans
        ],
        sentiment=[SentimentLabelled(sentence=span(text, s), actor=a, label=label) for s, a, label in sentiment],
        stances=[StanceLabelled(sentence=span(text, s), holder=h, target=t, label=label) for s, h, t, label in stances],
        mentions_complete=True,
    )


def scores(labels: Sequence[str], label: str, confidence: float) -> dict[str, float]:
    """A distribution with `confidence` on `label` and the rest on the others alike."""
    return {name: confidence if name == label else (1 - confidence) / (len(labels) - 1) for name in labels}


def answer(holder: str, target: str, label: str, confidence: float = 0.8, abstained: bool = False) -> StanceResult:
    """One stance of a result."""
    return StanceResult(
        holder=holder,
        target=target,
        label=label,
        confidence=confidence,
        abstained=abstained,
        holder_sentence=0,
        scores=scores(STANCES, label, confidence),
    )


def result(
    document: LabelledDocument,
    sentiment: Mapping[int, Sequence[SentimentResult]] | None = None,
    stances: Mapping[int, Sequence[StanceResult]] | None = None,
    mentions: Sequence[Mention] | None = None,
) -> DocumentResult:
    """A result over the document's own mentions (or others), with answers by sentence index."""
    text, used = document.text, document.mentions if mentions is None else mentions
    names = {m.actor: text[m.start : m.end] for m in reversed(used)}
    sentences = [
        SentenceResult(
            index=s.index,
            start=s.start,
            end=s.end,
            text=text[s.start : s.end],
            mentions=[
                MentionResult(actor=m.actor, start=m.start, end=m.end, text=text[m.start : m.end], kind=m.kind)
                for m in used
                if s.start <= m.start < s.end
            ],
            sentiment=list((sentiment or {}).get(s.index, ())),
            stances=list((stances or {}).get(s.index, ())),
        )
        for s in split_sentences(text)
    ]
    rows = [(s.index, stance) for s in sentences for stance in s.stances]
    return DocumentResult(
        id=document.id,
        model="stance:test",
        actors=[ActorResult(id=a, name=n, type="state", mentions=1) for a, n in names.items()],
        sentences=sentences,
        relations=relations_of(rows),
    )
