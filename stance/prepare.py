"""A document to sentences, actors and mentions: what is known before the encoder reads it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stance.actors import definite_phrases, discover, find_mentions, is_body, titled
from stance.schema import Actor, ActorType, Document, Mention
from stance.text import Sentence, split_sentences

_UNLISTED = "unlisted:"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be cut into windows.

    `actors` are those that may be reported, by id. `undecided`: they were found by rules, and the name head decides
    which of them are actors, all but the `known` ones of the catalogue; `titled` are persons for certain. `fixed`: the
    caller gave the mentions, so no phrase is looked for. Mentions of names that are not among the actors are masked
    all the same (see `stance.encoding`).
    """

    document: Document
    sentences: list[Sentence]
    actors: dict[str, Actor]
    mentions: list[Mention]
    known: frozenset[str] = frozenset()
    titled: frozenset[str] = frozenset()
    undecided: bool = False
    fixed: bool = False


def prepare(document: Document) -> Prepared:
    """Split the text and find its names, by whatever the document brings along.

    Given mentions are used as they are, each once; given actors are looked for, and nobody else is reported; with
    neither the names of the text are its candidate actors.
    """
    sentences = split_sentences(document.text)
    if document.mentions is not None:
        actors = {a.id: a for a in document.actors or _actors_of(document)}
        return Prepared(document, sentences, actors, _given(document.mentions, sentences), fixed=True)
    found = discover(document.text, sentences)
    types = {a.id: a.type for a in found.actors}
    if document.actors is None:
        persons = titled(document.text, found.mentions) - found.known - {a.id for a in found.actors if is_body(a.name)}
        actors = {a.id: a.model_copy(update={"type": "person"}) if a.id in persons else a for a in found.actors}
        mentions = _with_phrases(document.text, found.mentions, {key: a.type for key, a in actors.items()})
        return Prepared(document, sentences, actors, mentions, found.known, persons, undecided=True)
    listed = find_mentions(document.text, document.actors)
    others = [m.model_copy(update={"actor": _UNLISTED + m.actor}) for m in apart(found.mentions, listed)]
    types = {_UNLISTED + key: kind for key, kind in types.items()} | {a.id: a.type for a in document.actors}
    mentions = _with_phrases(document.text, sorted([*listed, *others], key=lambda m: m.start), types)
    return Prepared(document, sentences, {a.id: a for a in document.actors}, mentions)


def _given(mentions: Sequence[Mention], sentences: Sequence[Sentence]) -> list[Mention]:
    """The mentions that a document brings, each once, in their order.

    What begins in the white space before a sentence begins with the sentence: nothing is asked of a token outside.
    """
    ends = [sentence.end for sentence in sentences]
    kept: dict[tuple[str, int, int], Mention] = {}
    for mention in mentions:
        start = max(mention.start, sentences[bisect_right(ends, mention.start)].start)
        placed = mention if start == mention.start else mention.model_copy(update={"start": start})
        kept.setdefault((placed.actor, placed.start, placed.end), placed)
    return list(kept.values())


def _with_phrases(text: str, names: Sequence[Mention], types: Mapping[str, ActorType]) -> list[Mention]:
    """The names and the noun phrases that can mean one of them only, sorted by start."""
    return sorted([*names, *definite_phrases(text, names, types)], key=lambda m: m.start)


def apart(mentions: Sequence[Mention], taken: Sequence[Mention]) -> list[Mention]:
    """The `mentions` that overlap none of `taken`; both are sorted, and neither overlaps itself."""
    ends = [m.end for m in taken]
    kept = []
    for mention in mentions:
        after = bisect_right(ends, mention.start)
        if after == len(taken) or taken[after].start >= mention.end:
            kept.append(mention)
    return kept


def _actors_of(document: Document) -> list[Actor]:
    """Actors for mentions that came without any: named by their first mention."""
    names: dict[str, str] = {}
    for mention in sorted(document.mentions or [], key=lambda m: m.start):
        names.setdefault(mention.actor, document.text[mention.start : mention.end].strip() or mention.actor)
    return [Actor(id=key, name=name) for key, name in names.items()]
