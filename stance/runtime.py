"""Runs a model folder's graphs with OpenVINO on the CPU: numpy arrays in, numpy arrays out, no torch."""

from __future__ import annotations

import ctypes
import queue
import re
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

from stance.artifact import unpacked  # noqa: E402

Array = NDArray[Any]

#: A line of /proc/self/maps that is an encoder's weights, as they lie in their file.
_WEIGHTS = re.compile(r"([0-9a-f]+)-([0-9a-f]+) .*/encoder\.weights-\d+\.bin(?: \(deleted\))?$", re.MULTILINE)
_MADV_DONTNEED = 4
#: mallopt's number for the largest number of arenas.
_M_ARENA_MAX = -8
#: Operations that a graph keeps prepared for the shapes it has seen. OpenVINO's own 5,000 let a service that is asked
#: texts of every length grow by 310 MB, a hundred by 240, these by some 20 less; going back to a shape costs some
#: milliseconds.
PREPARED = 50


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
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            # Pinned, the threads of every process begin at the first core, where those of several would then meet.
            "ENABLE_CPU_PINNING": False,
            "CPU_RUNTIME_CACHE_CAPACITY": PREPARED,
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        with unpacked(folder) as files:
            self.encoder = Graph(core, files / "encoder.onnx", settings)
            self.actors = Graph(core, files / "actors.onnx", settings)
            self.mentions = Graph(core, files / "mentions.onnx", settings)


def share_arena() -> None:
    """Let all threads of this process take memory from one arena (glibc): a service then holds some 30 MB less.

    With an arena a thread, each keeps what its largest request took. Call it before threads are made. Does nothing with
    another C library.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_ARENA_MAX, 1)


def trim_memory() -> bool:
    """Give back to the system what freed objects left behind in the heap (glibc); whether there was anything.

    Many small objects that come and go leave the heap full of holes, which a long run would see grow by a hundred
    megabytes. It takes some milliseconds. Does nothing with another C library.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        return bool(library.malloc_trim(0))
    return False


def release_weights(maps: Path = Path("/proc/self/maps")) -> int:
    """Give the memory of the encoder's weight files back (about 85 MB); returns the number of bytes given up.

    At its first call OpenVINO packs the weights anew and reads the mapped files no more, which stay resident all the
    same. Should it read them again, they come back from the disk, so this is safe at any time, but of use only after
    a first call. Does nothing where there is no such list of mappings (outside Linux).
    """
    if sys.platform != "linux" or not maps.is_file():
        return 0
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    found = [(int(first, 16), int(last, 16)) for first, last in _WEIGHTS.findall(maps.read_text(errors="replace"))]
    return sum(last - first for first, last in found if advise(first, last - first, _MADV_DONTNEED) == 0)
