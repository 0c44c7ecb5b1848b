"""A trained torch model to the folder that serves: ONNX, encoder quantised to int8, checked against torch."""

from __future__ import annotations

import gzip
import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from stance.artifact import SHAPES, TOKENIZER
from stance.encoding import WindowEncoder
from stance.model import StanceModel
from training.outliers import separate
from training.thaw import describe_shapes

log = logging.getLogger(__name__)
# The exporter tells of every node that it leaves alone, and warns of weights that two nodes share.
logging.getLogger("onnxscript").setLevel(logging.WARNING)
logging.getLogger("onnx_ir").setLevel(logging.ERROR)

#: No file of a model is larger, so that it can live in a git repository.
PART_BYTES = 45_000_000
#: Tensors of more values are packed: those of the heads as int8, widened when the graph is loaded.
LARGE = 1024
#: How much of the activations' outliers SmoothQuant moves into the weights. NNCF's own 0.95 leaves some of the wide
#: layers four bits of their eight; hidden vectors stray from float32 by 6.8% of their variance with it, by 5.0% with
#: 0.7. At 0.5 the activations overflow (198%).
SMOOTHING = 0.7
#: The standard deviation of a channel's int8 weights, in steps, beyond which they are kept in coarser steps: they then
#: hold about 5.2 bits of information each, and pack to three quarters. Costs 1.8 points of the variance above.
SPREAD = 9.0


class _Encoder(nn.Module):
    """ids and mask to hidden vectors and tag logits; what `encoder.onnx` computes."""

    def __init__(self, model: StanceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.encode(input_ids, attention_mask)


def export_encoder(model: StanceModel, folder: Path) -> Path:
    """Write the float32 encoder as ONNX with dynamic batch and length; returns the file."""
    ids = torch.randint(5, 100, (2, 24))
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=512)
    shape = {0: batch, 1: length}
    path = folder / "encoder.fp32.onnx"
    inputs = {"input_ids": (ids, shape), "attention_mask": (torch.ones_like(ids), shape)}
    _export(_Encoder(model), inputs, ["hidden", "tags"], path)
    return path


def export_heads(model: StanceModel, hidden: int, folder: Path) -> None:
    """Write `actors.onnx` and `mentions.onnx`, large tensors in int8."""
    bags = (torch.randn(6, hidden), {0: torch.export.Dim("bags", min=1, max=1_000_000)})
    n, p, k = (torch.export.Dim(x, min=1, max=1_000_000) for x in ("rows", "pairs", "letters"))

    def rows() -> tuple[Tensor, Any]:
        return _positions(3), {0: n}

    def pairs() -> tuple[Tensor, Any]:
        return _positions(4), {0: p}

    actors = {"bags": bags, "actor": rows(), "actor_sentence": rows(), "holder": pairs(), "target": pairs()}
    _export_head(
        model.actors,
        {**actors, "pair_sentence": pairs(), "distance": pairs()},
        ["sentiment", "stance"],
        folder / "actors.onnx",
    )
    letters = (torch.ones((3, 5), dtype=torch.long), {0: n, 1: k})
    mentions = {"bags": bags, "mention": rows(), "name_ids": letters, "phrase": pairs(), "antecedent": pairs()}
    _export_head(
        model.mentions,
        {**mentions, "phrase_sentence": pairs(), "distance": pairs()},
        ["names", "links"],
        folder / "mentions.onnx",
    )


def _positions(count: int) -> Tensor:
    """An example input of positions: a tensor of its own each time, for the exporter takes one that is given twice as
    one input."""
    return torch.zeros(count, dtype=torch.long)


def _export_head(head: nn.Module, inputs: dict[str, tuple[Tensor, Any]], outputs: list[str], path: Path) -> None:
    _export(head, inputs, outputs, path)
    graph = onnx.load(path)
    store_int8(graph)
    strip(graph)
    path.with_suffix(".onnx.data").unlink(missing_ok=True)
    onnx.save_model(graph, path)


def _export(module: nn.Module, inputs: dict[str, tuple[Tensor, Any]], outputs: list[str], path: Path) -> None:
    """Write a module as ONNX; `inputs` has an example and the dynamic dimensions of each."""
    program = torch.onnx.export(
        module.eval(),
        tuple(tensor for tensor, _ in inputs.values()),
        dynamo=True,
        input_names=list(inputs),
        output_names=outputs,
        dynamic_shapes={name: shape for name, (_, shape) in inputs.items()},
        opset_version=20,
        optimize=False,
    )
    assert program is not None  # only a caller who passes a file gets None
    _optimize(program, module)
    program.save(str(path))


