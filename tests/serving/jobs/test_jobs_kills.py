"""Jobs survive the death of all processes: every row once, by one model, without doing again what was done."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.jobs.folder import JobsFolder
from serving.jobs.work import opened
from stance.artifact import read_manifest, write_manifest
from tests.serving.batch.helpers import documents
from tests.serving.jobs.helpers import JobService, rows_of, until
from tests.serving.jobs.test_jobs_sweep import ONE, accepted

SHARDS = 30
LINES = "".join(json.dumps(row) + "\n" for row in documents(4 * SHARDS)).encode()


@pytest.fixture
def own_model(tiny_model: Path, tmp_path: Path) -> Path:
    """A model folder that a test may change."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in tiny_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def service(own_model: Path, tmp_path: Path) -> Iterator[JobService]:
    """A service that a test may kill."""
    running = JobService(tmp_path, own_model, {"threads": 1}, threads=1)
    yield running
    running.kill()


def shards_done(service: JobService, job: str) -> int:
    return int(service.get(job).get("progress", {}).get("shards", 0))


def kill_children(service: JobService) -> None:
    children = Path(f"/proc/{service.process.pid}/task").glob("*/children")
    for pid in [pid for each in children for pid in each.read_text().split()]:
        os.kill(int(pid), 9)


def parts(service: JobService, job: str) -> dict[str, tuple[int, int]]:
    """Which files the finished shards have, and when they were written."""
    folder = service.jobs / job / "out" / "manifest"
    # A killed writer may leave a hidden half-written file behind, which is no finished shard.
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("part-*.json")}


def test_a_killed_job_goes_on_with_every_shard_once(service: JobService) -> None:
    whole = service.send(LINES).json()["id"]
    assert service.ended(whole)["summary"]["rows"] == 4 * SHARDS
    job = service.send(LINES).json()["id"]
    kept: dict[str, tuple[int, int]] = {}
    for least in (2, 6, 12):
        until(lambda least=least: shards_done(service, job) >= least, "a few shards")
        service.kill()
        before = parts(service, job)
        assert kept.items() <= before.items(), "a shard that was done was written again"
        kept = before
        service.start()
    view = service.ended(job)
    assert view["state"] == "done", view
    assert "restarts" not in view
    assert kept.items() <= parts(service, job).items()
    assert rows_of(service.jobs / job / "out") == rows_of(service.jobs / whole / "out")
    assert _result(service, job) == _result(service, whole)


def _result(service: JobService, job: str) -> bytes:
    return service.result(job).content


def test_a_runner_that_dies_alone_is_replaced(service: JobService) -> None:
    job = service.send(LINES).json()["id"]
    until(lambda: shards_done(service, job) >= 2, "a few shards")
    kill_children(service)
    assert service.ended(job)["state"] == "done"
    assert service.client.get("/livez").status_code == 200
    assert "starting it again" in service.log()


def test_the_workers_die_with_the_service(service: JobService) -> None:
    job = service.send(LINES).json()["id"]
    until(lambda: shards_done(service, job) >= 1, "the first shard")
    os.kill(service.process.pid, 9)
    service.process.wait()
    until(lambda: not _alive(service.process.pid), "the end of all processes", pause=0.1)


