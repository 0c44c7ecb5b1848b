"""The few channels of a feed-forward layer that are ten times as large as all others: computed beside it, in float.

One int8 scale for a whole activation must reach its largest channel. In some layers of trained encoders one to four of
thousands of channels reach 100 where the others end at 6 (Dettmers et al. 2022, LLM.int8(), arXiv:2208.07339, found
them and takes them out in the same way), so the others are left three or four bits. Here those channels get a layer of
their own, some thousandths of the work, and are zero in the large one.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

log = logging.getLogger(__name__)

#: How many channels of each layer are computed in float.
CHANNELS = 16
SUFFIX = "_float"
_ACTIVATIONS = ("Gelu", "Relu")
Sample = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class FeedForward:
    """The nodes of one feed-forward layer: into the wide space, its bias, the activation, out of it, its bias."""

    wide: onnx.NodeProto
    bias: onnx.NodeProto
    activation: onnx.NodeProto
    narrow: onnx.NodeProto
    end: onnx.NodeProto


def feed_forwards(graph: onnx.GraphProto) -> list[FeedForward]:
    """Every feed-forward layer of the form MatMul, Add, activation, MatMul, Add with constants that it alone reads."""
    makers = {output: node for node in graph.node for output in node.output}
    readers = {name: node for node in graph.node for name in node.input}
    read = Counter(name for node in graph.node for name in node.input)
    constants = {tensor.name for tensor in graph.initializer if read[tensor.name] == 1}
    found = []
    for narrow in graph.node:
        activation = makers.get(narrow.input[0]) if narrow.op_type == "MatMul" else None
        if activation is None or activation.op_type not in _ACTIVATIONS or narrow.input[1] not in constants:
            continue
        bias = makers.get(activation.input[0])
        wide = next((m for i in bias.input if (m := makers.get(i))), None) if bias and bias.op_type == "Add" else None
        end = readers.get(narrow.output[0])
        if not (bias and wide and wide.op_type == "MatMul" and wide.input[1] in constants):
            continue
        if constants & {*bias.input} and end and end.op_type == "Add":
            found.append(FeedForward(wide, bias, activation, narrow, end))
    return found


def separate(model: onnx.ModelProto, samples: Sequence[Sample], count: int = CHANNELS) -> list[str]:
    """Move each layer's `count` largest channels, as the samples (ids, mask) have them, into a small layer beside it.

    The model computes the same. Returns the small layers' products, which are to stay in float.
    """
    layers = feed_forwards(model.graph)
    peaks = channel_peaks(model, [layer.activation.output[0] for layer in layers], samples)
    kept: list[str] = []
    for layer, peak in zip(layers, peaks, strict=True):
        largest = np.sort(np.argsort(peak)[-count:])
        rest = np.delete(peak, largest)
        log.info("%s: up to %.1f, the rest up to %.1f", layer.narrow.name, peak.max(), rest.max(initial=0.0))
        kept += _separate(model.graph, layer, largest)
    return kept


def channel_peaks(
    model: onnx.ModelProto, outputs: Sequence[str], samples: Iterable[Sample]
) -> list[NDArray[np.float32]]:
    """The largest absolute value of every channel (the last axis) of some of the graph's tensors, over all samples."""
    if not outputs:
        return []
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_tensor_value_info(o, onnx.TensorProto.FLOAT, None) for o in outputs)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    peaks: list[NDArray[np.float32]] = []
    for sample in samples:
        found = [
            np.abs(value).reshape(-1, value.shape[-1]).max(0)
            for value in session.run(None, dict(zip(names, sample, strict=False)))
        ]
        peaks = [np.maximum(one, two) for one, two in zip(peaks, found, strict=True)] if peaks else found
    return peaks


def _separate(graph: onnx.GraphProto, layer: FeedForward, channels: NDArray[np.int64]) -> list[str]:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    bias_name = _constant_input(layer.bias, graph)
    name = f"{layer.narrow.name}{SUFFIX}"
    into = _take(graph, constants[layer.wide.input[1]], channels, 1, f"{name}_into")
    shift = _take(graph, constants[bias_name], channels, 0, f"{name}_shift")
    back = _take(graph, constants[layer.narrow.input[1]], channels, 0, f"{name}_back")
    # After the bias, so that the quantiser finds the bias where it looks for it.
    large, output = f"{name}_rest", layer.end.output[0]
    layer.end.output[0] = large
    activated = onnx.NodeProto()
    activated.CopyFrom(layer.activation)
    activated.name, activated.input[0], activated.output[0] = f"{name}_active", f"{name}_shifted", f"{name}_active"
    nodes = [
        helper.make_node("MatMul", [layer.wide.input[0], into], [f"{name}_wide"], f"{name}_wide"),
        helper.make_node("Add", [f"{name}_wide", shift], [f"{name}_shifted"], f"{name}_shifted"),
        activated,
        helper.make_node("MatMul", [f"{name}_active", back], [f"{name}_narrow"], f"{name}_narrow"),
        helper.make_node("Add", [large, f"{name}_narrow"], [output], f"{name}_sum"),
    ]
    place = list(graph.node).index(layer.end) + 1
    for node in reversed(nodes):
        graph.node.insert(place, node)
    return [f"{name}_wide", f"{name}_narrow"]


@dataclass(frozen=True)
class Separated:
    """The nodes that compute a layer's largest channels, and the names of the biases of the layer beside them."""

    into: onnx.NodeProto
    shift: onnx.NodeProto
    back: onnx.NodeProto
    wide_bias: str
    narrow_bias: str


def separated(graph: onnx.GraphProto) -> list[Separated]:
    """What `separate` has made, in a graph that may have been quantised since."""
    nodes = {node.name: node for node in graph.node}
    makers = {output: node for node in graph.node for output in node.output}
    found = []
    for name in [name.removesuffix("_sum") for name in nodes if name.endswith(f"{SUFFIX}_sum")]:
        narrow = makers[nodes[f"{name}_sum"].input[0]]
        node = nodes[name.removesuffix(SUFFIX)]
        while node.op_type not in _ACTIVATIONS:
            node = makers[node.input[0]]
        wide_bias, narrow_bias = _constant_input(makers[node.input[0]], graph), _constant_input(narrow, graph)
        into, shift, back = (nodes[f"{name}_{part}"] for part in ("wide", "shifted", "narrow"))
        found.append(Separated(into, shift, back, wide_bias, narrow_bias))
    return found


def _constant_input(node: onnx.NodeProto, graph: onnx.GraphProto) -> str:
    constants = {tensor.name for tensor in graph.initializer}
    return next(name for name in node.input if name in constants)


def _take(graph: onnx.GraphProto, tensor: onnx.TensorProto, channels: NDArray[np.int64], axis: int, name: str) -> str:
    """Copy some channels of a constant into one of their own, and make them zero where they were."""
    values = numpy_helper.to_array(tensor).copy()
    graph.initializer.append(numpy_helper.from_array(np.take(values, channels, axis).copy(), name))
    values[(slice(None),) * axis + (channels,)] = 0
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return name
