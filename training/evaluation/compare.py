"""Is one model better than another on the same items, or is it luck? A paired bootstrap (Efron & Tibshirani 1993)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.metrics import Evaluation, Item

DRAWS = 2000
CONFIDENCE = 0.95
#: Draws in one matrix product: bounds the memory for large sets.
CHUNK = 100


@dataclass(frozen=True)
class Comparison:
    """Macro-F1 of `model` minus that of `other` over `items`, with its interval.

    `better` is the share of draws in which `model` is ahead.
    """

    name: str
    model: str
    other: str
    items: int
    difference: float
    low: float
    high: float
    better: float

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def paired_bootstrap(
    one: Evaluation, two: Evaluation, model: str = "", other: str = "", draws: int = DRAWS, seed: int = 0
) -> Comparison:
    """Compare two models' evaluations of one task on the items that both have.

    Raises `ValueError` when they share none, or call the gold label of one differently.
    """
    pairs = _shared(one, two)
    labels = one.labels
    gold = _one_hot([a.gold for a, _ in pairs], labels)
    guesses = [_one_hot([row[k].label for row in pairs], labels) for k in (0, 1)]
    rng = np.random.default_rng(seed)
    whole = np.ones((1, len(pairs)))
    differences = []
    for at in range(0, draws, CHUNK):
        size = min(CHUNK, draws - at)
        weights = rng.multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), size=size)
        differences.append(macro_f1(gold, guesses[0], weights) - macro_f1(gold, guesses[1], weights))
    found = np.concatenate(differences)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Comparison(
        name=one.name,
        model=model,
        other=other,
        items=len(pairs),
        difference=float((macro_f1(gold, guesses[0], whole) - macro_f1(gold, guesses[1], whole))[0]),
        low=float(low),
        high=float(high),
        better=float((found > 0).mean()),
    )


def _shared(one: Evaluation, two: Evaluation) -> list[tuple[Item, Item]]:
    others = _by_key(two)
    pairs = [(item, others[key]) for key, item in _by_key(one).items() if key in others]
    if not pairs:
        raise ValueError(f"{one.name}: the two models share no item; evaluate both on the same documents")
    differing = [a for a, b in pairs if a.gold != b.gold]
    if differing:
        raise ValueError(f"{one.name}: document {differing[0].document!r} has two gold labels; evaluate on one version")
    return pairs


def _by_key(evaluation: Evaluation) -> dict[Hashable, Item]:
    """Items by their key; those that are asked twice also by how often they came before."""
    found: dict[Hashable, Item] = {}
    seen: dict[Hashable, int] = {}
    for item in evaluation.items:
        number = seen[item.key] = seen.get(item.key, -1) + 1
        found[item.key, number] = item
    return found


def _one_hot(labels: list[str], names: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array([[label == name for name in names] for label in labels], dtype=np.float64)


def macro_f1(gold: NDArray[np.float64], guess: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Macro-F1 of each draw: one-hot `gold` and `guess` [N, K], `weights` [draws, N] counts of each item.

    Over the classes that a draw has among its gold labels or answers.
    """
    hits, total = weights @ (gold * guess), weights @ (gold + guess)
    with np.errstate(invalid="ignore"):
        return np.nanmean(2 * hits / total, axis=-1)
