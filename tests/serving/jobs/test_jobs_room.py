"""The routes without anybody who runs the jobs: full disks and queues, keys sent at once, the model, paths."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from serving.config import JobsConfig, ServingConfig
from serving.errors import ApiError, answer
from serving.jobs import handler
from serving.jobs.folder import JobsFolder
from serving.jobs.job import JobFailed
from serving.jobs.roots import named_sources
from serving.jobs.routes import JobsApi
from serving.jobs.work import opened
from tests.serving.conftest import ROOT
from tests.serving.jobs.test_jobs_sweep import ONE, accepted

ROW = b'{"id": "a", "text": "Russia condemned Ukraine."}\n'
JSONL = {"content-type": "application/x-ndjson"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def client(folder: Path, model: str | None = None, **jobs: Any) -> TestClient:
    """The routes alone; nobody runs the jobs."""
    config = ServingConfig(model=model, jobs=JobsConfig(folder=str(folder), **jobs))
    api = JobsApi(config, lambda: "stance:tiny")
    return TestClient(Starlette(routes=api.routes(), exception_handlers={ApiError: answer}))


def test_an_upload_beyond_the_reserve_is_refused(small: Path) -> None:
    response = client(small / "jobs").post("/v1/jobs", content=ROW, headers=JSONL)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "no_room")
    assert int(response.headers["retry-after"]) > 0


def test_a_disk_that_fills_up_ends_the_upload(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "RESERVE", -(10**9))
    response = client(small / "jobs").post("/v1/jobs", content=ROW * 20_000, headers=JSONL)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "no_room")
    assert list((small / "jobs" / "incoming").iterdir()) == []


def test_a_job_ends_where_there_is_no_room(small: Path, tiny_model: Path) -> None:
    jobs = JobsFolder(small / "jobs")
    jobs.make()
    folder = accepted(jobs, ONE)
    rows = b"".join(b'{"id": "%d", "text": "x %d"}\n' % (i, i) for i in range(600))
    (folder.input / "upload.jsonl").write_bytes(rows)
    record = folder.record()
    assert record is not None
    folder.keep(record.model_copy(update={"model": str(tiny_model)}))
    with pytest.raises(JobFailed) as caught, opened(folder, (), None):
        pass
    assert caught.value.code == "no_room"
    assert str(small) not in str(caught.value)


def test_a_full_queue_is_said_and_a_known_key_still_answered(tmp_path: Path) -> None:
    asked = client(tmp_path / "jobs", queued=1)
    first = asked.post("/v1/jobs", content=ROW, headers={**JSONL, "idempotency-key": "k"})
    assert first.status_code == 201
    full = asked.post("/v1/jobs", content=ROW, headers=JSONL)
    assert (full.status_code, full.json()["error"]["code"]) == (503, "too_many_jobs")
    assert asked.post("/v1/jobs", content=ROW, headers={**JSONL, "idempotency-key": "k"}).status_code == 200


def test_a_database_that_does_not_answer_is_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANCE_JOBS_URL", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1")
    response = client(tmp_path / "jobs").post("/v1/jobs", content=ROW, headers=JSONL)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "jobs_unavailable")
    assert "nobody" not in response.text


def test_a_key_that_comes_from_several_callers_at_once_is_one_job(tmp_path: Path) -> None:
    asked = client(tmp_path / "jobs")

    def send(_: int) -> tuple[int, str]:
        response = asked.post("/v1/jobs", content=ROW, headers={**JSONL, "idempotency-key": "k"})
        return response.status_code, response.json()["id"]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(8)))
    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len({job for _, job in answers}) == 1
    assert len(asked.get("/v1/jobs").json()["jobs"]) == 1
    assert list((tmp_path / "jobs" / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("model", "kept"),
    [(None, None), ("a/folder", "a/folder"), ("stance:v1", "stance:v1"), ("stance:current", "stance:tiny"),
     ("stance:latest", "stance:tiny")],
)  # fmt: skip
def test_a_job_keeps_the_model_that_answers_when_it_is_sent(
    tmp_path: Path, model: str | None, kept: str | None
) -> None:
    job = client(tmp_path / "jobs", model).post("/v1/jobs", content=ROW, headers=JSONL).json()["id"]
    folder = JobsFolder(tmp_path / "jobs").job(job)
    record = folder.record() if folder else None
    assert record is not None
    assert record.model == kept


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that jobs may read, with a link out of it to a folder with a table and a note."""
    folder, outside = tmp_path / "root", tmp_path / "outside"
    (folder / "in").mkdir(parents=True)
    outside.mkdir()
    for path in (folder / "in" / "a.csv", outside / "secret.csv"):
        path.write_text("id,text\na,Russia condemned Ukraine.\n")
    (outside / "note.txt").touch()
    (folder / "link").symlink_to(outside)
    return folder


@pytest.mark.parametrize(
    "path",
    ["link/{}.csv", "lin*/{}.csv", "l*k/{}.*", "**/{}.csv", "*/{}.csv", "lin?/[{}]*", "{{root}}/lin*/{}.csv"],
)  # fmt: skip
def test_a_path_that_leads_outside_is_refused_in_the_same_words(tmp_path: Path, root: Path, path: str) -> None:
    asked = client(tmp_path / "jobs", roots=[str(root)])
    told = set()
    for name in ("secret", "none", "note"):
        named = path.format(name).format(root=root)
        response = asked.post("/v1/jobs", json={"path": named})
        assert response.status_code == 422
        told.add(response.json()["error"]["message"].replace(named, "PATH"))
    assert len(told) == 1


def test_a_pattern_names_what_it_finds_inside_alone(root: Path, tmp_path: Path) -> None:
    sources, ignored = named_sources("*/*", [str(root)], tmp_path / "out")
    assert ([source.label for source in sources], ignored) == (["in/a.csv"], [])


def test_a_table_without_the_column_is_refused_at_once_wherever_it_stands(tmp_path: Path, root: Path) -> None:
    for name in ("b.csv", "c.csv"):
        (root / "in" / name).write_text("id,body\na,b\n" if name == "c.csv" else "id,text\na,b\n")
    response = client(tmp_path / "jobs", roots=[str(root)]).post("/v1/jobs", json={"path": "in"})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "unusable_input")
    assert error["message"].startswith("in/c.csv: has no column 'text' (it has id, body)")
    assert "text_column" in error["message"]


def test_a_runner_without_work_ends(tmp_path: Path) -> None:
    config = JobsConfig(folder=str(tmp_path / "jobs"))
    jobs = JobsFolder.of(config)
    jobs.make()
    jobs.wake()
    start = "import sys; from serving.jobs import runner; runner.IDLE = 0.1; runner.main(sys.argv[1])"
    command = [sys.executable, "-c", start, config.model_dump_json()]
    ended = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert ended.wait(120) == 0
    assert not jobs.awake
