"""Labels through a real Label Studio: tasks with predictions in, an annotation by its API, its export back."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stance.cli.app import run
from stance.labelled import LabelledDocument
from tests.stance.test_cli_data import write
from tests.training.test_data_label_studio import DOCUMENT, INTERFACE
from training.data.label_studio import regions
from training.data.readers import read_jsonl

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".venv-label-studio" / "bin" / "label-studio"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
#: Its first start makes the database, by two hundred migrations.
SECONDS_TO_START = 420
#: Nothing is reported to anybody, and nothing looked up.
QUIET = {
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "FEATURE_FLAGS_OFFLINE": "true",
}
OPEN = LabelledDocument(id="open", text="Orsan met Talvia. It thanked Brel.")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server that was started for this module, with a database of its own."""
    if not PROGRAM.exists():
        pytest.skip(f"no Label Studio: {PROGRAM} is missing; `make test-integrations` installs it")
    home, port = tmp_path_factory.mktemp("studio"), free_port()
    settings = {"PATH": os.environ["PATH"], "HOME": str(home), "LABEL_STUDIO_BASE_DATA_DIR": str(home), **QUIET}
    user = ["--username", "ada@example.org", "--password", "ada-and-a-secret", "--user-token", TOKEN]
    command = [str(PROGRAM), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), *user]
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--enable-legacy-api-token"], env=settings, cwd=home, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        headers = {"Authorization": f"Token {TOKEN}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
            wait_until_up(client, server, log)
            yield client
    finally:
        server.terminate()
        server.wait(30)


def wait_until_up(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            if client.get("/api/projects").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(1)
    pytest.fail(f"Label Studio did not start:\n{log.read_text(errors='replace')[-3000:]}")


def answer(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()


@pytest.fixture(scope="module")
def project(studio: httpx.Client) -> int:
    """A project with the shipped interface, which Label Studio checks."""
    body = {"title": "stance", "label_config": INTERFACE.read_text(encoding="utf-8")}
    return int(answer(studio.post("/api/projects", json=body))["id"])


def corrected() -> LabelledDocument:
    """What a person makes of the open text."""
    actors = [{"id": name.lower(), "name": name, "type": "state"} for name in ("Orsan", "Talvia", "Brel")]
    spans = {"orsan": (0, 5), "talvia": (10, 16), "brel": (29, 33)}
    mentions = [{"actor": actor, "start": start, "end": end} for actor, (start, end) in spans.items()]
    return LabelledDocument.model_validate(
        {
            **OPEN.model_dump(exclude_defaults=True),
            "actors": actors,
            "mentions": mentions,
            "sentiment": [{"sentence": [18, 34], "actor": "brel", "label": "positive"}],
            "stances": [{"sentence": [18, 34], "holder": "orsan", "target": "brel", "label": "favor"}],
            "sentences": [[0, 17], [18, 34]],
        }
    )


def test_tasks_go_in_with_predictions_and_come_back_as_the_labels_that_people_gave(
    studio: httpx.Client, project: int, tmp_path: Path, tiny_model: Path
) -> None:
    labels = write(tmp_path / "in.jsonl", *(d.model_dump(exclude_defaults=True) for d in (DOCUMENT, OPEN)))
    tasks, exported, back = (tmp_path / name for name in ("tasks.json", "export.json", "back.jsonl"))
    command = ["data", "export", labels, "--format", "label_studio", "--predictions", "--model", str(tiny_model)]
    assert run([*command, "--out", str(tasks)]) == 0
    body = json.loads(tasks.read_text(encoding="utf-8"))
    counts = answer(studio.post(f"/api/projects/{project}/import", json=body))
    assert (counts["task_count"], counts["annotation_count"], counts["prediction_count"]) == (2, 1, 2)

    listed = answer(studio.get("/api/tasks", params={"project": project, "fields": "all"}))["tasks"]
    number = next(task["id"] for task in listed if task["data"]["id"] == "open")
    given = answer(studio.get(f"/api/tasks/{number}"))
    assert [one["model_version"] for one in given["predictions"]] == ["stance:tiny-mpnet-0"]
    answer(studio.post(f"/api/tasks/{number}/annotations", json={"result": regions(corrected())}))

    response = studio.get(f"/api/projects/{project}/export", params={"exportType": "JSON"})
    assert response.is_success
    exported.write_bytes(response.content)
    assert run(["data", "import", str(exported), "--format", "label_studio", "--out", str(back)]) == 0
    found = {document.id: document for document in read_jsonl(back)}
    assert found["d1"] == DOCUMENT
    assert found["open"].stances == corrected().stances
    assert found["open"].sentiment == corrected().sentiment
    assert found["open"].mentions == corrected().mentions


def test_what_nobody_has_annotated_is_no_label(
    studio: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"title": "untouched", "label_config": INTERFACE.read_text(encoding="utf-8")}
    number = int(answer(studio.post("/api/projects", json=body))["id"])
    prediction = {"model_version": "m", "result": regions(corrected())}
    task = {"data": {"id": "open", "text": OPEN.text}, "predictions": [prediction]}
    answer(studio.post(f"/api/projects/{number}/import", json=[task]))
    parameters = {"exportType": "JSON", "download_all_tasks": "true"}
    exported = tmp_path / "export.json"
    exported.write_bytes(studio.get(f"/api/projects/{number}/export", params=parameters).content)
    out = tmp_path / "o.jsonl"
    assert run(["data", "import", str(exported), "--format", "label_studio", "--out", str(out)]) == 2
    assert "has no document, so nothing was written" in capsys.readouterr().err
    assert not out.exists()
