"""A way to score small inputs inside the test's own process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.batch.config import ScoreConfig, ScoreSummary
from serving.batch.run import finish, open_run
from serving.batch.unit import ShardScorer

Score = Callable[..., ScoreSummary]


@pytest.fixture(scope="session")
def score_here(tiny_model: Path) -> Score:
    """Scores without worker processes; `limit` ends after so many shards, as a killed run would."""

    def run(inputs: Path | str, out: Path, limit: int | None = None, **settings: Any) -> ScoreSummary | None:
        named = {"model": str(tiny_model), "threads": 1, **settings}
        with open_run(ScoreConfig(inputs=(str(inputs),), out=out, **named)) as opened:
            resumed = set(opened.done)
            pending = opened.pending()[:limit]
            scorer = ShardScorer(opened.settings) if pending else None
            for task in pending:
                assert scorer is not None
                opened.done[task.shard.index] = scorer.score(task)
            return finish(opened, resumed, 1.0) if limit is None else None

    return run
