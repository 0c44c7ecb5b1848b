"""The gates between a trained model and service: configuration, an evaluation's figures, and which gates fail."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.config import ConfigError

M = TypeVar("M", bound=BaseModel)


class Gates(BaseModel):
    """What a model must show before it serves; `configs/promotion.yaml`.

    `tests` are the frozen tests by name. On none of them may macro-F1 fall by more than `margin` against the model in
    service, and on at least one the 95% interval of the difference must lie above 0. `max_ece` is the largest
    calibration error on any test, `max_changed` the share of labels that change when names are swapped,
    `max_name_gap` in percentage points, `min_sentences_per_second` on the machine that evaluated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tests: list[str] = Field(min_length=1)
    margin: float = Field(ge=0, le=1)
    max_ece: float = Field(gt=0, le=1)
    max_changed: float = Field(ge=0, le=1)
    max_name_gap: float = Field(ge=0, le=100)
    min_sentences_per_second: float = Field(ge=0)


class Figures(BaseModel):
    """A row of an evaluation; what else it has is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TestFigures(Figures):
    """One test: macro-F1 and expected calibration error, both from 0 to 1, over `items` labels."""

    name: str
    macro_f1: float
    ece: float
    items: int


class Difference(Figures):
    """Macro-F1 minus that of the model `other` on one test, with its paired bootstrap 95% interval."""

    name: str
    other: str
    difference: float
    low: float
    high: float


class EvaluationFigures(Figures):
    """What `promote` reads of an evaluation (JSON); `model` is the tag of the model that was evaluated."""

    model: str
    tests: list[TestFigures]
    comparisons: list[Difference] = Field(default_factory=list)
    changed: float
    name_gap: float
    sentences_per_second: float


class GateResult(BaseModel):
    """One gate: whether it holds, and the figures that say so."""

    model_config = ConfigDict(frozen=True)

    gate: str
    passed: bool
    detail: str


def load_gates(path: Path) -> Gates:
    """Read `configs/promotion.yaml`. Raises `ConfigError` that names every bad key."""
    return _load(path, Gates)


def load_figures(path: Path) -> EvaluationFigures:
    """Read an evaluation's figures (JSON). Raises `ConfigError` that names every bad or missing key."""
    return _load(path, EvaluationFigures)


def _load(path: Path, kind: type[M]) -> M:
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'top'}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"{path}: " + "; ".join(faults)) from None


def check_gates(figures: EvaluationFigures, gates: Gates, current: str | None) -> list[GateResult]:
    """Every gate's result against `current`, the tag in service; without one there is nothing to compare with."""
    results = [] if current is None else _against(figures, gates, current)
    return [*results, *_absolute(figures, gates)]


def _against(figures: EvaluationFigures, gates: Gates, current: str) -> list[GateResult]:
    found = {one.name: one for one in figures.comparisons if one.other == current}
    missing = [name for name in gates.tests if name not in found]
    if missing:
        detail = f"no comparison with {current} on {', '.join(missing)}; evaluate against it on every frozen test"
        return [GateResult(gate="not worse", passed=False, detail=detail)]
    rows = [found[name] for name in gates.tests]
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


def _absolute(figures: EvaluationFigures, gates: Gates) -> list[GateResult]:
    found = {one.name: one for one in figures.tests}
    missing = [name for name in gates.tests if name not in found]
    if missing:
        detail = f"no result on {', '.join(missing)}; evaluate on every frozen test"
        return [GateResult(gate="calibrated", passed=False, detail=detail)]
    worst = max((found[name] for name in gates.tests), key=lambda row: row.ece)
    limits = (
        ("calibrated", worst.ece, gates.max_ece, f"calibration error {worst.ece:.4f} on {worst.name}"),
        ("neutral to names", figures.changed, gates.max_changed, f"{figures.changed:.4f} of labels change with names"),
        ("even-handed", figures.name_gap, gates.max_name_gap, f"a gap of {figures.name_gap:.1f} points between names"),
    )
    results = [
        GateResult(gate=gate, passed=value <= limit, detail=f"{detail}; at most {limit:g} is allowed")
        for gate, value, limit, detail in limits
    ]
    speed, least = figures.sentences_per_second, gates.min_sentences_per_second
    detail = f"{speed:.1f} sentences/s; at least {least:g} are asked for"
    return [*results, GateResult(gate="fast enough", passed=speed >= least, detail=detail)]
