"""Does the exported model say what the torch model says? If not, there is no export."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from training.calibrate import Outputs

#: Share of all dev labels on which the exported model must agree with torch.
MIN_AGREEMENT = 0.99
#: By how many points of macro-F1 any exported head may fall behind torch on dev, beyond what chance explains there.
MAX_F1_LOSS = 0.3
#: How often dev labels are drawn anew to tell how far chance moves the difference, and how many standard errors of it
#: are allowed for (95%, one-sided): of 500 labels, two of a rare class that change sides move macro-F1 by a point.
DRAWS = 200
ERRORS = 1.645
#: The heads that answer users, and so must agree.
GATED = ("sentiment", "stance")


class ParityError(RuntimeError):
    """The exported model strays from the trained one; nothing was put in place."""


@dataclass(frozen=True)
class Parity:
    """One head's agreement between torch and the exported graphs on dev; F1 in points, as is the standard error of the
    difference between the two."""

    head: str
    labels: int
    agreement: float
    torch_f1: float
    exported_f1: float
    error: float

    @property
    def lost(self) -> float:
        """Points of macro-F1 lost beyond what chance explains."""
        return self.torch_f1 - self.exported_f1 - ERRORS * self.error


def check_parity(trained: Outputs, exported: Outputs) -> list[Parity]:
    """Compare logits of the same dev examples, in the same order.

    Raises `ParityError` where they disagree on more than 1% of all labels, or a head loses over 0.3 macro-F1 with 95%
    confidence.
    """
    parities = [_parity(head, trained[head], exported[head]) for head in GATED if head in trained]
    labels = sum(p.labels for p in parities)
    agreement = sum(p.agreement * p.labels for p in parities) / max(labels, 1)
    lost = max((p.lost for p in parities), default=0.0)
    if (labels and agreement < MIN_AGREEMENT) or lost > MAX_F1_LOSS:
        raise ParityError(
            f"the exported model agrees with the trained one on {agreement:.2%} of dev (at least {MIN_AGREEMENT:.0%}) "
            f"and loses at least {max(lost, 0.0):.2f} points of macro-F1 (at most {MAX_F1_LOSS}): "
            f"{[asdict(p) for p in parities]}; "
            "try quantization=weights"
        )
    return parities


def _parity(
    head: str,
    trained: tuple[NDArray[np.float32], NDArray[np.int64]],
    exported: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> Parity:
    labels = trained[1]
    if not np.array_equal(labels, exported[1]):
        raise ValueError(f"{head}: the two models were asked different questions")
    first, second = trained[0].argmax(-1), exported[0].argmax(-1)
    return Parity(
        head,
        len(labels),
        agreement=round(float(np.mean(first == second)), 4),
        torch_f1=round(_f1(labels, first), 2),
        exported_f1=round(_f1(labels, second), 2),
        error=round(_standard_error(labels, first, second), 2),
    )


def _f1(labels: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    return 100 * float(f1_score(labels, guess, average="macro", zero_division=0.0))


def _standard_error(labels: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """The standard deviation of the difference in F1 (points) over labels drawn anew (paired bootstrap)."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(labels), (DRAWS, len(labels)))
    return float(np.std([_f1(labels[r], first[r]) - _f1(labels[r], second[r]) for r in rows]))
