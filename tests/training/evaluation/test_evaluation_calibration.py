import numpy as np
import pytest

from training.evaluation.calibration import (
    best_f1_threshold,
    calibration_error,
    calibration_metrics,
    choose_threshold,
    fit_temperature,
    reliability,
    risk_coverage,
    softmax_at,
    untempered,
)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("classes", [1, 3])
def test_the_temperature_that_made_the_labels_is_found(temperature: float, classes: int) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3 * temperature, size=(20_000, classes))
    logits = logits[:, 0] if classes == 1 else logits
    scores = softmax_at(logits, temperature)
    labels = (scores.cumsum(-1) < rng.random((len(scores), 1))).sum(-1)

    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_no_rows_leave_the_temperature_alone() -> None:
    assert fit_temperature(np.zeros((0, 3)), []) == 1.0


def test_untempered_undoes_a_temperature() -> None:
    logits = np.array([[1.0, 0.0, -1.0], [0.2, 0.1, 0.9]])

    assert untempered(softmax_at(logits, 2.0), 2.0) == pytest.approx(softmax_at(logits, 1.0))


def test_calibration_metrics_by_hand() -> None:
    found = calibration_metrics([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2]], [0, 1])

    assert found["ece"] == pytest.approx(0.5 * 0.2 + 0.5 * 0.6)
    assert found["brier"] == pytest.approx((0.06 + 0.36 + 0.64 + 0.04) / 2)
    assert found["nll"] == pytest.approx(-(np.log(0.8) + np.log(0.2)) / 2)


def test_a_bin_is_judged_as_a_whole() -> None:
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0.0)
    assert reliability([1.0, 0.0], [True, True]) == [
        {"confidence": 0.0, "accuracy": 1.0, "count": 1},
        {"confidence": 1.0, "accuracy": 1.0, "count": 1},
    ]


def test_risk_coverage_accepts_equal_confidences_together() -> None:
    curve = risk_coverage([0.9, 0.5, 0.5, 0.4], [True, False, True, False])

    assert curve.thresholds.tolist() == [0.9, 0.5, 0.4]
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx(0.5 / 3 + 0.25 / 2)


@pytest.mark.parametrize(
    ("correct", "max_error", "min_coverage", "expected"),
    [
        ([True, True, True, True], 0.0, 0.5, 0.0),  # never wrong: nothing to refuse
        ([True, True, True, False], 0.0, 0.5, 0.7),
        ([True, True, False, True], 0.25, 0.5, 0.0),
        ([True, False, False, False], 0.1, 0.5, 0.8),  # cannot be reached: coverage decides
        ([True, False, False, False], 0.1, 1.0, 0.6),
    ],
)
def test_the_threshold_weighs_error_against_coverage(
    correct: list[bool], max_error: float, min_coverage: float, expected: float
) -> None:
    assert choose_threshold([0.9, 0.8, 0.7, 0.6], correct, max_error, min_coverage) == expected


def test_no_predictions_need_no_threshold() -> None:
    assert choose_threshold([], []) == 0.0
    assert risk_coverage([], []).area == 0.0


def test_best_f1_threshold_parts_yes_from_no() -> None:
    assert best_f1_threshold([0.1, 0.4, 0.6, 0.9], [0, 0, 1, 1]) == 0.6
    assert best_f1_threshold([0.1, 0.4], [0, 0]) == 0.5
