"""What training minimises: the weighted sum of the heads' losses over one batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from stance.model import StanceModel, average_bags
from training.config import LossWeights
from training.features import IGNORED

#: A batch with this many pairs counts in the stance loss as it would by their plain mean.
PAIRS = 40


def predict(model: StanceModel, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Logits of every head on a batch of the collator, by the head's name."""
    hidden, tags = model.encode(batch["input_ids"], batch["attention_mask"])
    bags = average_bags(hidden, batch["bag_tokens"], batch["bag_offsets"])
    sentiment, stance, names, links = batch["sentiment"], batch["stance"], batch["names"], batch["links"]
    return {
        "tag": tags,
        "sentiment": model.actors.sentiment(bags, sentiment[:, 0], sentiment[:, 1]),
        "stance": model.actors.stance(bags, stance[:, 0], stance[:, 1], stance[:, 2], stance[:, 3]),
        "name": model.mentions.name(bags, names[:, 0], batch["name_ids"]),
        "same": model.mentions.same(bags, links[:, 0], links[:, 1], links[:, 2], links[:, 3]).squeeze(-1),
    }


def losses(logits: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Mean loss of each head that has labels in the batch; of stance what lies between the mean and the sum.

    A window of many actors asks for hundreds of pairs, nearly all of them neutral and easy: by their mean its few
    stances would teach next to nothing, by their sum they would drown every other head.
    """
    found: dict[str, Tensor] = {}
    if len(batch["sentiment"]):
        found["sentiment"] = functional.cross_entropy(logits["sentiment"].float(), batch["sentiment"][:, -1])
    if len(batch["stance"]):
        each = functional.cross_entropy(logits["stance"].float(), batch["stance"][:, -1], reduction="none")
        weight = batch["stance_weight"]
        found["stance"] = (each * weight).sum() / (weight.sum() * PAIRS).sqrt()
    if len(batch["names"]):
        found["name"] = functional.cross_entropy(logits["name"].float(), batch["names"][:, -1])
    if len(batch["links"]):
        target = batch["links"][:, -1].float()
        found["same"] = functional.binary_cross_entropy_with_logits(logits["same"].float(), target)
    if (batch["tags"] != IGNORED).any():
        found["tag"] = functional.cross_entropy(
            logits["tag"].float().flatten(0, 1), batch["tags"].flatten(), ignore_index=IGNORED
        )
    return found


def total_loss(found: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the heads' losses (zero for a batch without any label)."""
    return sum((getattr(weights, name) * loss for name, loss in found.items()), torch.zeros(()))


def distillation_loss(
    logits: Mapping[str, Tensor], teacher: Mapping[str, Tensor], batch: Mapping[str, Tensor], temperature: float = 2.0
) -> Tensor:
    """How far the student's softened distributions are from the teacher's, summed over the heads.

    KL divergence at a temperature, times its square (Hinton et al. 2015); tags count only where there is text.
    """
    total = torch.zeros(())
    text = batch["attention_mask"].bool()
    for head, student in logits.items():
        guess, goal = student.float(), teacher[head].float()
        if head == "tag":
            guess, goal = guess[text], goal[text]
        if head == "same":
            guess, goal = (torch.stack([torch.zeros_like(x), x], dim=-1) for x in (guess, goal))
        if not len(guess):
            continue
        divergence = functional.kl_div(
            functional.log_softmax(guess / temperature, dim=-1),
            functional.log_softmax(goal / temperature, dim=-1),
            reduction="batchmean",
            log_target=True,
        )
        total = total + temperature**2 * divergence
    return total