def _optimize(program: torch.onnx.ONNXProgram, module: nn.Module) -> None:
    """Fold what is constant, as the exporter would, but leave equal parameters apart.

    It keeps one of constants that are equal, as all biases of an encoder are that was never trained: then nobody could
    tell which layer an addition is of, neither `separate` nor `thaw`. Inputs of the graph it leaves alone.
    """
    graph = program.model.graph
    values = {name: p.detach().cpu().numpy() for name, p in module.named_parameters() if name in graph.initializers}
    contents = {name: (value.shape, value.tobytes()) for name, value in values.items() if value.ndim == 1}
    times = Counter(contents.values())
    equal = [graph.initializers[name] for name, content in contents.items() if times[content] > 1]
    inputs = len(graph.inputs)
    graph.inputs.extend(equal)
    program.optimize()
    del program.model.graph.inputs[inputs:]


def store_int8(model: onnx.ModelProto) -> None:
    """Keep large float32 matrices as int8 with one scale a row, and widen them in the graph: a quarter of the bytes."""
    for tensor in [t for t in _large(model) if len(t.dims) == 2]:
        name, values = tensor.name, numpy_helper.to_array(tensor)
        scale = np.maximum(np.abs(values).max(1, keepdims=True), 1e-9).astype(np.float32) / 127
        small = numpy_helper.from_array(np.round(values / scale).astype(np.int8), name + "_int8")
        tensor.CopyFrom(small)
        model.graph.initializer.append(numpy_helper.from_array(scale, name + "_scale"))
        model.graph.node.insert(0, helper.make_node("Mul", [name + "_wide", name + "_scale"], [name]))
        model.graph.node.insert(0, helper.make_node("Cast", [small.name], [name + "_wide"], to=TensorProto.FLOAT))


def _large(model: onnx.ModelProto) -> list[TensorProto]:
    return [
        tensor
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) > LARGE
    ]


def strip(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes (source lines, inferred shapes): they are a megabyte, and name the machine's paths."""
    model.graph.ClearField("value_info")
    model.ClearField("metadata_props")
    for part in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def quantize_encoder(
    source: Path, samples: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], folder: Path, static: bool = True
) -> Path:
    """The encoder in int8 by NNCF: static with SmoothQuant, calibrated on token batches (ids, mask), or weights only.

    Static is faster and strays further from torch. Writes `encoder.onnx` and its weights in files of at most
    `PART_BYTES`; returns the graph's path.
    """
    # NNCF reports usage through the package that `stance.runtime` keeps out.
    import stance.runtime  # noqa: F401, I001
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedSmoothQuantParameters

    graph = onnx.load(source)
    if static:
        data = nncf.Dataset(list(samples), lambda pair: {"input_ids": pair[0], "attention_mask": pair[1]})
        quantized = nncf.quantize(
            graph,
            data,
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(samples),
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(names=separate(graph, samples)),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=SMOOTHING)
            ),
        )
    else:
        quantized = nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM)
    coarsen(quantized)
    look_up_in_int8(quantized)
    strip(quantized)
    path = folder / "encoder.onnx"
    save_in_parts(quantized, path)
    return path


