"""A real Ray cluster of two nodes on this machine, one of which dies in the middle."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.batch.config import ScoreConfig
from serving.batch.engine import score
from serving.batch.errors import InputError
from serving.batch.progress import State
from tests.serving.batch.conftest import Score
from tests.serving.batch.helpers import documents, flat_tables, write_jsonl

ray = pytest.importorskip("ray")


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two raylets with one core each; the first is the head."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    made.shutdown()


def test_a_node_that_dies_costs_only_its_shards(
    cluster: Any, tmp_path: Path, tiny_model: Path, score_here: Score
) -> None:
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(300))
    score_here(inputs, tmp_path / "whole")
    second = cluster.add_node(num_cpus=1)
    config = ScoreConfig(
        inputs=(str(inputs),),
        out=tmp_path / "out",
        model=str(tiny_model),
        engine="ray",
        address=cluster.address,
        shard_rows=5,
    )
    killed: list[float] = []

    def listen(state: State) -> None:
        if state.rows >= 30 and not killed:
            killed.append(time.monotonic())
            threading.Thread(target=cluster.remove_node, args=(second, False), daemon=True).start()

    summary = score(config, listen)
    assert killed
    assert (summary.rows, summary.failed, summary.shards) == (300, 0, 60)
    assert flat_tables(tmp_path / "out") == flat_tables(tmp_path / "whole")


def test_an_address_without_a_cluster_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(2))
    config = ScoreConfig(
        inputs=(str(inputs),), out=tmp_path / "out", model=str(tiny_model), engine="ray", address="127.0.0.1:1"
    )
    with pytest.raises(InputError, match="no cluster"):
        score(config)
