"""Which unlabelled texts to label next: those that the model is unsure of and that differ from each other."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stance.classifier import StanceClassifier
from stance.progress import Track, untracked
from stance.schema import Document, DocumentResult
from training.data.checks import normalise
from training.selection.readers import Floats, ModelReader
from training.selection.vectors import text_vectors

#: Documents that are classified in one call.
BATCH = 64


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
    labelled: Sequence[str] = (),
    track: Track = untracked,
) -> list[Suggestion]:
    """At most `count` of the documents, the most telling first; `random_share` of them are drawn by chance.

    A document's worth is its uncertainty times its distance to the nearest one chosen before it or labelled already
    (texts in `labelled`), so that near copies are not labelled twice; exact copies are never suggested. The random
    share keeps an unbiased sample among the labels and finds what the model is wrongly sure of. Raises `ValueError`
    for a count or share that makes no sense, or doubled ids.
    """
    if count < 1 or not 0.0 <= random_share <= 1.0:
        raise ValueError(f"count must be 1 or more and random_share from 0 to 1, not {count} and {random_share}")
    if len({document.id for document in documents}) < len(documents):
        raise ValueError("two documents share one id; give each its own, or the suggestions cannot be told apart")
    open_ = _unseen(documents, labelled)
    unsure = _uncertainties(classifier, open_, track)
    reader = ModelReader(classifier)
    known = text_vectors(reader, track(labelled, "labelled texts"))
    vectors = text_vectors(reader, track([document.text for document in open_], "texts read"))
    chosen, drawn = choose(np.array(unsure), vectors, count, random_share, random.Random(seed), known)
    return [
        *(Suggestion(open_[i].id, unsure[i], "uncertain") for i in chosen),
        *(Suggestion(open_[i].id, unsure[i], "random") for i in drawn),
    ]


def _unseen(documents: Sequence[Document], labelled: Sequence[str]) -> list[Document]:
    """The documents without copies of each other or of what is labelled."""
    seen = {normalise(text) for text in labelled}
    first: dict[str, Document] = {}
    for document in documents:
        text = normalise(document.text)
        if text not in seen:
            first.setdefault(text, document)
    return list(first.values())


def _uncertainties(classifier: StanceClassifier, documents: Sequence[Document], track: Track) -> list[float]:
    found: list[float] = []
    stream = iter(track(documents, "texts classified"))
    while batch := list(islice(stream, BATCH)):
        found += [uncertainty(result) for result in classifier.classify(batch, include_neutral=True, on_error="raise")]
    return found


def uncertainty(result: DocumentResult) -> float:
    """The mean entropy of a document's answers as a share of the largest possible; 0 where it has none."""
    scores: list[list[float]] = []
    for sentence in result.sentences:
        scores += [list(answer.scores.values()) for answer in sentence.sentiment]
        scores += [list(answer.scores.values()) for answer in sentence.stances]
    entropies = [entropy(row) for row in scores]
    return sum(entropies) / len(entropies) if entropies else 0.0


def entropy(probabilities: Sequence[float]) -> float:
    """The entropy of a distribution as a share of the largest possible one, from 0 to 1."""
    return -sum(p * math.log(p) for p in probabilities if p > 0) / math.log(len(probabilities))


def choose(
    unsure: NDArray[np.float64],
    vectors: Floats,
    count: int,
    random_share: float,
    rng: random.Random,
    known: Floats | None = None,
) -> tuple[list[int], list[int]]:
    """Places of at most `count` of N texts: chosen by worth, the best first, and drawn by chance.

    `unsure` [N] is their uncertainty; `vectors` [N, D] and `known` [M, D] (what is labelled) have length 1.
    """
    count = min(count, len(unsure))
    drawn = rng.sample(range(len(unsure)), round(count * random_share))
    distance = np.ones(len(unsure))
    if known is not None:
        for at in range(0, len(known), BATCH):
            distance = np.minimum(distance, 1.0 - (vectors @ known[at : at + BATCH].T).max(axis=1))
    return _spread(unsure, vectors, distance, drawn, count - len(drawn)), drawn


def _spread(
    unsure: NDArray[np.float64], vectors: Floats, distance: NDArray[np.float64], taken: Sequence[int], count: int
) -> list[int]:
    """Greedily take the largest uncertainty times cosine distance to whatever was taken before."""
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
