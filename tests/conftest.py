"""Fixtures shared by all tests: a tiny real model, exported as the shipped one is."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from stance.artifact import HeadSettings, Manifest, write_manifest
from stance.classifier import StanceClassifier

HEADS = ("sentiment", "stance", "name", "same")

# Processes that test side by side share the cores, instead of each taking all of them.
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _PROCESSES > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _PROCESSES)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take long, so that no process is left with them when the others are done."""
    long_first = ("training", "serving")
    ranks = {name: rank for rank, name in enumerate(long_first)}
    items.sort(key=lambda item: min((ranks[p] for p in item.path.parts if p in ranks), default=len(ranks)))


def export_tiny(folder: Path, family: str = "mpnet", seed: int = 0) -> Path:
    """A two-layer model of random weights, quantised and exported by the code that ships models."""
    import torch

    from stance.encoding import WindowEncoder
    from tests.tiny import tiny_encoder
    from training.config import ModelSpec, TrainConfig, TrainSource
    from training.export import calibration_batches, export_folder
    from training.train import build_model, load_tokenizer

    torch.manual_seed(seed)
    source = TrainSource(name="none", format="jsonl", path=Path("none.jsonl"))
    spec = ModelSpec(encoder=str(tiny_encoder(family, folder / "encoder")), width=32, letters=8)
    config = TrainConfig(output=folder / "run", model=spec, train=[source], dev=[source])
    tokenizer, pad_id = load_tokenizer(config)
    encoder = WindowEncoder(tokenizer, config.encoding)
    model = build_model(config, encoder, tokenizer)
    rng = random.Random(seed)
    windows = [[rng.randrange(5, 100) for _ in range(rng.randrange(8, 40))] for _ in range(20)]
    export_folder(model.eval(), encoder, calibration_batches(windows, pad_id, len(windows)), folder / "model")
    manifest = Manifest(
        tag=f"stance:tiny-{family}-{seed}",
        created="2026-01-01",
        license="Apache-2.0",
        encoding=config.encoding,
        pad_id=pad_id,
        hidden=32,
        heads={head: HeadSettings() for head in HEADS},
    )
    write_manifest(folder / "model", manifest)
    return folder / "model"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny exported model; tests must not write into it."""
    return export_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_classifier(tiny_model: Path) -> StanceClassifier:
    """A classifier on the tiny model."""
    return StanceClassifier.load(tiny_model, threads=2)
