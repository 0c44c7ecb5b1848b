"""What a worker of Ray leaves for its next life in the output folder, without Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.batch import ray_engine
from serving.batch.config import ScoreConfig
from serving.batch.engine import score
from serving.batch.errors import EngineError, InputError
from serving.batch.local import DEATHS, PATIENCE
from serving.batch.ray_engine import _loading, _score
from serving.batch.run import Run, open_run
from serving.batch.unit import WORK, ShardRecord, ShardScorer
from tests.serving.batch.helpers import documents, write_jsonl


def test_a_worker_of_ray_that_always_dies_while_it_loads_ends_the_run(tmp_path: Path) -> None:
    mark = tmp_path / "loading"
    for _ in range(2):
        for _ in range(PATIENCE - 1):
            _loading(mark).__enter__()  # and then it is killed
        with _loading(mark):
            pass
    for _ in range(PATIENCE):
        _loading(mark).__enter__()
    with pytest.raises(EngineError, match="while it loaded"), _loading(mark):
        pass


def test_without_ray_a_run_is_refused_before_its_input_is_read(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(2))
    config = ScoreConfig(inputs=(str(inputs),), out=tmp_path / "out", model=str(tiny_model), engine="ray")
    with pytest.raises(InputError, match="install the extra"):
        score(config)
    assert not config.out.exists()


@pytest.fixture
def run(tmp_path: Path, tiny_model: Path) -> Iterator[Run]:
    inputs = write_jsonl(tmp_path / "in.jsonl", documents(6))
    config = ScoreConfig(inputs=(str(inputs),), out=tmp_path / "out", model=str(tiny_model), threads=1)
    with open_run(config) as opened:
        yield opened


def lives(run: Run, monkeypatch: pytest.MonkeyPatch, deadly: str) -> Iterator[ShardRecord | None]:
    """What comes of scoring the one shard again and again, with workers that documents of that id kill."""
    [task] = run.pending()
    scorer = ShardScorer(run.settings)
    prepare = scorer._classifier.prepare

    def killing(asked: list[Any]) -> Any:
        if any(document.id.startswith(deadly) for document in asked):
            raise SystemExit
        return prepare(asked)

    monkeypatch.setattr(scorer._classifier, "prepare", killing)
    while True:
        try:
            yield _score(scorer, task)
        except SystemExit:
            yield None


def test_a_row_that_kills_workers_of_ray_is_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    *dead, record = (next(found) for found in [lives(run, monkeypatch, "d3")] for _ in range(2 * DEATHS + 1))
    assert dead == [None] * (2 * DEATHS)
    assert record is not None
    assert (record.rows, record.errors) == (6, {"worker_died": 1})
    assert list((run.config.out / WORK).iterdir()) == []


def test_workers_of_ray_that_die_on_every_row_end_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = ShardScorer(run.settings)
    [task] = run.pending()

    def die(*_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(scorer, "score", die)
    for _ in range(PATIENCE):
        with pytest.raises(SystemExit):
            _score(scorer, task)
    with pytest.raises(EngineError, match=r"died one after the other on shard 0.*fewer --workers"):
        _score(scorer, task)
