"""The gates between a trained model and service: configuration, an evaluation's figures, and which gates fail."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from training.config import read_checked


class Gates(BaseModel):
    """What a model must show before it serves; `configs/promotion.yaml`.

    `tests` are the frozen tests, by the names of the evaluation's tasks, or "all" of them. On none of them may
    macro-F1 fall by more than `margin` against the model in service, and on at least one the 95% interval of the
    difference must lie above 0. `max_ece` is the largest calibration error on any of them, `max_changed` the largest
    share of labels that change when names are swapped, `max_name_gap` in percentage points, and
    `min_sentences_per_second` counts on the machine that promotes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tests: Literal["all"] | Annotated[list[str], Field(min_length=1)]
    margin: float = Field(ge=0, le=1)
    max_ece: float = Field(gt=0, le=1)
    max_changed: float = Field(ge=0, le=1)
    max_name_gap: float = Field(ge=0, le=100)
    min_sentences_per_second: float = Field(ge=0)

    def asked(self, figures: EvaluationFigures) -> list[str]:
        """The frozen tests of an evaluation: those named, or every task that had labels."""
        if self.tests != "all":
            return self.tests
        return [name for name, task in figures.tasks.items() if task.ece is not None]


class Figures(BaseModel):
    """Part of an evaluation; what else it has is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TaskFigures(Figures):
    """One task: expected calibration error from 0 to 1; None where nothing was answered."""

    ece: float | None = None


class ShiftFigures(Figures):
    """A swap of names: the share of labels that it left as they were."""

    unchanged: float


class SwapFigures(Figures):
    """A swap of names by head."""

    heads: dict[str, ShiftFigures]


class GapFigures(Figures):
    """The largest difference between two names in the same sentences, in percentage points."""

    gap: float


class Difference(Figures):
    """Macro-F1 minus that of the model `other` on one task, with its paired bootstrap 95% interval."""

    name: str
    other: str
    difference: float
    low: float
    high: float


class EvaluationFigures(Figures):
    """What `promote` reads of an evaluation's `metrics.json`; `model` is the tag that was evaluated.

    `data` has the SHA-256 of each file by the name of its set; nothing of an evaluation from before they were kept.
    """

    model: str
    data: dict[str, str] = Field(default_factory=dict)
    tasks: dict[str, TaskFigures]
    swaps: dict[str, SwapFigures] = Field(default_factory=dict)
    gaps: list[GapFigures] = Field(default_factory=list)
    comparisons: list[Difference] = Field(default_factory=list)

    @property
    def changed(self) -> float | None:
        """The largest share of labels that any swap of names changes; None where none was made."""
        return max((1.0 - s.unchanged for swap in self.swaps.values() for s in swap.heads.values()), default=None)

    @property
    def name_gap(self) -> float | None:
        """The largest gap between two names; None where none was measured."""
        return max((gap.gap for gap in self.gaps), default=None)


class GateResult(BaseModel):
    """One gate: whether it holds, and the figures that say so."""

    model_config = ConfigDict(frozen=True)

    gate: str
    passed: bool
    detail: str


def load_gates(path: Path) -> Gates:
    """Read `configs/promotion.yaml`. Raises `ConfigError` that names every bad key."""
    return read_checked(path, Gates)


def load_figures(path: Path) -> EvaluationFigures:
    """Read an evaluation's `metrics.json`. Raises `ConfigError` that names every bad or missing key."""
    return read_checked(path, EvaluationFigures)


def check_unseen(figures: EvaluationFigures, known: Mapping[str, str]) -> GateResult:
    """Whether no evaluated file trained the model; `known` is the `data` of its manifest.

    Figures that do not say which files they are of fail: they may be of anything.
    """
    trained = {sha256 for part, sha256 in known.items() if part.startswith("train/")}
    seen = [name for name, sha256 in figures.data.items() if sha256 in trained]
    detail = f"none of the {len(figures.data)} evaluated files was trained on"
    if not figures.data:
        detail = "the figures do not say which files they are of; run `stance evaluate` again, with this version"
    elif seen:
        files = "this file" if len(seen) == 1 else "these files"
        detail = f"{', '.join(seen)}: the model was trained on {files}; evaluate on tests that it has not seen"
    return GateResult(gate="unseen", passed=bool(figures.data) and not seen, detail=detail)


def check_gates(figures: EvaluationFigures, gates: Gates, current: str | None, speed: float) -> list[GateResult]:
    """Every gate's result against `current`, the tag in service; without one there is nothing to compare with.

    `speed` is in sentences a second.
    """
    results = [] if current is None else _against(figures, gates, current)
    results.append(_calibrated(figures, gates))
    results.append(_within("neutral to names", figures.changed, gates.max_changed, "largest share of changed labels"))
    results.append(_within("even-handed", figures.name_gap, gates.max_name_gap, "largest gap between names in points"))
    least = gates.min_sentences_per_second
    detail = f"{speed:.1f} sentences/s; at least {least:g} are asked for"
    return [*results, GateResult(gate="fast enough", passed=speed >= least, detail=detail)]


def _against(figures: EvaluationFigures, gates: Gates, current: str) -> list[GateResult]:
    found = {one.name: one for one in figures.comparisons if one.other == current}
    tests = gates.asked(figures)
    missing = [name for name in tests if name not in found]
    if missing or not tests:
        without = ", ".join(missing) or "any test"
        detail = f"no comparison with {current} on {without}; evaluate with --against {current}"
        return [GateResult(gate="not worse", passed=False, detail=detail)]
    rows = [found[name] for name in tests]
    worst = min(rows, key=lambda row: row.difference)
    best = max(rows, key=lambda row: row.low)
    return [
        GateResult(
            gate="not worse",
            passed=worst.difference >= -gates.margin,
            detail=f"{worst.name} changes by {worst.difference:+.4f}; at least {-gates.margin:+.4f} is asked for",
        ),
        GateResult(
            gate="better",
            passed=best.low > 0,
            detail=f"{best.name} changes by {best.difference:+.4f} [{best.low:+.4f}, {best.high:+.4f}]; "
            "on one test the interval must lie above 0",
        ),
    ]


def _calibrated(figures: EvaluationFigures, gates: Gates) -> GateResult:
    tests = gates.asked(figures)
    errors = {name: figures.tasks[name].ece if name in figures.tasks else None for name in tests}
    missing = [name for name, error in errors.items() if error is None]
    if missing or not tests:
        detail = f"no calibration error on {', '.join(missing) or 'any test'}; evaluate on every frozen test"
        return GateResult(gate="calibrated", passed=False, detail=detail)
    error, name = max((error, name) for name, error in errors.items() if error is not None)
    return _within("calibrated", error, gates.max_ece, f"calibration error on {name}")


def _within(gate: str, value: float | None, limit: float, what: str) -> GateResult:
    if value is None:
        return GateResult(gate=gate, passed=False, detail=f"{what} was not measured; evaluate with --swaps 40")
    detail = f"{what} is {value:.4g}; at most {limit:g} is allowed"
    return GateResult(gate=gate, passed=value <= limit, detail=detail)
