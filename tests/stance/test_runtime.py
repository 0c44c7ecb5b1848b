"""How the graphs are compiled."""

from __future__ import annotations

from stance import StanceClassifier


def test_no_thread_is_bound_to_a_core(tiny_classifier: StanceClassifier) -> None:
    """Processes of one thread each would all be bound to the first core: two were no faster than one."""
    runtime = tiny_classifier.runtime
    for graph in (runtime.encoder, runtime.actors, runtime.mentions):
        assert not graph.compiled.get_property("ENABLE_CPU_PINNING")