def coarsen(model: onnx.ModelProto, spread: float = SPREAD) -> None:
    """Round the int8 weights of channels that spread over more than they need to steps that are a multiple as wide."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        table, scale = constants[node.input[0]], constants[node.input[1]]
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1) % max(len(table.dims), 1)
        if len(table.dims) != 2 or list(scale.dims) != [table.dims[axis]]:
            continue
        steps = numpy_helper.to_array(table).astype(np.float32)
        wider = np.maximum(1, steps.std(axis=1 - axis, keepdims=True) / spread)
        widened = (numpy_helper.to_array(scale) * wider.reshape(-1)).astype(np.float32)
        table.CopyFrom(numpy_helper.from_array(np.round(steps / wider).astype(np.int8), table.name))
        scale.CopyFrom(numpy_helper.from_array(widened, scale.name))


def look_up_in_int8(model: onnx.ModelProto) -> None:
    """Look rows up in the int8 embedding tables and widen only those, not the whole table.

    A runtime folds a widened table into a constant of four times the size, and keeps it in memory. Tables have one
    scale a row and no zero point.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    for gather in [node for node in graph.node if node.op_type == "Gather"]:
        widen = makers.get(gather.input[0])
        if widen is None or widen.op_type != "DequantizeLinear" or widen.input[0] not in constants:
            continue
        table, scale = constants[widen.input[0]], constants[widen.input[1]]
        if list(scale.dims) != [table.dims[0]]:
            continue
        position = list(graph.node).index(gather)
        rows, output = gather.input[1], gather.output[0]
        axis = f"{output}_axis"
        graph.initializer.append(numpy_helper.from_array(np.array([-1], dtype=np.int64), axis))
        nodes = [
            helper.make_node("Gather", [table.name, rows], [f"{output}_int8"]),
            helper.make_node("Cast", [f"{output}_int8"], [f"{output}_wide"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [scale.name, rows], [f"{output}_scales"]),
            helper.make_node("Unsqueeze", [f"{output}_scales", axis], [f"{output}_scale"]),
            helper.make_node("Mul", [f"{output}_wide", f"{output}_scale"], [output]),
        ]
        graph.node.remove(gather)
        for node in reversed(nodes):
            graph.node.insert(position, node)


def save_in_parts(model: onnx.ModelProto, path: Path) -> None:
    """Save a graph with its tensors in `NAME.weights-K.bin.gz` files, none over `PART_BYTES`.

    Raises `ValueError` for a single tensor over that size.
    """
    part, size = 0, 0
    files: dict[int, bytearray] = {0: bytearray()}
    for tensor in sorted(model.graph.initializer, key=lambda t: -t.ByteSize()):
        raw = numpy_helper.to_array(tensor).tobytes() if tensor.data_type != TensorProto.INT4 else tensor.raw_data
        if len(raw) < LARGE:
            continue
        if len(raw) > PART_BYTES:
            raise ValueError(f"tensor {tensor.name} has {len(raw)} bytes; a model's files hold at most {PART_BYTES}")
        if size + len(raw) > PART_BYTES:
            part, size = part + 1, 0
            files[part] = bytearray()
        _point_to(tensor, f"{path.stem}.weights-{part}.bin", len(files[part]), len(raw))
        # Tensors begin at multiples of 64 bytes, so that a runtime can map them as they lie.
        padded = raw + b"\0" * (-len(raw) % 64)
        files[part] += padded
        size += len(padded)
    for number, content in files.items():
        # No time stamp, so that the same weights make the same file.
        packed = gzip.compress(bytes(content), compresslevel=9, mtime=0)
        (path.parent / f"{path.stem}.weights-{number}.bin.gz").write_bytes(packed)
    path.write_bytes(model.SerializeToString())


def _point_to(tensor: TensorProto, location: str, offset: int, length: int) -> None:
    for field in ("raw_data", "float_data", "int32_data", "int64_data"):
        tensor.ClearField(field)
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def calibration_batches(
    windows: Sequence[Sequence[int]], pad_id: int, count: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """`count` single windows, evenly drawn, as (ids, mask) of shape [1, L]."""
    step = max(1, len(windows) // count)
    chosen = [np.array([w], dtype=np.int64) for w in list(windows)[::step][:count]]
    return [(ids, (ids != pad_id).astype(np.int64)) for ids in chosen]


def write_tokenizer(encoder: WindowEncoder, folder: Path) -> None:
    """Write `tokenizer.json`, placeholders included."""
    encoder.tokenizer.save(str(folder / TOKENIZER), pretty=False)


def export_folder(
    model: StanceModel,
    encoder: WindowEncoder,
    samples: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    folder: Path,
    static: bool = True,
) -> None:
    """Write all of a model folder but its manifest; `samples`, see `calibration_batches`, calibrate static int8."""
    folder.mkdir(parents=True, exist_ok=True)
    source = export_encoder(model, folder)
    quantize_encoder(source, samples, folder, static)
    for left in (source, source.with_suffix(".onnx.data")):
        left.unlink(missing_ok=True)
    export_heads(model, int(model.encoder.config.hidden_size), folder)
    (folder / SHAPES).write_text(json.dumps(describe_shapes(model), indent=1) + "\n", encoding="utf-8")
    write_tokenizer(encoder, folder)
