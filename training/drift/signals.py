"""Signals of drift between what one model answered: to a reference, and to a window of traffic.

Sizes of effect decide, not p-values: with enough traffic every difference is significant.
"""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from stance.classifier import StanceClassifier
from stance.schema import SENTIMENTS, STANCES
from stance.traffic import Observed
from training.config import read_checked
from training.selection.readers import ModelReader
from training.selection.vectors import text_vectors

#: What a sentence is counted as that has no stance but neutral ones.
_NO_STANCE = "none"
#: Sentences of each side that are embedded: enough for a stable figure, at some seconds of one core.
EMBEDDED = 400


class DriftLimits(BaseModel):
    """How far each signal may go, from 0 to 1, and how many sentences a side must have; `configs/drift.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_shares: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1)
    abstention: float = Field(ge=0, le=1)
    sentence_length: float = Field(ge=0, le=1)
    unseen_actors: float = Field(ge=0, le=1)
    embedding: float = Field(ge=0, le=1)
    min_sentences: int = Field(ge=1)


@dataclass(frozen=True)
class Signal:
    """One comparison: `value` of the effect, and the `limit` above which it is drift; `detail` says what moved."""

    name: str
    value: float
    limit: float
    detail: str

    @property
    def drifted(self) -> bool:
        """Whether the effect is larger than it may be."""
        return self.value > self.limit


def load_limits(path: Path) -> DriftLimits:
    """Read `configs/drift.yaml`. Raises `ConfigError` that names every bad key."""
    return read_checked(path, DriftLimits)


class NotComparable(ValueError):
    """Two sides of which nothing can be said; the message says why and what to do."""


class Side:
    """One of two sides, gathered document by document: a few numbers an answer, and a sample of the texts."""

    def __init__(self, documents: Iterable[Observed] = (), seed: int = 0) -> None:
        """Take in `documents`; which texts are kept depends on `seed`."""
        self.documents = 0
        self.models: set[str] = set()
        self.sentiment: Counter[str] = Counter()
        self.stances: Counter[str] = Counter()
        self.confidence = array("d")
        self.abstained = 0
        self.lengths = array("d")
        self.actors: Counter[str] = Counter()
        self.texts: list[str] = []
        self._seen_texts = 0
        self._random = random.Random(seed)
        for document in documents:
            self.add(document)

    def add(self, document: Observed) -> None:
        """Take in one more document."""
        self.documents += 1
        self.models.add(document.model)
        self.actors.update(document.actors)
        self.lengths.extend(document.lengths)
        self.stances[_NO_STANCE] += document.silent
        for counts, answers in ((self.sentiment, document.sentiment), (self.stances, document.stances)):
            for label, confidence, abstained in answers:
                counts[label] += 1
                self.confidence.append(confidence)
                self.abstained += abstained
        for text in document.texts or ():
            self._keep(text)

    def _keep(self, text: str) -> None:
        """Reservoir sampling (Vitter 1985): every text is as likely to be among those kept."""
        self._seen_texts += 1
        if len(self.texts) < EMBEDDED:
            self.texts.append(text)
        elif (place := self._random.randrange(self._seen_texts)) < EMBEDDED:
            self.texts[place] = text

    @property
    def abstention(self) -> float:
        """The share of answers on which the model abstained."""
        return self.abstained / max(len(self.confidence), 1)


def drift(
    reference: Side, window: Side, limits: DriftLimits, classifier: StanceClassifier | None = None
) -> list[Signal]:
    """Compare a window of traffic with the reference; with a classifier also by what its encoder makes of the texts.

    Raises `NotComparable` where a side has too few sentences, or the sides are of two models, which would be compared
    instead.
    """
    models = reference.models | window.models
    if len(models) > 1:
        raise NotComparable(f"answers of {len(models)} models ({', '.join(sorted(models))}); compare those of one")
    for name, side in (("reference", reference), ("window", window)):
        if len(side.lengths) < limits.min_sentences:
            found = f"the {name} has {len(side.lengths)} sentences"
            raise NotComparable(f"{found}, and chance alone moves fewer than {limits.min_sentences}; gather more")
    signals = [
        _shares("sentiment labels", SENTIMENTS, reference.sentiment, window.sentiment, limits),
        _shares("stance labels", (*STANCES[::2], _NO_STANCE), reference.stances, window.stances, limits),
        _distributions("confidence", reference.confidence, window.confidence, limits.confidence),
        _abstention(reference, window, limits.abstention),
        _distributions("sentence length", reference.lengths, window.lengths, limits.sentence_length),
        _unseen(reference, window, limits.unseen_actors),
    ]
    if classifier is not None:
        signals.append(_embedding(classifier, reference.texts, window.texts, limits.embedding))
    return signals


def _shares(name: str, labels: Sequence[str], one: Counter[str], two: Counter[str], limits: DriftLimits) -> Signal:
    """Jensen-Shannon distance (base 2) between two distributions of labels; 0 where a side has none."""
    shares = [np.array([side[label] for label in labels]) / max(side.total(), 1) for side in (one, two)]
    value = float(jensenshannon(*shares, base=2)) if one.total() and two.total() else 0.0
    moved = ", ".join(f"{label} {a:.1%} to {b:.1%}" for label, a, b in zip(labels, *shares, strict=True))
    return Signal(name, value, limits.label_shares, f"Jensen-Shannon distance; {moved}")


def _distributions(name: str, one: Sequence[float], two: Sequence[float], limit: float) -> Signal:
    """Kolmogorov-Smirnov statistic: the largest gap between two cumulative distributions."""
    if not one or not two:
        return Signal(name, 0.0, limit, "too few answers to compare")
    medians = f"median {np.median(one):.3g} to {np.median(two):.3g}"
    return Signal(name, float(ks_2samp(one, two).statistic), limit, f"Kolmogorov-Smirnov statistic; {medians}")


def _abstention(reference: Side, window: Side, limit: float) -> Signal:
    one, two = reference.abstention, window.abstention
    return Signal("abstention", abs(two - one), limit, f"difference of shares; {one:.1%} to {two:.1%}")


def _unseen(reference: Side, window: Side, limit: float) -> Signal:
    """The share of mentions whose actor the reference never mentions."""
    unseen = Counter({actor: count for actor, count in window.actors.items() if actor not in reference.actors})
    value = unseen.total() / max(window.actors.total(), 1)
    most = ", ".join(actor for actor, _ in unseen.most_common(5)) or "none"
    return Signal("unseen actors", value, limit, f"share of mentions; most often {most}")


def _embedding(classifier: StanceClassifier, reference: Sequence[str], window: Sequence[str], limit: float) -> Signal:
    """How well a linear model tells the two sides apart: 2·AUC − 1, out of fold; 0 is not at all."""
    sides = (reference, window)
    labels = np.repeat([0, 1], [len(side) for side in sides])
    folds = min(5, *(len(side) for side in sides))
    if folds < 2:
        return Signal("embedding", 0.0, limit, "too few sentences to compare")
    vectors = text_vectors(ModelReader(classifier), [text for side in sides for text in side])
    model = LogisticRegression(class_weight="balanced", max_iter=500)
    area = float(cross_val_score(model, vectors, labels, cv=folds, scoring="roc_auc").mean())
    detail = f"a linear model tells the sides apart with AUC {area:.3f}"
    return Signal("embedding", max(0.0, 2 * area - 1), limit, detail)
