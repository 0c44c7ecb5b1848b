"""A model folder that serves, back to a torch model that can be trained on.

The exported graphs hold every weight: int8 with a scale a channel, float16 or float32. Widening them and undoing what
the quantiser moved from activations into weights gives a torch model that answers as the folder does, up to the
rounding of activations. So a team that has the shipped folder, and nothing else, can fine-tune it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, helper, numpy_helper
from transformers import AutoConfig, AutoModel

from stance.artifact import SHAPES, read_manifest, unpacked
from stance.model import StanceModel
from training.outliers import Separated, separated

Array = NDArray[Any]
#: Parts of an encoder that no head reads and no graph holds.
UNUSED = (".pooler.",)


class ThawError(ValueError):
    """A model folder whose weights cannot be read back; the message names the parameter."""


def thaw(folder: Path) -> StanceModel:
    """The torch model of a folder that serves.

    Raises `stance.artifact.ArtifactError` for a folder that is damaged, and `ThawError` for one that was made without
    its shapes or in which a parameter cannot be found.
    """
    read_manifest(folder)
    shapes = folder / SHAPES
    if not shapes.is_file():
        raise ThawError(f"{shapes}: missing, so the folder can serve but not be trained on; start from the run's model")
    described = json.loads(shapes.read_text(encoding="utf-8"))
    config = AutoConfig.for_model(**described["encoder"])
    model = StanceModel(AutoModel.from_config(config), **described["hyper"])
    with unpacked(folder) as files:
        encoder = _Weights(onnx.load(files / "encoder.onnx").graph)
    state = model.state_dict()
    found = {name: encoder.parameter(f"model.{name}") for name in state if _in_encoder(name)}
    for layer in separated(encoder.graph):
        _rejoin(layer, encoder, found)
    for part in ("actors", "mentions"):
        head = _Weights(onnx.load(folder / f"{part}.onnx").graph)
        found |= {
            name: head.constant(name.removeprefix(f"{part}."))
            for name in state
            if name.startswith(f"{part}.") and not _in_encoder(name)
        }
    model.load_state_dict({name: _fitted(name, found.get(name), value) for name, value in state.items()})
    return model


def describe_shapes(model: StanceModel) -> dict[str, Any]:
    """What `thaw` needs to build the same modules: the encoder's configuration and the heads' sizes."""
    described = model.encoder.config.to_dict()
    # Where the encoder lay on the machine that trained is nobody's business, and of no use elsewhere.
    described["_name_or_path"] = Path(described.get("_name_or_path") or "").name
    return {"encoder": described, "hyper": model.hyper}


def _rejoin(layer: Separated, encoder: _Weights, found: dict[str, Array | None]) -> None:
    """Put the channels that are computed in float back where the export left zeros."""
    wide, narrow = (bias.removeprefix("model.").removesuffix("bias") for bias in (layer.wide_bias, layer.narrow_bias))
    names = (f"{wide}weight", f"{wide}bias", f"{narrow}weight")
    weights, bias, back = (np.array(found.get(name)) for name in names)
    if weights.ndim != 2 or bias.ndim != 1 or back.ndim != 2:
        raise ThawError(f"{names[0]}: not in the graph; was the folder exported by this version?")
    into, out = (encoder.side(product) for product in (layer.into, layer.back))
    # A channel that was zero on both sides already has no say, so that any of these places will do.
    channels = np.flatnonzero(~weights.any(axis=1) & ~back.any(axis=0))
    if into is None or out is None or len(channels) < len(out):
        raise ThawError(f"{names[0]}: {len(channels)} channels are zero, where others are computed beside the layer")
    channels = channels[: len(out)]
    weights[channels] = into.T
    bias[channels] = encoder.constant(layer.shift.input[1])
    back[:, channels] = out.T
    found.update(zip(names, (weights, bias, back), strict=True))


def _in_encoder(name: str) -> bool:
    return name.startswith(("encoder.", "mentions.tag."))


def _fitted(name: str, found: Array | None, value: torch.Tensor) -> torch.Tensor:
    """The found weights as a tensor like `value`."""
    if found is None:
        # What is computed from the sizes alone, or read by nobody, is as it was built.
        if not value.is_floating_point() or any(part in name for part in UNUSED):
            return value
        raise ThawError(f"{name}: not in the graph; was the folder exported by this version?")
    if found.shape != tuple(value.shape):
        raise ThawError(f"{name}: {found.shape} in the graph, {tuple(value.shape)} in the model")
    return torch.from_numpy(np.array(found, dtype=np.float32))


class _Weights:
    """The constants of one graph, by the names of the parameters that they were exported from."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self.constants = {t.name: t for t in graph.initializer}
        self.makers = {output: node for node in graph.node for output in node.output}
        self.readers: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def constant(self, name: str) -> Array | None:
        """The value of `name` where it depends on no input, widened to float32."""
        if name in self.constants:
            return numpy_helper.to_array(self.constants[name])
        node = self.makers.get(name)
        if node is None or node.op_type not in _OPERATIONS:
            return None
        inputs = [self.constant(i) for i in node.input]
        return None if any(i is None for i in inputs) else _OPERATIONS[node.op_type](node, *inputs)

    def parameter(self, name: str) -> Array | None:
        """A parameter of the encoder: as it is, as a table of rows, or out of the product that reads it."""
        if name in self.constants:
            return self.constant(name)
        for stored in self.constants:
            if name in stored:
                for reader in self.readers.get(stored, []):
                    if reader.op_type == "DequantizeLinear":
                        return self.constant(reader.output[0])
        return self._matrix(name.removesuffix("weight") + "bias") if name.endswith(".weight") else None

    def _matrix(self, bias: str) -> Array | None:
        """The weights [out, in] of the linear layer that adds `bias`: a product's constant side [in, out]."""
        for add in self.readers.get(bias, []):
            for product in (self.makers.get(name) for name in add.input):
                if product is None or product.op_type != "MatMul":
                    continue
                weights = self.side(product)
                if weights is not None:
                    return weights.T
        return None

    def side(self, product: NodeProto) -> Array | None:
        """A product's constant side [in, out], as it was before smoothing."""
        weights = self.constant(product.input[1])
        return None if weights is None else weights * self._smoothing(product.input[0])

    def _smoothing(self, name: str) -> Array:
        """What the activations are multiplied by on their way into a product [in, 1]: the weights hold its inverse."""
        node = self.makers.get(name)
        while node is not None and node.op_type in ("DequantizeLinear", "QuantizeLinear"):
            node = self.makers.get(node.input[0])
        if node is not None and node.op_type == "Mul":
            for side in node.input:
                if "smooth_quant" in side and (scale := self.constant(side)) is not None:
                    return scale.reshape(-1, 1).astype(np.float32)
        return np.ones((1, 1), dtype=np.float32)


def _attribute(node: NodeProto, name: str, default: Any) -> Any:
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def _dequantize(node: NodeProto, values: Array, scale: Array, zero: Array | None = None) -> Array:
    axis = _attribute(node, "axis", 1)
    shape = [1] * values.ndim
    if scale.ndim == 1:
        shape[axis] = -1
    shifted = values.astype(np.float32) - (0 if zero is None else zero.astype(np.float32).reshape(shape))
    return shifted * scale.astype(np.float32).reshape(shape)


#: The operations that stand between a stored constant and the weights that it means.
_OPERATIONS: dict[str, Callable[..., Array]] = {
    "DequantizeLinear": _dequantize,
    "Cast": lambda node, values: values.astype(np.float32),
    "Identity": lambda node, values: values,
    "Mul": lambda node, first, second: first * second,
    "Transpose": lambda node, values: values.transpose(_attribute(node, "perm", range(values.ndim)[::-1])),
    "Reshape": lambda node, values, shape: values.reshape(shape),
}
