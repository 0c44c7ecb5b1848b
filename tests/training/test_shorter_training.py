"""What makes training and export shorter: frozen layers, no dev between epochs, fewer windows for the int8 ranges."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from stance.encoding import WindowEncoder
from tests.tiny import FAMILIES
from tests.training.test_export import tiny_config
from tests.training.test_pipeline import corpus
from training import pipeline
from training.config import OptimSpec, TrainConfig, TrainSource
from training.export import calibration_batches
from training.features import Featurizer
from training.train import build_model, encoder_layers, fit, freeze_layers, load_tokenizer, training_arguments

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


@pytest.mark.parametrize(("start", "candidates"), [(0.0, {"last", "average", "between"}), (1.0, {"last"})])
def test_what_is_chosen_from_has_figures_all_the_same(start: float, candidates: set[str], tmp_path: Path) -> None:
    config = short_config(tmp_path)
    config = config.model_copy(update={"optim": config.optim.model_copy(update={"average_from": start, "epochs": 4})})
    config.output.mkdir()
    fit(config)
    history = json.loads((config.output / "history.json").read_text())
    assert history[-1]["step"] >= 10, "too short for an average"
    assert not any("eval_selection" in row for row in history)
    scores = json.loads((config.output / "dev.json").read_text())
    assert set(scores) == candidates
    assert all("selection" in figures for figures in scores.values())


def test_too_few_windows_are_refused(tmp_path: Path) -> None:
    fields = tiny_config("mpnet", tmp_path)[0].model_dump()
    with pytest.raises(ValidationError, match="calibration_windows"):
        TrainConfig.model_validate({**fields, "calibration_windows": 4})


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_carried_back_into_frozen_layers(family: str, tmp_path: Path) -> None:
    config, tokenizer = tiny_config(family, tmp_path)
    model = build_model(config, WindowEncoder(tokenizer, config.encoding), tokenizer)
    freeze_layers(model, 1)
    lower, upper = encoder_layers(model)
    entered: list[torch.Tensor] = []
    upper.register_forward_pre_hook(lambda _, args: entered.append(args[0]))
    ids = torch.randint(5, 60, (2, 11))
    hidden, _ = model.encode(ids, torch.ones_like(ids))
    hidden.sum().backward()
    assert not entered[0].requires_grad
    learning = {name for name, parameter in model.encoder.named_parameters() if parameter.grad is not None}
    assert learning
    assert all(".1." in name for name in learning)
    assert all(parameter.grad is None for parameter in lower.parameters())


def test_nothing_frozen_trains_all(tmp_path: Path) -> None:
    config, tokenizer = tiny_config("mpnet", tmp_path)
    model = build_model(config, WindowEncoder(tokenizer, config.encoding), tokenizer)
    freeze_layers(model, 0)
    assert all(parameter.requires_grad for parameter in model.parameters())
