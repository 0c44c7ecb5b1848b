"""Whole files through the page in a real browser: sent, followed, fetched, cancelled, removed, resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrations.browser import Page
from tests.integrations.conftest import Open
from tests.serving.batch.helpers import documents, write_jsonl
from tests.serving.conftest import KEY, Service

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _no_job_goes_on(open_service: Open) -> Iterator[None]:
    """The next test finds the one place for jobs free, whatever became of this one."""
    yield
    client = open_service.running.client
    for job in client.get("/v1/jobs").json()["jobs"]:
        client.delete(f"/v1/jobs/{job['id']}")


def send(page: Page, file: Path) -> None:
    """Choose a file and send it."""
    page.find("#file").send_keys(str(file))
    page.press("#send")


def names(page: Page) -> set[str]:
    """The files whose jobs stand in the list."""
    return {row[0] for row in page.rows("#job-list")}


def told(page: Page, file: Path, *states: str) -> str:
    """What is told of a file's job, once it is in one of these states."""

    def look() -> list[str] | None:
        rows = (row for row in page.rows("#job-list") if row[0] == file.name and row[1] in states)
        return next(rows, None)

    row = page.wait(look, f"{file.name}: {' or '.join(states)}")
    assert row is not None
    return row[2]


def button(word: str, file: Path) -> str:
    """The selector of a button in a job's row."""
    return f'#job-list [aria-label="{word}: {file.name}"]'


def test_a_file_is_scored_and_its_tables_are_saved(page: Page, keyed_service: Service, tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "<img src=x onerror=alert(1)>.jsonl", [*documents(6), {"id": "none"}])
    page.open(str(keyed_service.client.base_url))
    page.enter("#key", KEY)
    page.wait(lambda: page.shown("#file"), "the form for files")
    send(page, file)
    assert told(page, file, "done").startswith("7 rows, 1 failed results")
    assert page.find("#file").get_attribute("value") == ""
    page.press(button("results", file))
    rows = [json.loads(line) for line in page.downloaded("results.jsonl").splitlines()]
    assert [row["id"] for row in rows] == [*(f"d{i}" for i in range(6)), "none"]
    page.press(button("errors", file))
    assert b"missing_text" in page.downloaded("errors.jsonl")
    for table in ("sentiment", "stances", "relations"):
        assert page.shown(button(table, file))
    assert page.says() == {}


def test_a_file_that_cannot_be_used_is_refused(page: Page, open_service: Open, tmp_path: Path) -> None:
    page.open(open_service.address)
    page.wait(lambda: page.shown("#file"), "the form for files")
    page.paste("#text-column", "body")
    send(page, write_jsonl(tmp_path / "empty.jsonl", []))
    assert "empty" in page.text("#job-error")
    assert page.find("#text-column").get_attribute("value") == "body"
    assert "empty.jsonl" not in names(page)


def test_a_job_is_followed_cancelled_and_removed(page: Page, open_service: Open, tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "long.jsonl", documents(800))
    page.open(open_service.address)
    page.wait(lambda: page.shown("#file"), "the form for files")
    send(page, file)
    told(page, file, "queued", "running")
    send(page, write_jsonl(tmp_path / "second.jsonl", documents(1)))
    assert page.text("#job-error") == "1 jobs have not ended; try again when one has; try again in 60 s"
    page.wait(lambda: "of 800 rows" in told(page, file, "running"), "progress")
    cancel = page.find(button("Cancel", file))
    page.driver.execute_script("arguments[0].focus()", cancel)
    page.wait(lambda: page.find(button("Cancel", file)) != cancel, "a newer table")
    assert page.driver.switch_to.active_element.get_attribute("aria-label") == f"Cancel: {file.name}"
    with page.pressing(button("Cancel", file)):
        before = page.asked("v1/jobs")
        page.wait(lambda: page.asked("v1/jobs") > before + 1, "newer answers, under a slow finger")
    assert told(page, file, "cancelled") == ""
    page.press(button("Remove", file))
    page.wait(lambda: file.name not in names(page), "the removal")
    kept = open_service.running.client.get("/v1/jobs").json()["jobs"]
    assert file.name not in {job["input"]["name"] for job in kept}


def test_a_failed_job_is_resumed(page: Page, open_service: Open, tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "rows.jsonl", documents(6))
    page.open(open_service.address)
    page.wait(lambda: page.shown("#file"), "the form for files")
    away = open_service.model.rename(open_service.model.with_name("away"))
    try:
        send(page, file)
        assert "model" in told(page, file, "failed")
        assert page.shown(button("Remove", file))
    finally:
        away.rename(open_service.model)
    page.press(button("Resume", file))
    assert told(page, file, "done").startswith("6 rows, 0 failed")
    assert not page.shown(button("Resume", file))
    assert page.says() == {}


def test_files_stay_in_sight_while_the_service_is_away(page: Page, open_service: Open) -> None:
    page.open(open_service.address)
    page.wait(lambda: page.shown("#file"), "the form for files")
    page.driver.set_network_conditions(offline=True, latency=0, throughput=0)
    try:
        page.enter("#key", "any")  # makes the page look for jobs again
        page.wait(lambda: any("v1/jobs" in entry["message"] for entry in page.logged()), "the failure")
    finally:
        page.driver.delete_network_conditions()
    assert page.shown("#file")
