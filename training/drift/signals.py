"""Signals of drift between two sets of results of one model: a reference and a window of traffic.

Sizes of effect decide, not p-values: with enough traffic every difference is significant.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from stance.classifier import StanceClassifier
from stance.schema import SENTIMENTS, STANCES, DocumentResult, ItemError, SentimentResult, StanceResult
from training.config import ConfigError
from training.data.errors import DataError, RowProblem
from training.data.readers.common import numbered_lines
from training.data.readers.jsonl import row_problems
from training.selection.vectors import text_vectors

#: Sentences of each side that are embedded: enough for a stable figure, at some seconds of one core.
EMBEDDED = 400


class DriftLimits(BaseModel):
    """How far each signal may go; `configs/drift.yaml`. All are from 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_shares: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1)
    abstention: float = Field(ge=0, le=1)
    sentence_length: float = Field(ge=0, le=1)
    unseen_actors: float = Field(ge=0, le=1)
    embedding: float = Field(ge=0, le=1)


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
    try:
        return DriftLimits.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'top'}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"{path}: " + "; ".join(faults)) from None


def read_results(path: Path) -> list[DocumentResult]:
    """The results of a JSONL file, as `stance score --format jsonl` writes it; failed items are passed over.

    Raises `DataError` that lists every line that is no result.
    """
    problems: list[RowProblem] = []
    results = []
    for number, line in numbered_lines(path, problems):
        if not line.strip() or _is_failed_item(line):
            continue
        try:
            results.append(DocumentResult.model_validate_json(line))
        except ValidationError as error:
            problems += row_problems(str(path), number, error)
    if problems:
        raise DataError(problems)
    return results


def _is_failed_item(line: str) -> bool:
    try:
        ItemError.model_validate_json(line)
    except ValidationError:
        return False
    return True


def drift(
    reference: Sequence[DocumentResult],
    window: Sequence[DocumentResult],
    limits: DriftLimits,
    classifier: StanceClassifier | None = None,
    seed: int = 0,
) -> list[Signal]:
    """Compare a window of results with the reference's; with a classifier also by what its encoder makes of them.

    Raises `ValueError` where a side has no sentences, or the sides are of two models, which would be compared instead.
    """
    models = {result.model for result in (*reference, *window)}
    if len(models) > 1:
        raise ValueError(f"results of {len(models)} models ({', '.join(sorted(models))}); score both sides with one")
    sides = (_sentences(reference), _sentences(window))
    if not all(sides):
        raise ValueError("the reference or the window has no sentences; give results of more documents")
    signals = [
        _shares("sentiment labels", SENTIMENTS, _labels(reference, "sentiment"), _labels(window, "sentiment"), limits),
        _shares("stance labels", STANCES, _labels(reference, "stances"), _labels(window, "stances"), limits),
        _confidence(reference, window, limits.confidence),
        _abstention(reference, window, limits.abstention),
        _lengths(*sides, limits.sentence_length),
        _unseen(reference, window, limits.unseen_actors),
    ]
    if classifier is not None:
        signals.append(_embedding(classifier, *sides, limits.embedding, seed))
    return signals


def _sentences(results: Sequence[DocumentResult]) -> list[str]:
    return [sentence.text for result in results for sentence in result.sentences]


def _answers(results: Sequence[DocumentResult]) -> Iterator[SentimentResult | StanceResult]:
    for result in results:
        for sentence in result.sentences:
            yield from sentence.sentiment
            yield from sentence.stances


def _labels(results: Sequence[DocumentResult], field: str) -> Counter[str]:
    return Counter(answer.label for r in results for s in r.sentences for answer in getattr(s, field))


def _shares(name: str, labels: Sequence[str], one: Counter[str], two: Counter[str], limits: DriftLimits) -> Signal:
    """Jensen-Shannon distance (base 2) between two distributions of labels; 0 where a side has none."""
    shares = [np.array([side[label] for label in labels]) / max(side.total(), 1) for side in (one, two)]
    value = float(jensenshannon(*shares, base=2)) if one and two else 0.0
    moved = ", ".join(f"{label} {a:.1%} to {b:.1%}" for label, a, b in zip(labels, *shares, strict=True))
    return Signal(name, value, limits.label_shares, f"Jensen-Shannon distance; {moved}")


def _confidence(reference: Sequence[DocumentResult], window: Sequence[DocumentResult], limit: float) -> Signal:
    one, two = ([answer.confidence for answer in _answers(side)] for side in (reference, window))
    return _distributions("confidence", one, two, limit)


def _lengths(reference: Sequence[str], window: Sequence[str], limit: float) -> Signal:
    one, two = ([float(len(text)) for text in side] for side in (reference, window))
    return _distributions("sentence length", one, two, limit)


def _distributions(name: str, one: Sequence[float], two: Sequence[float], limit: float) -> Signal:
    """Kolmogorov-Smirnov statistic: the largest gap between two cumulative distributions."""
    if not one or not two:
        return Signal(name, 0.0, limit, "too few answers to compare")
    medians = f"median {np.median(one):.3g} to {np.median(two):.3g}"
    return Signal(name, float(ks_2samp(one, two).statistic), limit, f"Kolmogorov-Smirnov statistic; {medians}")


def _abstention(reference: Sequence[DocumentResult], window: Sequence[DocumentResult], limit: float) -> Signal:
    sides = [[answer.abstained for answer in _answers(side)] for side in (reference, window)]
    one, two = (float(np.mean(side)) if side else 0.0 for side in sides)
    return Signal("abstention", abs(two - one), limit, f"difference of shares; {one:.1%} to {two:.1%}")


def _unseen(reference: Sequence[DocumentResult], window: Sequence[DocumentResult], limit: float) -> Signal:
    """The share of mentions whose actor the reference never mentions."""
    known = {actor.id for result in reference for actor in result.actors}
    counts: Counter[str] = Counter()
    for result in window:
        counts.update({actor.id: actor.mentions for actor in result.actors})
    unseen = Counter({actor: count for actor, count in counts.items() if actor not in known})
    value = unseen.total() / max(counts.total(), 1)
    most = ", ".join(actor for actor, _ in unseen.most_common(5)) or "none"
    return Signal("unseen actors", value, limit, f"share of mentions; most often {most}")


def _embedding(
    classifier: StanceClassifier, reference: Sequence[str], window: Sequence[str], limit: float, seed: int
) -> Signal:
    """How well a linear model tells the two sides apart: 2·AUC − 1, out of fold; 0 is not at all."""
    rng = random.Random(seed)
    sides = [rng.sample(list(side), min(EMBEDDED, len(side))) for side in (reference, window)]
    labels = np.repeat([0, 1], [len(side) for side in sides])
    folds = min(5, *(len(side) for side in sides))
    if folds < 2:
        return Signal("embedding", 0.0, limit, "too few sentences to compare")
    vectors = text_vectors(classifier, [text for side in sides for text in side])
    model = LogisticRegression(class_weight="balanced", max_iter=500)
    area = float(cross_val_score(model, vectors, labels, cv=folds, scoring="roc_auc").mean())
    detail = f"a linear model tells the sides apart with AUC {area:.3f}"
    return Signal("embedding", max(0.0, 2 * area - 1), limit, detail)
