"""What makes training and export shorter: no dev between epochs, fewer windows for the int8 ranges."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from stance.encoding import WindowEncoder
from tests.training.test_export import tiny_config
from tests.training.test_pipeline import corpus
from training import pipeline
from training.config import OptimSpec, TrainConfig, TrainSource
from training.export import calibration_batches
from training.features import Featurizer
from training.train import fit, load_tokenizer, training_arguments

WINDOWS = [[3, *range(5, 6 + n), 1] for n in range(40)]


@pytest.mark.parametrize(("count", "taken"), [(40, range(40)), (20, range(0, 40, 2)), (13, range(0, 39, 3))])
def test_windows_are_drawn_evenly(count: int, taken: range) -> None:
    samples = calibration_batches(WINDOWS, pad_id=1, count=count)
    assert [list(ids[0]) for ids, _ in samples] == [WINDOWS[number] for number in taken]
    assert all(np.array_equal(mask, ids != 1) for ids, mask in samples)


def test_few_windows_are_all_taken() -> None:
    assert len(calibration_batches(WINDOWS[:3], pad_id=1, count=100)) == 3


@pytest.mark.parametrize(("asked", "calls"), [(True, "epoch"), (False, "no")])
def test_dev_between_epochs(asked: bool, calls: str, tmp_path: Path) -> None:
    assert training_arguments(OptimSpec(dev_each_epoch=asked), tmp_path, seed=1).eval_strategy == calls


def short_config(root: Path, **changes: object) -> TrainConfig:
    """Two sources of twelve documents each, and a dev part."""
    config, _ = tiny_config("mpnet", root)
    sources = [
        TrainSource(name=f"s{n}", format="jsonl", path=corpus(root / f"s{n}.jsonl", 12, 2 * n)) for n in range(2)
    ]
    dev = TrainSource(name="dev", format="jsonl", path=corpus(root / "dev.jsonl", 6, 5))
    optim = OptimSpec(epochs=2, batch_tokens=256, dev_each_epoch=False, bf16=False)
    return config.model_copy(update={"output": root / "run", "train": sources, "dev": [dev], "optim": optim, **changes})


def test_every_source_gives_windows_to_the_ranges(tmp_path: Path) -> None:
    config = short_config(tmp_path, calibration_windows=16)
    featurizer = Featurizer(WindowEncoder(load_tokenizer(config)[0], config.encoding), 1.0)
    windows = pipeline._calibration_windows(config, featurizer)
    assert len(windows) == 16


def test_the_choice_at_the_end_has_its_figures_all_the_same(tmp_path: Path) -> None:
    config = short_config(tmp_path)
    config.output.mkdir()
    fit(config)
    history = json.loads((config.output / "history.json").read_text())
    assert not any("eval_selection" in row for row in history)
    assert all("selection" in scores for scores in json.loads((config.output / "dev.json").read_text()).values())


def test_too_few_windows_are_refused(tmp_path: Path) -> None:
    fields = tiny_config("mpnet", tmp_path)[0].model_dump()
    with pytest.raises(ValidationError, match="calibration_windows"):
        TrainConfig.model_validate({**fields, "calibration_windows": 4})
