"""Temperatures, calibration errors and abstention thresholds, all from dev predictions.

Guo et al. 2017 (temperature scaling, expected calibration error); El-Yaniv & Wiener 2010 (risk and coverage).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import precision_recall_curve

#: Bins of equal width for reliability and the expected calibration error.
BINS = 15
#: Temperatures are looked for between 1 / MAX_TEMPERATURE and MAX_TEMPERATURE.
MAX_TEMPERATURE = 20.0
#: Accepted answers should be wrong no more often than this ...
MAX_ERROR = 0.10
#: ... but the model answers at least this share of the questions, whatever its error.
MIN_COVERAGE = 0.85
#: Keeps logarithms finite: results round probabilities to four decimals.
SMALLEST = 5e-5

Floats = NDArray[np.float64]


class CalibrationMetrics(TypedDict):
    """Expected calibration error of the top label, Brier score (summed over classes), negative log-likelihood."""

    ece: float
    brier: float
    nll: float


class Bin(TypedDict):
    """Predictions of like confidence: their mean confidence, the share that is right, how many they are."""

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class RiskCoverage:
    """What share of questions is answered (`coverage`) at each threshold, and what share of those wrongly (`risk`).

    One point a distinct confidence, from the most confident on. `area` is the mean risk over all coverages.
    """

    thresholds: Floats
    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """The area under the curve; 0 is a model that is never wrong."""
        return float(np.sum(self.risk * np.diff(self.coverage, prepend=0.0)))


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature that minimises the negative log-likelihood of `labels` [N].

    `logits` is [N, K] with labels 0 to K-1, or [N] with labels 0 and 1 (one logit for "yes"). 1.0 without rows.
    """
    rows, gold = two_sided(np.asarray(logits, dtype=np.float64)), np.asarray(labels, dtype=np.int64)
    if not len(gold):
        return 1.0

    def loss(log_temperature: float) -> float:
        scores = log_softmax(rows / np.exp(log_temperature), axis=-1)
        return float(-scores[np.arange(len(gold)), gold].mean())

    widest = float(np.log(MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=(-widest, widest), method="bounded").x))


def two_sided(logits: Floats) -> Floats:
    """Logits [N] of "yes" as logits [N, 2] of "no" and "yes"; logits [N, K] as they are."""
    return np.stack([np.zeros_like(logits), logits], axis=-1) if logits.ndim == 1 else logits


def softmax_at(logits: ArrayLike, temperature: float) -> Floats:
    """Probabilities [N, K] of logits [N, K] (or [N], see `two_sided`) divided by a temperature."""
    return np.exp(log_softmax(two_sided(np.asarray(logits, dtype=np.float64)) / temperature, axis=-1))


def untempered(probabilities: ArrayLike, temperature: float) -> Floats:
    """What probabilities [N, K] at `temperature` would be at temperature 1, as far as their rounding allows."""
    logs = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), SMALLEST, None))
    return np.exp(log_softmax(logs * temperature, axis=-1))


def calibration_metrics(probabilities: ArrayLike, labels: ArrayLike) -> CalibrationMetrics:
    """Errors of probabilities [N, K] against labels [N]; N is at least 1."""
    scores, gold = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    truth = np.eye(scores.shape[-1])[gold]
    right = scores.argmax(-1) == gold
    return {
        "ece": calibration_error(scores.max(-1), right),
        "brier": float(((scores - truth) ** 2).sum(-1).mean()),
        "nll": float(-np.log(np.clip(scores[np.arange(len(gold)), gold], SMALLEST, None)).mean()),
    }


def reliability(confidences: ArrayLike, correct: ArrayLike, bins: int = BINS) -> list[Bin]:
    """The bins that hold predictions, of `bins` of equal width over [0, 1]."""
    sure, right = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=bool)
    places = np.clip((sure * bins).astype(int), 0, bins - 1)
    return [
        {"confidence": float(sure[p].mean()), "accuracy": float(right[p].mean()), "count": int(p.sum())}
        for p in (places == number for number in range(bins))
        if p.any()
    ]


def calibration_error(confidences: ArrayLike, correct: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: the bins' gaps between confidence and accuracy, weighted by their counts."""
    found = reliability(confidences, correct, bins)
    total = sum(b["count"] for b in found)
    return sum(b["count"] * abs(b["confidence"] - b["accuracy"]) for b in found) / total


def risk_coverage(confidences: ArrayLike, correct: ArrayLike) -> RiskCoverage:
    """The risk–coverage curve of N predictions by their confidence; a threshold accepts what is not below it."""
    sure, right = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=bool)
    order = np.argsort(-sure, kind="stable")
    sure, wrong = sure[order], np.cumsum(~right[order])
    # Equal confidences are accepted together.
    ends = np.flatnonzero(np.append(sure[:-1] != sure[1:], True)) if len(sure) else np.zeros(0, dtype=np.int64)
    counts = ends + 1
    return RiskCoverage(sure[ends], counts / max(len(sure), 1), wrong[ends] / counts)


def choose_threshold(
    confidences: ArrayLike, correct: ArrayLike, max_error: float = MAX_ERROR, min_coverage: float = MIN_COVERAGE
) -> float:
    """The threshold under which the model abstains.

    The smallest one whose accepted answers are wrong in at most `max_error`; where that would leave less than
    `min_coverage` of the questions answered, the largest one that answers so many. 0.0 where nothing need be refused.
    """
    curve = risk_coverage(confidences, correct)
    if not len(curve.risk) or curve.risk[-1] <= max_error:
        return 0.0
    answered = np.flatnonzero(curve.coverage >= min_coverage)
    good = np.flatnonzero((curve.risk <= max_error) & (curve.coverage >= min_coverage))
    return float(curve.thresholds[good[-1] if len(good) else answered[0]])


def best_f1_threshold(scores: ArrayLike, labels: ArrayLike) -> float:
    """The threshold on scores [N] of "yes" at which F1 against labels [N] (0 or 1) is best; 0.5 without a "yes"."""
    gold: NDArray[Any] = np.asarray(labels)
    if not gold.any():
        return 0.5
    precision, recall, thresholds = precision_recall_curve(gold, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[f1[:-1].argmax()])
