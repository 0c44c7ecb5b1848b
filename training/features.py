"""Labelled documents to training examples, over the same windows and queries that serve.

An example is one window as a flat dictionary of integer lists, so that `datasets` can keep it in Arrow:
every row of a query list is `[positions in bags..., label]`, with its weights beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stance.actors import discover
from stance.encoding import Window, WindowEncoder
from stance.labelled import LabelledDocument
from stance.links import link_candidates
from stance.model import NAME_CLASSES, TAGS
from stance.queries import Bag, actor_queries, mention_bag
from stance.schema import SENTIMENTS, STANCES, Mention
from stance.text import Sentence, split_sentences

Example = dict[str, Any]
#: Tells the losses to pass over a token.
IGNORED = -100
_CANDIDATE = "candidate:"


class Featurizer:
    """Turns labelled documents into examples for one tokenizer.

    `context_neutral_weight` scales neutral pairs whose holder stands in an earlier sentence or is the author:
    there are many more of them than of any other kind.
    """

    def __init__(self, encoder: WindowEncoder, context_neutral_weight: float = 0.3) -> None:
        """Keep the window encoder that will also serve."""
        self.encoder = encoder
        self.context_neutral_weight = context_neutral_weight

    def examples(self, document: LabelledDocument, source: str, mask_candidates: bool) -> Iterator[Example]:
        """One example a window that has anything to learn from.

        With `mask_candidates` the names that are no labelled actor are masked too, as they are when the
        service looks for actors itself; without it only the labelled mentions are.
        """
        sentences = _sentences(document)
        candidates = _unlabelled_names(document, sentences)
        mentions = [*document.mentions, *(candidates if mask_candidates else [])]
        for window in self.encoder.encode(document.text, sentences, mentions):
            example = self._example(document, sentences, mentions, window)
            if example is not None:
                yield {**example, "source": source}

    def _example(
        self, document: LabelledDocument, sentences: Sequence[Sentence], mentions: Sequence[Mention], window: Window
    ) -> Example | None:
        queries = actor_queries(window, mentions, author=True)
        bags = list(queries.bags)
        sentiment, stance, stance_weight = self._actor_rows(document, sentences, queries)
        names, name_ids = self._name_rows(document, mentions, window, bags)
        links = _link_rows(document, mentions, window, bags) if document.mentions_complete else []
        tags = _tags(document, mentions, window)
        if not (sentiment or stance or names or any(t != IGNORED for t in tags)):
            return None
        return {
            "input_ids": list(window.ids),
            "bags": [list(b) for b in bags],
            "tags": tags,
            "sentiment": sentiment,
            "stance": stance,
            "stance_weight": stance_weight,
            "names": names,
            "name_ids": name_ids,
            "links": links,
        }

    def _actor_rows(
        self, document: LabelledDocument, sentences: Sequence[Sentence], queries: Any
    ) -> tuple[list[list[int]], list[list[int]], list[float]]:
        sentiments = {(_sentence_of(s.sentence, sentences), s.actor): s.label for s in document.sentiment}
        stances = {(_sentence_of(s.sentence, sentences), s.holder, s.target): s for s in document.stances}
        sentiment = [
            [q.actor_bag, q.sentence_bag, SENTIMENTS.index(sentiments[q.sentence, q.actor])]
            for q in queries.sentiment
            if (q.sentence, q.actor) in sentiments
        ]
        rows, weights = [], []
        for q in queries.stances:
            labelled = stances.get((q.sentence, q.holder, q.target))
            if labelled is None:
                continue
            far = q.distance > 0 and labelled.label == "neutral"
            rows.append([q.holder_bag, q.target_bag, q.sentence_bag, q.distance, STANCES.index(labelled.label)])
            weights.append(labelled.weight * (self.context_neutral_weight if far else 1.0))
        return sentiment, rows, weights

    def _name_rows(
        self, document: LabelledDocument, mentions: Sequence[Mention], window: Window, bags: list[Bag]
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Names with their class: the actor's type, or none for a candidate that the labels leave out."""
        if not document.mentions_complete:
            return [], []
        types = {actor.id: actor.type for actor in document.actors}
        rows, letters = [], []
        for located in window.mentions:
            mention = mentions[located.index]
            if mention.kind != "name" or located.segment < window.first_scored:
                continue
            rows.append([len(bags), NAME_CLASSES.index(types.get(mention.actor, "none"))])
            letters.append(self.encoder.name_ids(document.text[mention.start : mention.end]))
            bags.append(mention_bag(located))
        return rows, letters


def _sentences(document: LabelledDocument) -> list[Sentence]:
    if document.sentences is None:
        return split_sentences(document.text)
    return [Sentence(i, start, end) for i, (start, end) in enumerate(document.sentences)]


def _sentence_of(span: Sequence[int], sentences: Sequence[Sentence]) -> int:
    """The sentence that shares most characters with a label's span."""
    return max(sentences, key=lambda s: min(s.end, span[1]) - max(s.start, span[0])).index


def _unlabelled_names(document: LabelledDocument, sentences: Sequence[Sentence]) -> list[Mention]:
    """Names that the rules find and that overlap no labelled name."""
    taken = [(m.start, m.end) for m in document.mentions if m.kind == "name"]
    found = discover(document.text, sentences).mentions
    return [
        Mention(actor=_CANDIDATE + m.actor, start=m.start, end=m.end)
        for m in found
        if not any(m.start < end and start < m.end for start, end in taken)
    ]


def _link_rows(
    document: LabelledDocument, mentions: Sequence[Mention], window: Window, bags: list[Bag]
) -> list[list[int]]:
    """[phrase, antecedent, sentence, distance, same actor or not] for every phrase and actor before it."""
    rows = []
    for phrase in sorted(window.mentions, key=lambda m: m.start):
        if mentions[phrase.index].kind == "name" or phrase.segment < window.first_scored:
            continue
        candidates = link_candidates(window, mentions, phrase)
        if not candidates:
            continue
        segment = window.segments[phrase.segment]
        place = len(bags)
        bags += [mention_bag(phrase), tuple(range(segment.start, segment.end))]
        for actor, (antecedent, distance) in candidates.items():
            rows.append([place, len(bags), place + 1, distance, int(actor == mentions[phrase.index].actor)])
            bags.append(mention_bag(antecedent))
    return rows


def _tags(document: LabelledDocument, mentions: Sequence[Mention], window: Window) -> list[int]:
    """Outside, begin or inside of a pronoun or noun phrase, for every token of the text, context included."""
    tags = [IGNORED] * len(window.ids)
    if not document.mentions_complete:
        return tags
    for segment in window.segments:
        tags[segment.start : segment.end] = [TAGS.index("outside")] * (segment.end - segment.start)
    # The shorter phrase last, so that of nested phrases the outer keeps what the inner leaves of it.
    phrases = [m for m in window.mentions if mentions[m.index].kind != "name"]
    for phrase in sorted(phrases, key=lambda m: m.start - m.end):
        tags[phrase.start : phrase.end] = [TAGS.index("inside")] * (phrase.end - phrase.start)
        tags[phrase.start] = TAGS.index("begin")
    return tags
