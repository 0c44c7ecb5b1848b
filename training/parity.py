"""Does the exported model say what the torch model says? If not, there is no export."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from training.calibrate import Outputs

#: Share of dev labels on which the exported model must agree with torch.
MIN_AGREEMENT = 0.99
#: By how many points of macro-F1 the exported model may fall behind torch on dev.
MAX_F1_LOSS = 0.3
#: The heads that answer users, and so must agree.
GATED = ("sentiment", "stance")


class ParityError(RuntimeError):
    """The exported model strays from the trained one; nothing was put in place."""


@dataclass(frozen=True)
class Parity:
    """One head's agreement between torch and the exported graphs on dev; F1 in points."""

    head: str
    labels: int
    agreement: float
    torch_f1: float
    exported_f1: float

    @property
    def holds(self) -> bool:
        """Whether the exported head is as good as the trained one."""
        return self.agreement >= MIN_AGREEMENT and self.torch_f1 - self.exported_f1 <= MAX_F1_LOSS


def check_parity(trained: Outputs, exported: Outputs) -> list[Parity]:
    """Compare logits of the same dev examples, in the same order.

    Raises `ParityError` where a head disagrees on more than 1% of the labels or loses over 0.3 macro-F1.
    """
    parities = [_parity(head, trained[head], exported[head]) for head in GATED if head in trained]
    bad = [p for p in parities if not p.holds]
    if bad:
        raise ParityError(
            f"the exported model differs from the trained one beyond {MIN_AGREEMENT:.0%} agreement and {MAX_F1_LOSS} "
            f"points of macro-F1: {[asdict(p) for p in bad]}"
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
    scores = [round(100 * float(f1_score(labels, guess, average="macro")), 2) for guess in (first, second)]
    return Parity(head, len(labels), round(float(np.mean(first == second)), 4), *scores)
