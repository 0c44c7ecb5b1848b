"""Which unlabelled texts to label next: those that the model is unsure of and that differ from each other."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stance.classifier import StanceClassifier
from stance.schema import Document, DocumentResult
from training.selection.vectors import Floats, text_vectors


@dataclass(frozen=True)
class Suggestion:
    """A text to label. `uncertainty` is from 0 to 1; `reason` says whether chance chose it."""

    id: str
    uncertainty: float
    reason: Literal["uncertain", "random"]


def suggest(
    classifier: StanceClassifier,
    documents: Sequence[Document],
    count: int,
    random_share: float = 0.1,
    seed: int = 0,
) -> list[Suggestion]:
    """At most `count` of the documents, the most telling first; `random_share` of them are drawn by chance.

    A document's worth is its uncertainty times its distance to the nearest one chosen before it, so that near
    copies are not labelled twice. The random share keeps an unbiased sample among the labels and finds what the
    model is wrongly sure of. Raises `ValueError` for a count or share that makes no sense, or doubled ids.
    """
    if count < 1 or not 0.0 <= random_share <= 1.0:
        raise ValueError(f"count must be 1 or more and random_share from 0 to 1, not {count} and {random_share}")
    if len({document.id for document in documents}) < len(documents):
        raise ValueError("two documents share one id; give each its own, or the suggestions cannot be told apart")
    count = min(count, len(documents))
    drawn = random.Random(seed).sample(range(len(documents)), round(count * random_share))
    unsure = [uncertainty(result) for result in classifier.classify(documents, include_neutral=True)]
    vectors = text_vectors(classifier, [document.text for document in documents])
    chosen = _spread(np.array(unsure), vectors, drawn, count - len(drawn))
    return [
        *(Suggestion(documents[i].id, unsure[i], "uncertain") for i in chosen),
        *(Suggestion(documents[i].id, unsure[i], "random") for i in drawn),
    ]


def uncertainty(result: DocumentResult) -> float:
    """The mean entropy of a document's answers as a share of the largest possible; 0 where it has none."""
    scores: list[list[float]] = []
    for sentence in result.sentences:
        scores += [list(answer.scores.values()) for answer in sentence.sentiment]
        scores += [list(answer.scores.values()) for answer in sentence.stances]
    entropies = [-sum(p * math.log(p) for p in row if p > 0) / math.log(len(row)) for row in scores]
    return sum(entropies) / len(entropies) if entropies else 0.0


def _spread(unsure: np.ndarray, vectors: Floats, taken: Sequence[int], count: int) -> list[int]:
    """Greedily take the largest uncertainty times cosine distance to whatever was taken before."""
    distance = np.ones(len(unsure))
    for index in taken:
        distance = np.minimum(distance, 1.0 - vectors @ vectors[index])
    free = np.ones(len(unsure), dtype=bool)
    free[list(taken)] = False
    chosen: list[int] = []
    for _ in range(count):
        worth = np.where(free, unsure * np.maximum(distance, 0.0), -1.0)
        best = int(worth.argmax())
        chosen.append(best)
        free[best] = False
        distance = np.minimum(distance, 1.0 - vectors @ vectors[best])
    return chosen
