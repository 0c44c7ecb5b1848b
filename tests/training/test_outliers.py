"""Channels that are computed beside their layer: the model computes the same, and the large layer spreads less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from stance.encoding import WindowEncoder
from stance.model import StanceModel
from tests.tiny import FAMILIES
from tests.training.test_export import tiny_config
from training.export import export_encoder
from training.outliers import channel_peaks, feed_forwards, separate, separated
from training.train import build_model

SAMPLES = [
    (np.array([[3, *range(7 + n, 40, 2), 4]]), np.ones((1, len(range(7 + n, 40, 2)) + 2), dtype=np.int64))
    for n in range(8)
]
LARGE = [3, 17]


def with_outliers(family: str, folder: Path) -> onnx.ModelProto:
    """The float32 graph of a tiny encoder two of whose wide channels are far larger than the others."""
    config, tokenizer = tiny_config(family, folder)
    encoder = WindowEncoder(tokenizer, config.encoding)
    model: StanceModel = build_model(config, encoder, tokenizer).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():  # the exporter stores equal ones once, and training leaves none
            parameter.add_(0.05 * torch.randn_like(parameter))
        for name, value in model.encoder.named_parameters():
            if name.endswith("intermediate.dense.bias"):
                value[LARGE] = 100.0
    return onnx.load(export_encoder(model, folder))


def run(model: onnx.ModelProto) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return [session.run(None, dict(zip(names, sample, strict=True)))[0] for sample in SAMPLES]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_computes_the_same_and_its_wide_layers_spread_less(family: str, tmp_path: Path) -> None:
    model = with_outliers(family, tmp_path)
    layers = [layer.activation.output[0] for layer in feed_forwards(model.graph)]
    before, peaks = run(model), channel_peaks(model, layers, SAMPLES)
    assert layers
    assert min(peak.max() for peak in peaks) > 90

    kept = separate(model, SAMPLES, count=2)
    onnx.checker.check_model(model)
    for one, two in zip(before, run(model), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-4)
    after = channel_peaks(model, layers, SAMPLES)
    assert max(peak.max() for peak in after) < 50
    assert all(not peak[LARGE].any() for peak in after)
    products = {node.name for node in model.graph.node if node.op_type == "MatMul"}
    assert set(kept) <= products
    assert len(kept) == 2 * len(layers)


def test_what_was_separated_is_found_again(tmp_path: Path) -> None:
    model = with_outliers("bert", tmp_path)
    assert separated(model.graph) == []
    separate(model, SAMPLES, count=2)
    found = separated(model.graph)
    assert [(one.wide_bias.rsplit(".", 3)[1], one.narrow_bias.rsplit(".", 3)[1]) for one in found] == [
        ("intermediate", "output")
    ] * len(found)
    assert found


def test_a_graph_without_feed_forward_layers_is_left_alone() -> None:
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 2]) for n in "xy"]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", ends[:1], ends[1:]))
    assert separate(model, SAMPLES) == []
    assert list(model.graph.node) == [node]
