"""A shadow model beside a real service: answers are the other's, and what differs is kept and shown."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.aside.compare import compare
from serving.aside.store import ShadowStore
from serving.config import ConfigError
from serving.run import serve
from stance.artifact import ArtifactError
from stance.cli.app import run
from stance.schema import DocumentResult
from tests.conftest import export_tiny
from tests.serving.conftest import Service, run_service

MODEL, OTHER = "stance:tiny-mpnet-0", "stance:tiny-mpnet-1"
TEXT = "Russia condemned Ukraine. France praised the treaty."


def result(model: str, sentiment: dict[str, str], stances: dict[tuple[str, str], str]) -> DocumentResult:
    said: dict[str, Any] = {"confidence": 0.9, "abstained": False, "scores": {}}
    row = {
        "index": 0,
        "start": 3,
        "end": 7,
        "text": "Text",
        "sentiment": [{**said, "actor": actor, "label": label} for actor, label in sentiment.items()],
        "stances": [
            {**said, "holder": h, "target": t, "label": label, "holder_sentence": 0}
            for (h, t), label in stances.items()
        ],
    }
    return DocumentResult.model_validate({"id": "d", "model": model, "sentences": [row]})


def test_answers_are_compared_by_what_was_asked() -> None:
    served = result("a", {"x": "positive", "y": "neutral"}, {("x", "y"): "favor", ("y", "x"): "neutral"})
    shadow = result("b", {"x": "positive", "z": "neutral"}, {("x", "y"): "against", ("x", "z"): "favor"})
    found = compare(served, shadow)
    assert found.compared == {"sentiment": 3, "stance": 2}
    assert found.agreed == {"sentiment": 1}
    told = [(d.key.holder, d.key.target, d.served and d.served.label, d.shadow and d.shadow.label, d.text)
            for d in found.disagreements]  # fmt: skip
    assert told == [
        (None, "y", "neutral", None, "Text"),
        (None, "z", None, "neutral", "Text"),
        ("x", "y", "favor", "against", "Text"),
        ("x", "z", None, "favor", "Text"),
    ]


@pytest.mark.parametrize("include", [(), (("y", "x"),)])
def test_listed_neutral_stances_change_no_agreement(include: tuple[tuple[str, str], ...]) -> None:
    served = result("a", {}, {("x", "y"): "favor", **dict.fromkeys(include, "neutral")})
    assert compare(served, result("b", {}, {("x", "y"): "favor"})).compared == {"stance": 1}


def test_workers_that_count_together_lose_nothing(database_url: str) -> None:
    url = database_url
    found = compare(result("a", {"x": "positive"}, {("x", "y"): "favor"}), result("b", {"x": "positive"}, {}))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda at: ShadowStore(url).add(str(at), "a", "b", found), range(20)))
    store = ShadowStore(url)
    assert [(a.kind, a.compared, a.agreed, a.share) for a in store.agreement()] == [
        ("sentiment", 20, 20, 1.0),
        ("stance", 20, 0, 0.0),
    ]
    (latest, *_) = store.disagreements(20)
    assert (latest["model"], latest["shadow"], latest["text"], latest["sentence_start"]) == ("a", "b", "Text", 3)
    assert (latest["label"], latest["shadow_label"], latest["shadow_confidence"]) == ("favor", "neutral", None)
    assert len(store.disagreements(3)) == 3


def test_only_the_latest_disagreements_stay(database_url: str) -> None:
    store = ShadowStore(database_url, kept=5)
    found = compare(result("a", {"x": "positive"}, {("x", "y"): "favor"}), result("b", {"x": "negative"}, {}))
    for number in range(6):
        store.add(str(number), "a", "b", found)
    assert [row["document"] for row in store.disagreements(100)] == ["5", "5", "4", "4", "3"]
    assert [one.compared for one in store.agreement()] == [6, 6]
    store.close()


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of other weights."""
    return export_tiny(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(scope="module")
def shadowed(tiny_model: Path, other_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose every document is also shown to the other model."""

    def command(config: Path, port: int) -> list[str]:
        start = "import sys, pathlib; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"
        return [sys.executable, "-c", start, str(config)]

    shadow = {"model": str(other_model), "share": 1.0, "queued": 8}
    folder = tmp_path_factory.mktemp("shadowed")
    yield from run_service(folder, tiny_model, command, {}, threads=1, shadow=shadow)


def metric(service: Service, outcome: str) -> float:
    found = re.search(
        rf'^stance_shadow_documents_total{{.*outcome="{outcome}".*}} (.*)$', service.client.get("/metrics").text, re.M
    )
    return float(found[1]) if found else 0.0


def until(service: Service, outcome: str, number: int) -> None:
    deadline = time.monotonic() + 120
    while metric(service, outcome) < number:
        assert time.monotonic() < deadline, service.client.get("/metrics").text
        time.sleep(0.1)


def test_disagreements_are_kept_and_shown(
    shadowed: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = shadowed.classify([{"id": f"d{i}", "text": TEXT} for i in range(4)]).json()
    assert answer["model"] == MODEL
    assert {r["model"] for r in answer["results"]} == {MODEL}
    until(shadowed, "done", 4)
    monkeypatch.setenv("STANCE_HOME", str(shadowed.network.parent / "home"))
    assert run(["models", "shadow"]) == 0
    shown = capsys.readouterr()
    assert f"{OTHER} against {MODEL}, sentiment: " in shown.err
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert rows
    assert {(row["model"], row["shadow"]) for row in rows} == {(MODEL, OTHER)}
    for row in rows:
        assert row["text"] == TEXT[row["sentence_start"] : row["sentence_end"]]
        assert row["label"] != row["shadow_label"]
    assert run(["models", "shadow", "--format", "text", "--limit", "1"]) == 0
    told = capsys.readouterr().out
    assert f"{OTHER} against {MODEL}, sentiment: " in told
    assert told.count(f"({OTHER})") == 1


def test_a_full_queue_drops_and_fails_no_answer(shadowed: Service) -> None:
    long = TEXT * 50
    answers = [shadowed.classify([{"id": str(i), "text": long} for i in range(32)]) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}
    until(shadowed, "dropped", 1)


@pytest.mark.parametrize("given", ["missing", "damaged"])
def test_a_shadow_that_cannot_be_loaded_is_named_at_the_start(
    given: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shadow"
    if given == "damaged":
        folder.mkdir()
        (folder / "model.json").write_text("{")
    monkeypatch.delenv("STANCE_SERVING_CONFIG", raising=False)
    (tmp_path / "serving.yaml").write_text(yaml.safe_dump({"model": str(tiny_model), "shadow": {"model": str(folder)}}))
    with pytest.raises((ArtifactError, ConfigError), match="shadow"):
        serve(tmp_path / "serving.yaml")


def test_nothing_compared_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STANCE_HOME", str(tmp_path))
    assert run(["models", "shadow"]) == 0
    assert "nothing compared yet" in capsys.readouterr().err
    monkeypatch.setenv("STANCE_FEEDBACK_URL", "postgresql://me:secret@127.0.0.1:1/none")
    assert run(["models", "shadow"]) == 2
    shown = capsys.readouterr().err
    assert "STANCE_FEEDBACK_URL" in shown
    assert "secret" not in shown
