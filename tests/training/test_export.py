"""Every family of encoders trains, saves, loads, exports and answers; the export says what torch says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import openvino
import pytest
import torch
from tokenizers import Tokenizer

from stance import Document, StanceClassifier
from stance.artifact import unpacked
from stance.encoding import WindowEncoder
from stance.model import StanceModel
from stance.runtime import Graph, Runtime
from tests.conftest import export_tiny
from tests.tiny import FAMILIES, tiny_encoder
from training import export
from training.config import ModelSpec, TrainConfig, TrainSource
from training.train import build_model, load_tokenizer

TEXT = "The Orsanian ministry condemned Velmark. She said that they support the treaty."


def tiny_config(family: str, folder: Path) -> tuple[TrainConfig, Tokenizer]:
    """A configuration on a tiny encoder of a family, and its tokenizer."""
    source = TrainSource(name="none", format="jsonl", path=Path("none.jsonl"))
    spec = ModelSpec(encoder=str(tiny_encoder(family, folder / "encoder")), width=16, letters=4)
    config = TrainConfig(output=folder, model=spec, train=[source], dev=[source])
    return config, load_tokenizer(config)[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_any_family_exports_and_classifies(family: str, tmp_path: Path) -> None:
    folder = export_tiny(tmp_path, family)
    classifier = StanceClassifier.load(folder, threads=1)
    (result,) = classifier.classify([Document(id="d", text=TEXT)], include_neutral=True)
    assert len(result.sentences) == 2
    assert result.actors


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_loads_with_the_same_answers(family: str, tmp_path: Path) -> None:
    config, tokenizer = tiny_config(family, tmp_path)
    model = build_model(config, WindowEncoder(tokenizer, config.encoding), tokenizer).eval()
    model.save(tmp_path / "saved")
    again = StanceModel.load(tmp_path / "saved").eval()
    ids = torch.randint(5, 60, (2, 11))
    with torch.no_grad():
        for first, second in zip(
            model.encode(ids, torch.ones_like(ids)), again.encode(ids, torch.ones_like(ids)), strict=True
        ):
            torch.testing.assert_close(first, second)


def test_the_exported_heads_answer_as_torch(tmp_path: Path) -> None:
    config, tokenizer = tiny_config("bert", tmp_path)
    model = build_model(config, WindowEncoder(tokenizer, config.encoding), tokenizer).eval()
    export.export_heads(model, 32, tmp_path)
    rng = np.random.default_rng(0)
    inputs = {"bags": rng.normal(size=(40, 32)).astype(np.float32)}
    graph = Graph(openvino.Core(), tmp_path / "actors.onnx", {"INFERENCE_PRECISION_HINT": "f32"})
    for name in ("actor", "actor_sentence", "holder", "target", "pair_sentence"):
        inputs[name] = rng.integers(0, 40, 9 if name.startswith("actor") else 17)
    inputs["distance"] = rng.integers(0, 6, 17)
    with torch.no_grad():
        expected = model.actors(**{k: torch.from_numpy(v) for k, v in inputs.items()})
    for found, wanted in zip(graph(**inputs), expected, strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), atol=2e-3)
    assert set(graph.inputs) == set(inputs)


def test_embeddings_are_looked_up_in_int8(tiny_model: Path) -> None:
    graph = onnx.load(tiny_model / "encoder.onnx", load_external_data=False).graph
    tables = {t.name for t in graph.initializer if t.data_type == onnx.TensorProto.INT8}
    assert any(node.op_type == "Gather" and node.input[0] in tables for node in graph.node)


def test_weights_are_written_in_parts_of_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PART_BYTES", 20_000)
    folder = export_tiny(tmp_path)
    parts = sorted(folder.glob("encoder.weights-*.bin.gz"))
    assert len(parts) > 1
    assert all(p.stat().st_size <= 20_000 for p in parts)
    Runtime(folder, threads=1)


def test_a_tensor_larger_than_a_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PART_BYTES", 2_000)
    with pytest.raises(ValueError, match="a model's files hold at most"):
        export_tiny(tmp_path)


def product(weight: np.ndarray, scale: np.ndarray | None = None) -> onnx.ModelProto:
    """A graph x [1, n] @ weight, whose weight is float32, or int8 with a scale a column."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [helper.make_node("MatMul", ["x", "w"], ["y"])], [numpy_helper.from_array(weight, "w")]
    if scale is not None:
        nodes.insert(0, helper.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=-1))
        constants = [numpy_helper.from_array(weight, "q"), numpy_helper.from_array(scale, "s")]
    rows, columns = weight.shape
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, columns])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def answer(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    import onnxruntime

    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def test_int8_storage_keeps_the_arithmetic() -> None:
    weight = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    model = product(weight)
    whole = model.ByteSize()
    export.store_int8(model)
    assert model.ByteSize() < 0.4 * whole
    x = np.random.default_rng(1).normal(size=(1, 64)).astype(np.float32)
    np.testing.assert_allclose(answer(model, x), x @ weight, atol=0.3)


def test_weights_that_spread_too_far_are_kept_in_coarser_steps() -> None:
    rng = np.random.default_rng(0)
    weight = np.clip(np.round(rng.normal(size=(400, 3)) * [40, 20, 4]), -127, 127).astype(np.int8)
    scale = np.array([0.01, 0.02, 0.1], dtype=np.float32)
    model, x = product(weight, scale), rng.normal(size=(1, 400)).astype(np.float32)
    before = answer(model, x)
    export.coarsen(model, spread=10)
    stored = onnx.numpy_helper.to_array(model.graph.initializer[0])
    assert [round(float(s)) for s in stored.std(0)] == [10, 10, 4]
    np.testing.assert_array_equal(stored[:, 2], weight[:, 2])
    np.testing.assert_allclose(answer(model, x), before, atol=1.0)


def test_onnxruntime_runs_the_encoder_too(tiny_model: Path) -> None:
    import onnxruntime

    ids = np.arange(5, 25, dtype=np.int64).reshape(1, 20)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    with unpacked(tiny_model) as files:
        session = onnxruntime.InferenceSession(files / "encoder.onnx", providers=["CPUExecutionProvider"])
    hidden = session.run(["hidden"], inputs)[0]
    np.testing.assert_allclose(hidden, Runtime(tiny_model, threads=1).encoder(**inputs)[0], atol=0.15)
