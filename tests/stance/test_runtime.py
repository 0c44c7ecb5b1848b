"""How the graphs are compiled."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stance import StanceClassifier
from stance.runtime import trim_memory


def test_no_thread_is_bound_to_a_core(tiny_classifier: StanceClassifier) -> None:
    """Processes of one thread each would all be bound to the first core: two were no faster than one."""
    runtime = tiny_classifier.runtime
    for graph in (runtime.encoder, runtime.actors, runtime.mentions):
        assert not graph.compiled.get_property("ENABLE_CPU_PINNING")


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives freed memory back on demand")
def test_freed_memory_goes_back_to_the_system() -> None:
    """In a process of its own, for this one's heap is whoever's."""
    code = """
import psutil
from stance.runtime import share_arena, trim_memory
share_arena()
kept = [bytes(2000) for _ in range(100_000)]
kept = kept[::50]  # holes everywhere, none of them at the end
before = psutil.Process().memory_info().rss
assert trim_memory()
assert before - psutil.Process().memory_info().rss > 50_000_000
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert isinstance(trim_memory(), bool)