def _alive(group: int) -> list[str]:
    """The processes of a group that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of_group) == group and state != "Z":
            found.append(stat.parent.name)
    return found


def test_a_model_that_changed_meanwhile_scores_the_job_from_its_start(service: JobService, own_model: Path) -> None:
    job = service.send(LINES).json()["id"]
    until(lambda: shards_done(service, job) >= 2, "a few shards")
    service.kill()
    before = parts(service, job)
    manifest = read_manifest(own_model)
    write_manifest(own_model, manifest.model_copy(update={"tag": "stance:changed"}))
    service.start()
    view = service.ended(job)
    assert view["state"] == "done", view
    assert view["restarts"] == [f"the model was {manifest.tag}, now stance:changed"]
    assert view["summary"]["model"] == "stance:changed"
    assert not before.items() & parts(service, job).items()
    rows = [json.loads(line) for line in _result(service, job).splitlines()]
    assert {row["model"] for row in rows} == {"stance:changed"}
    assert [row["position"] for row in rows] == list(range(4 * SHARDS))


def test_a_model_that_is_gone_fails_the_job_until_it_is_resumed(service: JobService, own_model: Path) -> None:
    job = service.send(LINES).json()["id"]
    until(lambda: shards_done(service, job) >= 1, "the first shard")
    own_model.rename(own_model.with_name("away"))
    kill_children(service)
    view = service.ended(job)
    own_model.with_name("away").rename(own_model)
    assert (view["state"], view["error"]["code"]) == ("failed", "unusable_input")
    assert "model" in view["error"]["message"]
    until(lambda: (service.jobs / job / "ended").exists(), "the tidying up")
    _resume_the_failed(service, job)


def _resume_the_failed(service: JobService, job: str) -> None:
    """It goes on where it was, in its place among the jobs, and ends as if it had never failed."""
    before, created = parts(service, job), service.get(job)["created"]
    assert len(before) in range(1, SHARDS)
    for _ in range(2):
        resumed = service.client.post(f"/v1/jobs/{job}/resume")
        assert resumed.status_code == 200, resumed.text
        assert resumed.json()["created"] == created
        assert "error" not in resumed.json()
    assert service.ended(job)["summary"]["rows"] == 4 * SHARDS
    assert before.items() <= parts(service, job).items(), "a shard that was done was written again"
    whole = service.ended(service.send(LINES).json()["id"])["id"]
    assert rows_of(service.jobs / job / "out") == rows_of(service.jobs / whole / "out")
    until(lambda: not (service.jobs / job / "input").exists(), "the tidying up")
    refused = service.client.post(f"/v1/jobs/{job}/resume")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_failed")


def test_a_named_file_that_changes_meanwhile_changes_nothing(own_model: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "rows.jsonl").write_bytes(LINES)
    service = JobService(tmp_path, own_model, {"roots": [str(root)]}, threads=1)
    try:
        job = service.client.post("/v1/jobs", json={"path": "rows.jsonl"}).json()["id"]
        until(lambda: shards_done(service, job) >= 2, "a few shards")
        service.kill()
        (root / "rows.jsonl").unlink()
        service.start()
        view = service.ended(job)
        assert (view["state"], view["summary"]["rows"]) == ("done", 4 * SHARDS), view
    finally:
        service.kill()


def test_one_of_several_processes_runs_jobs(own_model: Path, tmp_path: Path) -> None:
    service = JobService(tmp_path, own_model, {"folder": str(tmp_path / "jobs")}, workers=2, threads=1)
    try:
        jobs = [service.send(LINES).json()["id"] for _ in range(3)]
        runners = 0
        while any(service.get(job)["state"] in ("queued", "running") for job in jobs):
            runners = max(runners, _runners(tmp_path / "jobs"))
            time.sleep(0.1)
        assert [service.get(job)["state"] for job in jobs] == ["done"] * 3
        assert runners == 1
    finally:
        service.stop()
    until(lambda: not _runners(tmp_path / "jobs"), "the end of the runner")


def test_jobs_run_beside_each_other(own_model: Path, tmp_path: Path) -> None:
    service = JobService(tmp_path, own_model, {"running": 2, "threads": 1}, threads=1)
    rows = "".join(json.dumps(row) + "\n" for row in documents(300)).encode()
    try:
        jobs = [service.send(rows).json()["id"] for _ in range(4)]
        until(lambda: _at_work(service, jobs) == jobs[:2], "the first two, side by side")
        service.kill()
        kept = [parts(service, job) for job in jobs[:2]]
        service.start()
        until(lambda: _at_work(service, jobs) == jobs[:2], "the first two, side by side again")
        assert service.client.delete(f"/v1/jobs/{jobs[0]}").json()["state"] == "cancelled"
        for job in jobs[1:]:
            assert service.ended(job)["summary"]["rows"] == 300
        assert kept[1].items() <= parts(service, jobs[1]).items()
        first, *others = (rows_of(service.jobs / job / "out") for job in jobs[1:])
        assert others == [first] * 2
    finally:
        service.kill()


def _at_work(service: JobService, jobs: list[str]) -> list[str]:
    """Which of the jobs are running and have a shard."""
    return [job for job in jobs if shards_done(service, job) and service.get(job)["state"] == "running"]


def _runners(jobs: Path) -> int:
    """How many runners a jobs folder has.

    A worker that a runner is just starting is a copy of the runner until it has become another program: no second one.
    """
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if b"serving.jobs" in command and str(jobs).encode() in command[-2]:
                parents[folder.name] = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return sum(parent not in parents for parent in parents.values())


def test_a_job_killed_at_its_very_end_ends_again(own_model: Path, tmp_path: Path) -> None:
    jobs = JobsFolder(tmp_path / "jobs")
    jobs.make()
    folder = accepted(jobs, ONE, model=str(own_model))
    with opened(folder, (), 1) as work:
        assert [work.score(index) for index in work.missing()] == [0]
        first = work.finish()
    with opened(folder, (), 1) as work:
        assert work.missing() == []
        assert work.finish() == first
    write_manifest(own_model, read_manifest(own_model).model_copy(update={"tag": "stance:changed"}))
    with opened(folder, (), 1) as work:
        assert [work.score(index) for index in work.missing()] == [0]
        assert work.finish() == {**first, "model": "stance:changed"}
