"""Everything that was measured of one model, as one object that goes to JSON and into the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from stance.artifact import Manifest
from training.evaluation.compare import Comparison
from training.evaluation.metrics import Evaluation, by_slice
from training.evaluation.neutrality import NameGap, SwapResult
from training.evaluation.rawtext import RawText
from training.evaluation.slices import SLICES
from training.evaluation.tasks import HolderAccuracy


@dataclass
class Results:
    """The measurements of one model. Parts that were not asked for are empty.

    `data` has the SHA-256 of each file that was evaluated, by the name of its set, where files were.
    `temperatures` and `thresholds` are the model's, by head. `holders` has the holder accuracies and `swaps` the
    name swaps by the data they were made on. `history` is what training logged (`history.json`).
    """

    model: str
    data: dict[str, str] = field(default_factory=dict)
    temperatures: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    evaluations: list[Evaluation] = field(default_factory=list)
    holders: dict[str, HolderAccuracy] = field(default_factory=dict)
    raw: list[RawText] = field(default_factory=list)
    swaps: dict[str, SwapResult] = field(default_factory=dict)
    gaps: list[NameGap] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, manifest: Manifest) -> Results:
        """Empty results of a model."""
        return cls(
            model=manifest.tag,
            temperatures={name: head.temperature for name, head in manifest.heads.items()},
            thresholds={name: head.threshold for name, head in manifest.heads.items()},
        )

    def metrics(self) -> dict[str, Any]:
        """All figures without the single items, ready for JSON."""
        return {
            "model": self.model,
            "data": self.data,
            "temperatures": self.temperatures,
            "thresholds": self.thresholds,
            "tasks": {e.name: e.metrics for e in self.evaluations},
            "slices": {e.name: _slices(e) for e in self.evaluations if e.items},
            "holders": {name: {**asdict(h), "share": h.share} for name, h in self.holders.items()},
            "raw": {r.name: _without_errors(r.as_dict()) for r in self.raw},
            "swaps": {name: swap.as_dict() for name, swap in self.swaps.items()},
            "gaps": [gap.as_dict() for gap in self.gaps],
            "comparisons": [c.as_dict() for c in self.comparisons],
        }


def _without_errors(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        k: {n: v for n, v in part.items() if n != "errors"} if isinstance(part, dict) else part
        for k, part in raw.items()
    }


def _slices(evaluation: Evaluation) -> dict[str, Any]:
    return {title: by_slice(evaluation.items, evaluation.labels, of) for title, of in SLICES.items()}
