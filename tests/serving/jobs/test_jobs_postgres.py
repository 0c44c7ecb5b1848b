"""The queue in a real Postgres: a killed job goes on, and two services with one database keep apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.jobs.helpers import JobService, rows_of, until
from tests.serving.jobs.test_jobs_kills import LINES, SHARDS, shards_done

pytestmark = pytest.mark.integration


def test_jobs_in_postgres(postgres: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANCE_JOBS_URL", f"{postgres}/stance")  # not there yet: the service makes it
    services = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        services.append(JobService(tmp_path / name, tiny_model, {"threads": 1}, threads=1))
    one, two = services
    try:
        jobs = [service.send(LINES, idempotency_key="same").json()["id"] for service in services]
        assert jobs[0] != jobs[1]
        until(lambda: shards_done(one, jobs[0]) >= 2, "a few shards")
        one.kill()
        one.start()
        for service, job in zip(services, jobs, strict=True):
            view = service.ended(job)
            assert (view["state"], view["summary"]["rows"]) == ("done", 4 * SHARDS), view
            assert [each["id"] for each in service.client.get("/v1/jobs").json()["jobs"]] == [job]
            assert not (service.jobs / "jobs.sqlite").exists()
        assert rows_of(one.jobs / jobs[0] / "out") == rows_of(two.jobs / jobs[1] / "out")
        assert one.client.delete(f"/v1/jobs/{jobs[0]}").status_code == 200
        assert two.get(jobs[1])["state"] == "done"
    finally:
        one.kill()
        two.kill()
