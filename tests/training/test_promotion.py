from pathlib import Path
from typing import Any

import pytest

from training.config import ConfigError
from training.promotion import EvaluationFigures, Gates, check_gates, check_unseen, load_figures, load_gates

SHIPPED = Path(__file__).resolve().parents[2] / "configs" / "promotion.yaml"
GATES = Gates(
    tests=["rw", "dse"], margin=0.005, max_ece=0.05, max_changed=0.05, max_name_gap=5.0, min_sentences_per_second=20
)
OLD = "stance:old"


def swapped(unchanged: float) -> dict[str, Any]:
    return {"mode": "mentions", "heads": {"sentiment": {"items": 9, "unchanged": unchanged}}}


def figures(**changes: Any) -> EvaluationFigures:
    good: dict[str, Any] = {
        "model": "stance:new",
        "data": {"rw": "11", "dse": "22"},
        "tasks": {"rw": {"macro_f1": 0.84, "ece": 0.02}, "dse": {"ece": 0.04}, "raw": {"items": 0}},
        "swaps": {"rw, mentions given": swapped(0.97), "dse, mentions given": swapped(0.96)},
        "gaps": [{"gap": 2.0, "head": "sentiment"}, {"gap": 1.0, "head": "stance"}],
        "comparisons": [
            {"name": "rw", "other": OLD, "difference": 0.02, "low": 0.004, "high": 0.03},
            {"name": "dse", "other": OLD, "difference": -0.004, "low": -0.02, "high": 0.01},
        ],
    }
    return EvaluationFigures.model_validate({**good, **changes})


def row(name: str, difference: float, low: float, other: str = OLD) -> dict[str, Any]:
    return {"name": name, "other": other, "difference": difference, "low": low, "high": difference + 0.01}


def failed(found: EvaluationFigures, current: str | None = OLD, speed: float = 100.0) -> list[str]:
    return [result.gate for result in check_gates(found, GATES, current, speed) if not result.passed]


def test_a_better_model_passes_every_gate() -> None:
    assert len(check_gates(figures(), GATES, OLD, 100.0)) == 6
    assert failed(figures()) == []


@pytest.mark.parametrize(
    ("changes", "gates"),
    [
        ({"comparisons": [row("rw", 0.02, 0.004), row("dse", -0.006, -0.02)]}, ["not worse"]),
        ({"comparisons": [row("rw", 0.02, -0.001), row("dse", 0.0, -0.02)]}, ["better"]),
        ({"comparisons": [row("rw", 0.02, 0.004)]}, ["not worse"]),
        ({"comparisons": [row("rw", 0.02, 0.004, "x"), row("dse", 0.02, 0.004, "x")]}, ["not worse"]),
        ({"tasks": {"rw": {"ece": 0.02}}}, ["calibrated"]),
        ({"tasks": {"rw": {"ece": 0.02}, "dse": {"ece": 0.06}}}, ["calibrated"]),
        ({"swaps": {"rw": swapped(0.99), "dse": swapped(0.94)}}, ["neutral to names"]),
        ({"gaps": [{"gap": 5.1}]}, ["even-handed"]),
        ({"swaps": {}, "gaps": []}, ["neutral to names", "even-handed"]),
    ],
)
def test_each_gate_fails_on_its_own_figures(changes: dict[str, Any], gates: list[str]) -> None:
    assert failed(figures(**changes)) == gates


@pytest.mark.parametrize(
    ("evaluated", "detail"),
    [
        ({"rw": "11", "dse": "22"}, None),
        ({"rw": "dd"}, None),  # a file of dev chose the model, but did not train it
        ({"rw": "aa", "dse": "22"}, "rw: the model was trained on this file"),
        ({"rw": "aa", "dse": "bb"}, "rw, dse: the model was trained on these files"),
        ({}, "the figures do not say which files they are of"),
    ],
)
def test_no_test_may_be_a_file_of_training(evaluated: dict[str, str], detail: str | None) -> None:
    result = check_unseen(figures(data=evaluated), {"train/a": "aa", "train/b": "bb", "dev/d": "dd"})
    assert result.passed == (detail is None)
    assert result.gate == "unseen"
    assert result.detail.startswith(detail or "none of the ")


def test_a_slow_model_fails() -> None:
    assert failed(figures(), speed=19.0) == ["fast enough"]


def test_the_first_model_has_nothing_to_be_compared_with() -> None:
    assert failed(figures(comparisons=[]), current=None) == []


def test_all_stands_for_every_task_that_had_labels() -> None:
    gates = GATES.model_copy(update={"tests": "all"})
    assert gates.asked(figures()) == ["rw", "dse"]
    assert all(result.passed for result in check_gates(figures(), gates, OLD, 100.0))
    unlabelled = figures(tasks={"raw": {"items": 0}})
    assert [r.gate for r in check_gates(unlabelled, gates, OLD, 100.0) if not r.passed] == ["not worse", "calibrated"]


def test_files_are_read_and_their_faults_named(tmp_path: Path) -> None:
    assert load_gates(SHIPPED).tests
    path = tmp_path / "figures.json"
    path.write_text(figures().model_dump_json())
    assert load_figures(path) == figures()
    path.write_text('{"model": "m", "gaps": [{}]}')
    with pytest.raises(ConfigError, match=r"tasks.*gaps\.0\.gap"):
        load_figures(path)
    for content in ("[", "margin: 2"):
        path.write_text(content)
        with pytest.raises(ConfigError, match=r"figures\.json"):
            load_gates(path)
