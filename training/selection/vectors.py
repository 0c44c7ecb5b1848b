"""What an encoder makes of texts and of labelled questions, as vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from stance.encoding import Window
from stance.labelled import LabelledDocument, SentimentLabelled, StanceLabelled
from stance.queries import ActorQueries, actor_queries, average_bags, index_bags
from stance.schema import SENTIMENTS, STANCES
from stance.text import Sentence, split_sentences
from training.selection.readers import Floats, Reader

#: Documents that are read together, so that windows of like length meet in a batch.
DOCUMENTS = 64


@dataclass(frozen=True)
class Question:
    """One label of a document: `head` is "sentiment" or "stance", `label` its class number, `index` its place there."""

    document: str
    head: str
    index: int
    label: int


def text_vectors(reader: Reader, texts: Iterable[str]) -> Floats:
    """One vector of length 1 a text, [N, width]: the mean of its tokens, names as they are written."""
    rows = [np.zeros((0, reader.width), dtype=np.float32)]
    stream = iter(texts)
    while batch := list(islice(stream, DOCUMENTS)):
        windows = [reader.windows.encode(text, split_sentences(text), []) for text in batch]
        rows.append(_means(windows, reader.read([w for own in windows for w in own]), reader.width))
    vectors = np.concatenate(rows)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _means(windows: Sequence[Sequence[Window]], hidden: Sequence[Floats], width: int) -> Floats:
    """The mean vector of each text's scored tokens: windows by text, `hidden` of all windows in their order."""
    means = np.zeros((len(windows), width), dtype=np.float32)
    left = iter(hidden)
    for row, own in enumerate(windows):
        count = 0
        for window, vectors in zip(own, left, strict=False):
            tokens = [t for s in window.segments[window.first_scored :] for t in range(s.start, s.end)]
            means[row] += vectors[tokens].sum(axis=0)
            count += len(tokens)
        means[row] /= max(count, 1)
    return means


def question_vectors(reader: Reader, documents: Iterable[LabelledDocument]) -> Iterator[tuple[Question, Floats]]:
    """Each label that the windows can answer, with what its head reads; the first window that can answers for it.

    A vector is [2 * width] for sentiment (actor, sentence) and [3 * width] for stance (holder, target, sentence).
    """
    stream = iter(documents)
    while batch := list(islice(stream, DOCUMENTS)):
        asked = []
        for document in batch:
            sentences, mentions = _sentences(document), reader.masked(document.mentions)
            for window in reader.windows.encode(document.text, sentences, mentions):
                queries = actor_queries(window, mentions, author=True)
                if queries.bags:
                    asked.append((document, sentences, window, queries))
        done: set[Question] = set()
        hidden = reader.read([window for _, _, window, _ in asked])
        for (document, sentences, _, queries), vectors in zip(asked, hidden, strict=True):
            index, _ = index_bags([queries.bags], len(vectors))
            for question, vector in _labelled(document, sentences, queries, average_bags(vectors[None], index)):
                if question not in done:
                    done.add(question)
                    yield question, vector


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
