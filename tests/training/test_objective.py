"""What training minimises: how much each head's labels count in a batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from training.config import LossWeights
from training.features import IGNORED
from training.objective import PAIRS, distillation_loss, losses, total_loss


def batch(pairs: int, weight: float = 1.0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Logits and labels of two actors and `pairs` pairs, all of them answered alike, and no names, links or tags."""
    generator = torch.Generator().manual_seed(0)
    logits = {
        "tag": torch.zeros(1, 4, 3),
        "sentiment": torch.randn(2, 3, generator=generator),
        "stance": torch.tensor([[0.5, 1.0, -1.0]]).repeat(pairs, 1),
        "name": torch.zeros(0, 7),
        "same": torch.zeros(0),
    }
    labels = {
        "sentiment": torch.tensor([[0, 1, 2], [1, 1, 0]]),
        "stance": torch.tensor([[0, 1, 2, 0, 2]]).repeat(pairs, 1),
        "stance_weight": torch.full((pairs,), weight),
        "names": torch.zeros((0, 2), dtype=torch.long),
        "links": torch.zeros((0, 5), dtype=torch.long),
        "tags": torch.full((1, 4), IGNORED),
    }
    return logits, labels


def test_as_many_pairs_as_a_usual_batch_has_count_by_their_mean() -> None:
    logits, labels = batch(PAIRS)
    mean = torch.nn.functional.cross_entropy(logits["stance"], labels["stance"][:, -1])
    assert losses(logits, labels)["stance"] == pytest.approx(float(mean), rel=1e-5)


def test_four_times_the_pairs_count_twice() -> None:
    few, many = losses(*batch(30)), losses(*batch(120))
    assert float(many["stance"]) == pytest.approx(2 * float(few["stance"]), rel=1e-5)
    assert float(many["sentiment"]) == pytest.approx(float(few["sentiment"]))


def test_pairs_of_a_quarter_of_the_weight_count_half() -> None:
    whole, quarter = losses(*batch(50)), losses(*batch(50, weight=0.25))
    assert float(quarter["stance"]) == pytest.approx(float(whole["stance"]) / 2, rel=1e-5)


def test_heads_without_labels_have_no_loss() -> None:
    assert set(losses(*batch(3))) == {"sentiment", "stance"}
    assert float(total_loss({}, LossWeights())) == 0.0


def test_the_sum_is_weighted() -> None:
    found = losses(*batch(40))
    weights = LossWeights(sentiment=2.0, stance=0.5)
    expected = 2.0 * float(found["sentiment"]) + 0.5 * float(found["stance"])
    assert float(total_loss(found, weights)) == pytest.approx(expected, rel=1e-5)


def test_a_student_that_answers_as_its_teacher_loses_nothing() -> None:
    logits, _ = batch(5)
    logits["same"] = torch.tensor([0.3, -2.0])
    mask = {"attention_mask": torch.tensor([[1, 1, 0, 0]])}
    assert float(distillation_loss(logits, logits, mask)) == pytest.approx(0.0, abs=1e-6)
    other = {**logits, "same": torch.tensor([2.0, -2.0])}
    assert float(distillation_loss(logits, other, mask)) > 0.1
    beyond = {**logits, "tag": torch.cat([logits["tag"][:, :2], torch.tensor([[[9.0, 0.0, 0.0]] * 2])], dim=1)}
    assert float(distillation_loss(logits, beyond, mask)) == pytest.approx(0.0, abs=1e-6)  # tags where there is no text
