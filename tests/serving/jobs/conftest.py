"""One service with jobs for all tests that only ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.batch.helpers import documents, write_jsonl
from tests.serving.jobs.helpers import JobService


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose files jobs may name, and a file beside it which they may not."""
    root = tmp_path_factory.mktemp("files") / "corpus"
    (root / "year").mkdir(parents=True)
    write_jsonl(root / "year" / "a.jsonl", documents(6))
    secret = write_jsonl(root.parent / "secret.jsonl", documents(1))
    (root / "link.jsonl").symlink_to(secret)
    (root / "door").symlink_to(root.parent)
    return root


@pytest.fixture(scope="session")
def jobs_service(tiny_model: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    """A service that takes small uploads and may read `corpus`."""
    jobs = {"roots": [str(corpus)], "upload_bytes": 300_000}
    service = JobService(tmp_path_factory.mktemp("jobs"), tiny_model, jobs)
    yield service
    service.stop()
