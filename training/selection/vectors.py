"""What a model's encoder makes of texts and of labelled questions, as vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stance.classifier import LENGTH_STEP, StanceClassifier
from stance.encoding import Window
from stance.labelled import LabelledDocument, SentimentLabelled, StanceLabelled
from stance.queries import ActorQueries, actor_queries, average_bags, index_bags, pad
from stance.schema import SENTIMENTS, STANCES
from stance.text import Sentence, split_sentences

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Question:
    """One label of a document: `head` is "sentiment" or "stance", `label` its class number, `index` its place there."""

    document: str
    head: str
    index: int
    label: int


def text_vectors(classifier: StanceClassifier, texts: Sequence[str]) -> Floats:
    """One vector of length 1 a text, [N, H]: the mean of its tokens, names as they are written."""
    vectors = np.zeros((len(texts), classifier.manifest.hidden), dtype=np.float32)
    for row, text in enumerate(texts):
        sums, count = np.zeros(classifier.manifest.hidden, dtype=np.float32), 0
        for window in classifier.encoder.encode(text, split_sentences(text), []):
            scored = window.segments[window.first_scored :]
            tokens = [t for segment in scored for t in range(segment.start, segment.end)]
            sums += _hidden(classifier, window)[0, tokens].sum(axis=0)
            count += len(tokens)
        vectors[row] = sums / max(count, 1)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def question_vectors(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument]
) -> Iterator[tuple[Question, Floats]]:
    """Each label that the model's windows can answer, with what its head reads.

    A vector is [2H] for sentiment (actor, sentence) and [3H] for stance (holder, target, sentence).
    """
    for document in documents:
        sentences = _sentences(document)
        for window in classifier.encoder.encode(document.text, sentences, document.mentions):
            queries = actor_queries(window, document.mentions, author=True)
            if not queries.bags:
                continue
            hidden = _hidden(classifier, window)
            index, _ = index_bags([queries.bags], hidden.shape[1])
            yield from _labelled(document, sentences, queries, average_bags(hidden, index))


def _hidden(classifier: StanceClassifier, window: Window) -> Floats:
    tokens = pad([window], classifier.manifest.pad_id, LENGTH_STEP)
    hidden, _ = classifier.runtime.encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
    return np.asarray(hidden, dtype=np.float32)


def _labelled(
    document: LabelledDocument, sentences: Sequence[Sentence], queries: ActorQueries, bags: Floats
) -> Iterator[tuple[Question, Floats]]:
    for index, sentiment in enumerate(document.sentiment):
        number = _number(sentiment, sentences)
        for q in queries.sentiment:
            if (q.sentence, q.actor) == (number, sentiment.actor):
                question = Question(document.id, "sentiment", index, SENTIMENTS.index(sentiment.label))
                yield question, np.concatenate([bags[q.actor_bag], bags[q.sentence_bag]])
    for index, stance in enumerate(document.stances):
        number = _number(stance, sentences)
        for p in queries.stances:
            if (p.sentence, p.holder, p.target) == (number, stance.holder, stance.target):
                question = Question(document.id, "stance", index, STANCES.index(stance.label))
                yield question, np.concatenate([bags[p.holder_bag], bags[p.target_bag], bags[p.sentence_bag]])


def _sentences(document: LabelledDocument) -> list[Sentence]:
    if document.sentences is None:
        return split_sentences(document.text)
    return [Sentence(i, start, end) for i, (start, end) in enumerate(document.sentences)]


def _number(label: SentimentLabelled | StanceLabelled, sentences: Sequence[Sentence]) -> int:
    """The sentence that shares most characters with a label's span, as in training."""
    start, end = label.sentence
    return max(sentences, key=lambda s: min(s.end, end) - max(s.start, start)).index
