"""A folder that serves can be trained on: its graphs hold the weights that they were made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stance.artifact import HEADS, SHAPES, ArtifactError, HeadSettings, Manifest, write_manifest
from stance.encoding import WindowEncoder
from stance.model import StanceModel
from tests.tiny import FAMILIES
from tests.training.test_export import tiny_config
from training.export import calibration_batches, export_folder
from training.thaw import ThawError, describe_shapes, thaw
from training.train import build_model

WINDOWS = [[3, *range(7 + n, 40, 2), 4] for n in range(16)]


def fresh(model: StanceModel) -> None:
    """Leave a model as it was built: all biases of its encoder are zero, and all scales of its norms one."""


def trained(model: StanceModel) -> None:
    """Make every parameter differ from every other, as training leaves them."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


def pruned(model: StanceModel) -> None:
    """Take a channel out of every layer that goes into or out of the wide space."""
    trained(model)
    wide = int(model.encoder.config.intermediate_size)
    with torch.no_grad():
        for name, parameter in model.encoder.named_parameters():
            if name.endswith("dense.weight") and wide in parameter.shape:
                (parameter if parameter.shape[0] == wide else parameter.T)[7] = 0


Change = Callable[[StanceModel], None]


def exported(family: str, root: Path, static: bool, change: Change = trained) -> tuple[StanceModel, Path]:
    """A tiny model, and its folder."""
    config, tokenizer = tiny_config(family, root)
    encoder = WindowEncoder(tokenizer, config.encoding)
    model = build_model(config, encoder, tokenizer).eval()
    change(model)
    folder = root / "served"
    export_folder(model, encoder, calibration_batches(WINDOWS, 0, len(WINDOWS)), folder, static)
    heads = {head: HeadSettings(threshold=0.5) for head in HEADS}
    manifest = Manifest(
        tag="stance:t", created="2026-01-01", license="x", encoding=config.encoding, pad_id=0, hidden=32, heads=heads
    )
    write_manifest(folder, manifest)
    return model, folder


def alike(first: torch.Tensor, second: torch.Tensor) -> float:
    """The correlation of two tensors' values: stored weights are rounded, misplaced ones have nothing in common."""
    return float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])


# Each family with each change and each way to quantise once; an export takes a quarter of a minute.
@pytest.mark.parametrize(
    ("family", "change", "static"),
    [
        *((family, trained, True) for family in FAMILIES),
        *((family, fresh, False) for family in FAMILIES),
        ("mpnet", pruned, True),
    ],
)
def test_the_thawed_model_answers_as_the_one_that_was_exported(
    family: str, change: Change, static: bool, tmp_path: Path
) -> None:
    model, folder = exported(family, tmp_path, static, change)
    again = thaw(folder).eval()
    ids = torch.tensor(WINDOWS[:1])
    rows = torch.tensor([0, 1, 2])
    with torch.no_grad():
        read, read_again = (m.encode(ids, torch.ones_like(ids)) for m in (model, again))
        pairs = [*zip(read, read_again, strict=True)]
        for head, asked in (("actors", [rows] * 6), ("mentions", [rows, rows[:, None], *[rows] * 4])):
            answers = (getattr(m, head)(read[0][0], *asked) for m in (model, again))
            pairs += zip(*answers, strict=True)
    for first, second in pairs:
        assert alike(first, second) > 0.98


def test_what_smoothing_moved_is_moved_back(tmp_path: Path) -> None:
    model, folder = exported("mpnet", tmp_path, static=True)
    again = thaw(folder)
    for name, value in model.state_dict().items():
        if name.endswith("dense.weight") and "pooler" not in name:
            assert alike(again.state_dict()[name], value) > 0.99


def test_shapes_name_no_path_of_the_machine(tmp_path: Path) -> None:
    config, tokenizer = tiny_config("bert", tmp_path)
    model = build_model(config, WindowEncoder(tokenizer, config.encoding), tokenizer)
    assert str(tmp_path) in json.dumps(model.encoder.config.to_dict())
    assert str(tmp_path) not in json.dumps(describe_shapes(model))


def test_a_folder_without_shapes_is_refused(tmp_path: Path) -> None:
    _, folder = exported("bert", tmp_path, static=True)
    (folder / SHAPES).unlink()
    with pytest.raises(ArtifactError, match=r"shapes\.json: missing"):
        thaw(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"][SHAPES]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ThawError, match="start from the run's model"):
        thaw(folder)


def test_other_sizes_than_the_graphs_are_refused(tmp_path: Path) -> None:
    _, folder = exported("bert", tmp_path, static=True)
    shapes = json.loads((folder / SHAPES).read_text())
    shapes["hyper"]["width"] = 24
    (folder / SHAPES).write_text(json.dumps(shapes))
    manifest = Manifest.model_validate(json.loads((folder / "manifest.json").read_text()))
    write_manifest(folder, manifest)
    with pytest.raises(ThawError, match=r"actors\.sentiment\.hidden\.weight"):
        thaw(folder)
