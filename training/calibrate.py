"""Temperatures and abstention thresholds of the exported model, from dev."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.artifact import HeadSettings
from stance.queries import BagIndex, average_bags
from stance.runtime import Runtime
from stance.schema import STANCES
from training.dataset import Collator
from training.evaluation.calibration import (
    best_f1_threshold,
    calibration_metrics,
    choose_threshold,
    fit_temperature,
    softmax_at,
)
from training.features import Example

Outputs = dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]]


def exported_outputs(folder: Path, examples: Sequence[Example], collator: Collator, batch_size: int = 8) -> Outputs:
    """Logits of the exported graphs, at temperature 1, and labels of every head: {"stance": ([N, 3], [N]), ...}."""
    runtime = Runtime(folder)
    found: dict[str, list[tuple[NDArray[Any], NDArray[np.int64]]]] = {}
    for at in range(0, len(examples), batch_size):
        batch = collator(examples[at : at + batch_size])
        if not len(batch["bag_offsets"]):
            continue
        arrays = {key: value.numpy() for key, value in batch.items()}
        logits = exported_logits(runtime, arrays)
        for head, field in (("sentiment", "sentiment"), ("stance", "stance"), ("name", "names"), ("same", "links")):
            labels = arrays[field][:, -1]
            if len(labels):
                found.setdefault(head, []).append((logits[head][: len(labels)], labels))
    return {head: _joined(rows) for head, rows in found.items()}


def _joined(rows: Sequence[tuple[NDArray[Any], NDArray[np.int64]]]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    return np.concatenate([logits for logits, _ in rows]), np.concatenate([labels for _, labels in rows])


def exported_logits(runtime: Runtime, batch: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """What the exported graphs say of a collated batch; a head that is asked nothing answers one row."""
    hidden, _ = runtime.encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    bags = average_bags(hidden, BagIndex(batch["bag_tokens"], batch["bag_offsets"]))
    actor, pair = _columns(batch["sentiment"], 2), _columns(batch["stance"], 4)
    sentiment, stance = runtime.actors(
        bags=bags,
        actor=actor[0],
        actor_sentence=actor[1],
        holder=pair[0],
        target=pair[1],
        pair_sentence=pair[2],
        distance=pair[3],
    )
    link = _columns(batch["links"], 4)
    names, links = runtime.mentions(
        bags=bags,
        mention=_columns(batch["names"], 1)[0],
        name_ids=batch["name_ids"] if len(batch["name_ids"]) else np.zeros((1, 1), dtype=np.int64),
        phrase=link[0],
        antecedent=link[1],
        phrase_sentence=link[2],
        distance=link[3],
    )
    return {"sentiment": sentiment, "stance": stance, "name": names, "same": links}


def _columns(rows: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The first `width` columns; one row of zeros where there is none, for the graphs take no empty input."""
    table = rows[:, :width] if len(rows) else np.zeros((1, width), dtype=np.int64)
    return np.ascontiguousarray(table.T)


def calibrate(outputs: Outputs) -> tuple[dict[str, HeadSettings], dict[str, Any]]:
    """Settings of each head, and its calibration errors before and after.

    Sentiment and stance abstain by `choose_threshold`, stance by its answers that are not neutral; for names and links
    the threshold is the one with the best F1.
    A head without dev labels keeps temperature 1 and does not abstain.
    """
    settings: dict[str, HeadSettings] = {}
    errors: dict[str, Any] = {}
    for head in ("sentiment", "stance", "name", "same"):
        if head not in outputs:
            settings[head] = HeadSettings(threshold=0.5 if head in ("name", "same") else 0.0)
            continue
        logits, labels = outputs[head]
        temperature = round(fit_temperature(logits, labels), 4)
        after = softmax_at(logits, temperature)
        errors[head] = {
            "labels": len(labels),
            "before": calibration_metrics(softmax_at(logits, 1.0), labels),
            "after": calibration_metrics(after, labels),
        }
        settings[head] = HeadSettings(temperature=temperature, threshold=round(_threshold(head, after, labels), 4))
    return settings, errors


def _threshold(head: str, probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    if head in ("name", "same"):
        # The first class of the name head is "no actor"; of a link it is "not the same".
        return best_f1_threshold(1.0 - probabilities[:, 0], labels > 0)
    guess = probabilities.argmax(-1)
    # Nearly all pairs are neutral and easily so; what a reader must be able to trust is a stance that is shown.
    asked = guess != STANCES.index("neutral") if head == "stance" else np.ones(len(guess), dtype=bool)
    return choose_threshold(probabilities.max(-1)[asked], guess[asked] == labels[asked])
