from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stance.schema import STANCES
from training.evaluation.compare import macro_f1, paired_bootstrap
from training.evaluation.metrics import Evaluation, Item, evaluation


def items(labels: str, gold: str = "afnafnafnafn") -> list[Item]:
    names = {"a": "against", "n": "neutral", "f": "favor"}
    return [
        Item(f"d{i}", (0, 5), "text", "h", "t", "H", "T", names[g], names[guess], (1.0, 0.0, 0.0), False)
        for i, (g, guess) in enumerate(zip(gold, labels, strict=True))
    ]


def judged(labels: str) -> Evaluation:
    return evaluation("stance", "stance", STANCES, items(labels))


def test_a_model_equals_itself() -> None:
    found = paired_bootstrap(judged("afnaffnafnaa"), judged("afnaffnafnaa"), "one", "one")

    assert (found.difference, found.low, found.high, found.better) == (0, 0, 0, 0)


def test_a_right_model_beats_a_wrong_one_surely() -> None:
    found = paired_bootstrap(judged("afnafnafnafn"), judged("nafnafnafnaf"), "right", "wrong", draws=200)

    assert found.difference == 1.0
    assert found.low > 0
    assert found.better == 1.0


def test_a_small_difference_may_be_luck() -> None:
    found = paired_bootstrap(judged("afnafnafnafn"), judged("afnafnafnafa"), draws=500)

    assert found.low == 0 < found.difference < found.high


def test_macro_f1_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    gold, guess = rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    ours = macro_f1(np.eye(3)[gold], np.eye(3)[guess], np.ones((1, 50)))

    assert ours[0] == pytest.approx(f1_score(gold, guess, average="macro"))


def test_only_shared_items_are_compared_whatever_their_order() -> None:
    one = judged("afnafnafnafn")
    two = replace(one, items=list(reversed(one.items))[:6])

    found = paired_bootstrap(one, two, draws=50)

    assert (found.items, found.difference) == (6, 0)


@pytest.mark.parametrize(
    ("change", "message"), [({"document": "other"}, "share no item"), ({"gold": "neutral"}, "two gold labels")]
)
def test_items_that_do_not_fit_are_refused(change: dict[str, str], message: str) -> None:
    one = judged("a" * 12)
    two = replace(one, items=[replace(i, **change) for i in one.items])

    with pytest.raises(ValueError, match=message):
        paired_bootstrap(one, two)
