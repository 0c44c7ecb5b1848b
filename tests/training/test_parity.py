"""What strays from torch is not exported; what chance explains on few labels is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.calibrate import Outputs
from training.parity import ParityError, check_parity

Ints = NDArray[np.int64]


def answers(guesses: Ints, labels: Ints) -> Outputs:
    """Logits of a sentiment head that give these guesses."""
    return {"sentiment": (np.eye(3, dtype=np.float32)[guesses], labels)}


def right_but(labels: Ints, wrong: Ints) -> Ints:
    guesses = labels.copy()
    guesses[wrong] = (guesses[wrong] + 1) % 3
    return guesses


def labels(number: int, rare: int) -> Ints:
    """`number` labels of three classes, `rare` of them of the first."""
    return np.array([0] * rare + [1, 2] * ((number - rare) // 2))


def test_equal_answers_agree_wholly() -> None:
    asked = labels(600, 20)
    (parity,) = check_parity(answers(asked, asked), answers(asked, asked))
    assert (parity.agreement, parity.torch_f1, parity.exported_f1, parity.error) == (1.0, 100.0, 100.0, 0.0)


def test_two_labels_of_a_rare_class_are_chance() -> None:
    asked = labels(600, 20)
    exported = answers(right_but(asked, np.arange(2)), asked)
    (parity,) = check_parity(answers(asked, asked), exported)
    assert parity.torch_f1 - parity.exported_f1 > 1
    assert parity.lost < 0.3


def test_the_same_share_of_many_labels_is_a_loss() -> None:
    asked = labels(6_000, 200)
    exported = answers(right_but(asked, np.arange(20)), asked)
    with pytest.raises(ParityError, match=r"loses at least \d\.\d+ points"):
        check_parity(answers(asked, asked), exported)


def test_one_label_in_fifty_is_too_many() -> None:
    asked = labels(600, 200)
    spread = np.arange(0, 600, 50)
    with pytest.raises(ParityError, match=r"on 98\.00% of dev"):
        check_parity(answers(right_but(asked, spread), asked), answers(asked, asked))


def test_other_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="different questions"):
        check_parity(answers(labels(60, 20), labels(60, 20)), answers(labels(60, 20), labels(60, 10)))
