"""The report's figures, drawn by matplotlib into PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.calibration import reliability, risk_coverage, untempered
from training.evaluation.metrics import Evaluation

SIZE = (4.6, 3.6)
RESOLUTION = 110


def _new() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, dpi=RESOLUTION, layout="constrained")
    return figure, figure.subplots()


def _png(figure: Figure) -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def confusion_plot(evaluation: Evaluation) -> bytes:
    """Gold labels (rows) against answers; shares of each row are shaded, counts written."""
    counts = np.array(evaluation.metrics["confusion"])
    shares = counts / np.maximum(counts.sum(-1, keepdims=True), 1)
    figure, axes = _new()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column, row, str(count), ha="center", va="center", color="white" if shares[row, column] > 0.6 else "black"
        )
    axes.set_xticks(range(len(evaluation.labels)), evaluation.labels, rotation=30, ha="right")
    axes.set_yticks(range(len(evaluation.labels)), evaluation.labels)
    axes.set_xlabel("answer")
    axes.set_ylabel("gold")
    return _png(figure)


def _answers(evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N, K] and gold labels [N] of the answered items."""
    items = [i for i in evaluation.items if i.answered]
    scores = np.array([i.probabilities for i in items]).reshape(len(items), len(evaluation.labels))
    return scores, np.array([evaluation.labels.index(i.gold) for i in items], dtype=int)


def reliability_plot(evaluation: Evaluation, temperature: float | None) -> bytes:
    """Accuracy by confidence, as served and, where the head's `temperature` is known, without it."""
    scores, gold = _answers(evaluation)
    curves = [("as served", scores)]
    if temperature is not None:
        curves.insert(0, ("before calibration", untempered(scores, temperature)))
    figure, axes = _new()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for label, probabilities in curves:
        bins = reliability(probabilities.max(-1), probabilities.argmax(-1) == gold)
        axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], marker="o", markersize=3, label=label)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.legend()
    return _png(figure)


def risk_coverage_plot(evaluation: Evaluation, threshold: float | None) -> bytes:
    """Error among the answered questions by the share that is answered, with the served threshold's point."""
    scores, gold = _answers(evaluation)
    curve = risk_coverage(scores.max(-1), scores.argmax(-1) == gold)
    figure, axes = _new()
    axes.plot(curve.coverage, curve.risk)
    kept = curve.thresholds >= (threshold or 0.0)
    if threshold is not None and kept.any():
        last = int(np.flatnonzero(kept)[-1])
        axes.plot(curve.coverage[last], curve.risk[last], marker="o", color="C3", label=f"threshold {threshold:.2f}")
        axes.legend()
    axes.set_xlabel("share answered")
    axes.set_ylabel("error among the answered")
    axes.set_xlim(0, 1)
    return _png(figure)


def learning_plot(history: Sequence[dict[str, Any]]) -> bytes:
    """Training loss and every dev macro-F1 by step, as the trainer logged them."""
    figure, axes = _new()
    losses = [(row["step"], float(row["loss"])) for row in history if "loss" in row]
    if losses:
        axes.plot(*zip(*losses, strict=True), color="grey", linewidth=0.8)
    axes.set_xlabel("step")
    axes.set_ylabel("training loss (grey)")
    right = axes.twinx()
    chosen = sorted({k for row in history for k in row if k.endswith(("_sentiment_f1", "_stance_f1"))})
    for key in chosen:
        points = [(row["step"], float(row[key])) for row in history if key in row]
        label = key.removeprefix("eval_").removesuffix("_f1")
        right.plot(*zip(*points, strict=True), marker="o", markersize=3, label=label)
    right.set_ylabel("dev macro-F1")
    if chosen:
        right.legend(fontsize="small")
    return _png(figure)
