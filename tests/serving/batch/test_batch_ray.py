"""A real Ray cluster of two nodes on this machine, one of which dies in the middle."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from serving.batch import ray_engine
from serving.batch.config import ScoreConfig
from serving.batch.engine import score
from serving.batch.errors import InputError
from serving.batch.progress import State
from serving.batch.unit import ShardScorer, UnitSettings
from tests.serving.batch.conftest import Score
from tests.serving.batch.helpers import documents, flat_tables, write_jsonl

pytestmark = pytest.mark.integration


@pytest.fixture(params=[1, 0], ids=["a head that scores", "a head that scores nothing, as on Kubernetes"])
def cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Nodes of one core each, so that two can score; the last one can be removed."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": request.param, "include_dashboard": False})
    for _ in range(2 - request.param):
        made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def test_a_node_that_dies_costs_only_its_shards(
    cluster: Any, tmp_path: Path, tiny_model: Path, score_here: Score
) -> None:
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(300))
    score_here(inputs, tmp_path / "whole")
    second = sorted(cluster.worker_nodes, key=lambda node: node.node_id)[0]
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


@pytest.mark.parametrize("address", ["127.0.0.1:1", "auto"])
def test_an_address_without_a_cluster_is_refused_before_the_input_is_read(
    address: str, tmp_path: Path, tiny_model: Path
) -> None:
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(2))
    config = ScoreConfig(
        inputs=(str(inputs),), out=tmp_path / "out", model=str(tiny_model), engine="ray", address=address
    )
    with pytest.raises(InputError, match="no cluster"):
        score(config)
    assert not config.out.exists()


def on_this_machine(inputs: Path, out: Path, model: Path, **settings: Any) -> ScoreConfig:
    """A run on a cluster that it starts itself."""
    return ScoreConfig(inputs=(str(inputs),), out=out, model=str(model), engine="ray", workers=1, **settings)


def test_without_an_address_this_machine_is_the_cluster_and_reports_to_nobody(
    tmp_path: Path, tiny_model: Path, score_here: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(20))
    score_here(inputs, tmp_path / "whole")
    seen: dict[str, set[str | None]] = {"raylet": set(), "gcs_server": set()}

    def listen(state: State) -> None:
        # By name, and these alone: Ray's agents have "raylet" in their command lines too, and like its workers they
        # write their titles over their environments, which then read as empty.
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.name() in seen and (environment := process.environ()):
                    seen[process.name()].add(environment.get("RAY_USAGE_STATS_ENABLED"))

    summary = score(on_this_machine(inputs, tmp_path / "out", tiny_model, shard_rows=5), listen)
    assert (summary.rows, summary.failed, summary.shards) == (20, 0, 4)
    assert flat_tables(tmp_path / "out") == flat_tables(tmp_path / "whole")
    assert seen == {"raylet": {"0"}, "gcs_server": {"0"}}


@pytest.mark.parametrize("killed", [True, False])
def test_workers_that_die_while_they_load_are_replaced(
    killed: bool, tmp_path: Path, tiny_model: Path, score_here: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = tmp_path / "deaths"
    deaths.mkdir()

    class Dying(ray_engine._RayWorker):
        def _load(self, settings: UnitSettings) -> ShardScorer:
            scorer = super()._load(settings)
            if (dead := len(os.listdir(deaths))) < 2:
                (deaths / str(dead)).touch()
                if killed:
                    os.kill(os.getpid(), signal.SIGKILL)
                raise RuntimeError("no memory")
            return scorer

    monkeypatch.setattr(ray_engine, "_RayWorker", Dying)
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(20))
    summary = score(on_this_machine(inputs, tmp_path / "out", tiny_model, shard_rows=5))
    assert (summary.rows, summary.failed, len(os.listdir(deaths))) == (20, 0, 2)
    score_here(inputs, tmp_path / "whole")
    assert flat_tables(tmp_path / "out") == flat_tables(tmp_path / "whole")
