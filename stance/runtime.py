"""Runs a model folder's graphs with OpenVINO on the CPU: numpy arrays in, numpy arrays out, no torch."""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

# OpenVINO reports usage to its vendor through this package where it is installed, and has no switch that it
# honours on import; without the package it stays silent.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

Array = NDArray[Any]


class Graph:
    """One compiled graph. Calls from several threads each get an inference request of their own."""

    def __init__(self, core: openvino.Core, path: Path, settings: dict[str, Any]) -> None:
        """Compile `path`; raises `RuntimeError` (OpenVINO's) for a file that is no graph."""
        self.compiled = core.compile_model(core.read_model(path), "CPU", settings)
        self.inputs = [port.get_any_name() for port in self.compiled.inputs]
        self._idle: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()

    @contextmanager
    def _request(self) -> Iterator[openvino.InferRequest]:
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self.compiled.create_infer_request()
        try:
            yield request
        finally:
            self._idle.put(request)

    def __call__(self, **inputs: Array) -> list[Array]:
        """Outputs in the graph's order. Inputs that the graph does not use are passed over."""
        with self._request() as request:
            results = request.infer({name: inputs[name] for name in self.inputs})
            return [np.array(results[port]) for port in self.compiled.outputs]


class Runtime:
    """The three graphs of a model folder.

    `threads` is how many cores a call uses (all of them by default).
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load and compile; takes about a second."""
        core = openvino.Core()
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        self.encoder = Graph(core, folder / "encoder.onnx", settings)
        self.actors = Graph(core, folder / "actors.onnx", settings)
        self.mentions = Graph(core, folder / "mentions.onnx", settings)
