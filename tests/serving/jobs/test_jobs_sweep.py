"""What is left of jobs: results until they expire, and nothing that nobody needs."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from serving.batch.config import RowLimits
from serving.jobs.folder import STALE_UPLOAD, JobFolder, JobsFolder
from serving.jobs.job import JobRecord, JobSettings
from serving.jobs.store import JobStore
from serving.jobs.sweep import Sweeper
from tests.serving.jobs.helpers import JobService, until

WEEK = timedelta(days=7)
AT_ONCE = timedelta(seconds=-1)
ONE, TWO = "1" * 32, "2" * 32


@pytest.fixture
def jobs(tmp_path: Path) -> JobsFolder:
    folder = JobsFolder(tmp_path / "jobs")
    folder.make()
    return folder


@pytest.fixture
def store(jobs: JobsFolder) -> JobStore:
    return JobStore(jobs)


def accepted(jobs: JobsFolder, name: str, model: str | None = None) -> JobFolder:
    received = jobs.receive()
    (received.input / "upload.jsonl").write_bytes(b'{"id": "a", "text": "b"}\n')
    received.keep(
        JobRecord(
            settings=JobSettings(),
            name="upload.jsonl",
            bytes=25,
            file="upload.jsonl",
            path=None,
            model=model,
            shard_rows=1,
            limits=RowLimits(),
            fingerprint="x",
        )
    )
    folder = jobs.accept(received, name)
    assert folder is not None
    return folder


def age(path: Path, seconds: float) -> None:
    for each in (*path.rglob("*"), path):
        os.utime(each, (time.time() - seconds,) * 2)


def test_an_unfinished_job_keeps_everything(jobs: JobsFolder, store: JobStore) -> None:
    folder = accepted(jobs, ONE)
    store.submit(ONE)
    assert Sweeper(jobs, store, AT_ONCE).sweep() == 1
    assert (folder.input / "upload.jsonl").exists()
    assert not jobs.anything_due(WEEK)


def test_a_cancelled_job_keeps_its_name_until_it_expires(jobs: JobsFolder, store: JobStore) -> None:
    folder = accepted(jobs, ONE)
    (folder.out / "results").mkdir(parents=True)
    store.submit(ONE)
    store.cancel(ONE)
    sweeper = Sweeper(jobs, store, WEEK)
    assert sweeper.sweep(at_work=frozenset({ONE})) == 0
    assert folder.input.exists(), "not while its workers still write"
    sweeper.sweep()
    assert sorted(path.name for path in folder.path.iterdir()) == ["ended", "job.json"]
    assert store.get(ONE) is not None
    Sweeper(jobs, store, AT_ONCE).sweep()
    assert store.get(ONE) is None
    assert not folder.path.exists()


def test_whether_something_has_expired_is_told_without_the_queue(jobs: JobsFolder, store: JobStore) -> None:
    accepted(jobs, ONE)
    store.submit(ONE)
    store.cancel(ONE)
    Sweeper(jobs, store, WEEK).sweep()
    assert not jobs.anything_due(WEEK)
    assert jobs.anything_due(timedelta(0))


def test_an_order_that_never_reached_the_queue_is_dropped_in_the_end(jobs: JobsFolder, store: JobStore) -> None:
    folder = accepted(jobs, ONE)
    accepted(jobs, TWO)
    age(folder.path, WEEK.total_seconds() + 60)
    assert jobs.anything_due(WEEK)
    Sweeper(jobs, store, WEEK).sweep()
    assert [left.id for left in jobs.jobs()] == [TWO]


def test_an_upload_that_stopped_coming_is_dropped(jobs: JobsFolder, store: JobStore) -> None:
    old, new = jobs.receive(), jobs.receive()
    age(old.path, STALE_UPLOAD + 60)
    assert jobs.anything_due(WEEK)
    Sweeper(jobs, store, WEEK).sweep()
    assert list(jobs.incoming.iterdir()) == [new.path]


def test_a_name_is_taken_once(jobs: JobsFolder) -> None:
    accepted(jobs, ONE)
    second = jobs.receive()
    assert jobs.accept(second, ONE) is None


@pytest.mark.parametrize("name", ["", "x", "../" + "1" * 29, "1" * 31, "A" * 32, "incoming"])
def test_only_ids_are_jobs(jobs: JobsFolder, name: str) -> None:
    assert jobs.job(name) is None


def test_results_expire(tiny_model: Path, tmp_path: Path) -> None:
    service = JobService(tmp_path, tiny_model, {"keep_hours": 0.002})
    try:
        job = service.send(b'{"id": "a", "text": "Russia condemned Ukraine."}\n').json()["id"]
        view = service.ended(job)
        assert view["state"] == "done"
        assert view["expires"] > view["ended"]
        until(lambda: service.client.get(f"/v1/jobs/{job}").status_code == 404, "the end of its time", pause=0.5)
        assert not (service.jobs / job).exists()
    finally:
        service.kill()
