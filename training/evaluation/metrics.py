"""What an evaluation says of labelled items: F1, calibration and abstention of one set of predictions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from training.evaluation.calibration import calibration_metrics, risk_coverage


@dataclass(frozen=True)
class Item:
    """One labelled question and the model's answer.

    `probabilities` are in the order of the evaluation's labels. `answered` is false where the result has no such
    pair or actor at all: the label then is what a reader would take from silence. `actors` counts the actors of
    the sentence; `actor_type` is the target's, where the data knows it. `earlier`: the sentence does not mention
    the holder; `unnamed`: it has no *name* of the holder.
    """

    document: str
    sentence: tuple[int, int]
    text: str
    holder: str | None
    target: str
    holder_name: str
    target_name: str
    gold: str
    label: str
    probabilities: tuple[float, ...]
    abstained: bool
    answered: bool = True
    actors: int = 1
    actor_type: str | None = None
    earlier: bool = False
    unnamed: bool = False

    @property
    def key(self) -> Hashable:
        """What makes it the same question for another model."""
        return (self.document, self.sentence, self.holder, self.target)

    @property
    def confidence(self) -> float:
        """The probability of the answer."""
        return max(self.probabilities)


@dataclass(frozen=True)
class Evaluation:
    """The items of one task on one data set, and their metrics as `score` computes them.

    `head` names the model's head whose temperature the probabilities carry ("" where they combine several).
    """

    name: str
    head: str
    labels: tuple[str, ...]
    items: list[Item]
    metrics: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def evaluation(name: str, head: str, labels: Sequence[str], items: Sequence[Item]) -> Evaluation:
    """The items with their metrics."""
    return Evaluation(name, head, tuple(labels), list(items), score(items, labels))


def score(items: Sequence[Item], labels: Sequence[str]) -> dict[str, Any]:
    """Metrics of the items; shares are in [0, 1]. `{"items": 0}` without items.

    Macro-F1 is over the labels that occur among the gold labels or the answers. Calibration counts answered items
    only; an item without an answer is an abstention.
    """
    if not items:
        return {"items": 0}
    gold, guess = [i.gold for i in items], [i.label for i in items]
    right = np.array([a == b for a, b in zip(gold, guess, strict=True)])
    kept = np.array([i.answered and not i.abstained for i in items])
    return {
        "items": len(items),
        "answered": sum(i.answered for i in items),
        **f1_scores(gold, guess, labels),
        **_calibration([i for i in items if i.answered], labels),
        "abstained": float(1.0 - kept.mean()),
        "accuracy_kept": float(right[kept].mean()) if kept.any() else None,
    }


def f1_scores(gold: Sequence[str], guess: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Accuracy (which is micro-F1), macro-F1, precision, recall and F1 a class, confusion (rows gold)."""
    table = np.array(precision_recall_fscore_support(gold, guess, labels=list(labels), zero_division=0.0))
    present = [label in gold or label in guess for label in labels]
    accuracy = float(np.mean([a == b for a, b in zip(gold, guess, strict=True)]))
    names = ("precision", "recall", "f1")
    return {
        "accuracy": accuracy,
        "micro_f1": accuracy,
        "macro_f1": float(table[2][present].mean()),
        "classes": {
            label: {**dict(zip(names, map(float, column[:3]), strict=True)), "support": int(column[3])}
            for label, column in zip(labels, table.T, strict=True)
        },
        "confusion": confusion_matrix(gold, guess, labels=list(labels)).tolist(),
    }


def _calibration(items: Sequence[Item], labels: Sequence[str]) -> dict[str, Any]:
    if not items:
        return {}
    scores = np.array([i.probabilities for i in items])
    gold = np.array([labels.index(i.gold) for i in items])
    curve = risk_coverage(scores.max(-1), scores.argmax(-1) == gold)
    return {**calibration_metrics(scores, gold), "risk_coverage_area": curve.area}


def by_slice(
    items: Sequence[Item], labels: Sequence[str], of: Callable[[Item], str | None]
) -> dict[str, dict[str, Any]]:
    """Metrics of the items that `of` puts into each slice; None puts an item into none."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        name = of(item)
        if name is not None:
            groups.setdefault(name, []).append(item)
    return {name: score(group, labels) for name, group in sorted(groups.items())}
