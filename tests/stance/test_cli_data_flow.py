"""`stance data` from labels and texts to lists and tasks, on the tiny model."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from serving.feedback.correction import Correction
from serving.feedback.store import FeedbackStore
from stance.classifier import StanceClassifier
from stance.cli.app import run
from stance.schema import Document
from tests.stance.test_cli_data import DOCUMENT, write
from tests.tiny import tiny_encoder
from tests.training.test_selection import labelled
from training.data.readers import read_jsonl, read_label_studio

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def labels(tmp_path: Path) -> str:
    """60 labelled documents, d0 with the wrong label."""
    documents = [labelled(i, ("favor", "against")[i % 2], wrong=i == 0) for i in range(60)]
    return write(tmp_path / "labels.jsonl", *(d.model_dump(exclude_defaults=True) for d in documents))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def feedback(tmp_path: Path, tiny_classifier: StanceClassifier, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of one kept correction; the service's own settings name it too."""
    url = f"sqlite:///{tmp_path / 'home' / 'feedback.db'}"
    monkeypatch.setenv("STANCE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STANCE_FEEDBACK_URL", raising=False)
    keys = ("id", "text", "actors", "mentions")
    document = Document.model_validate({key: DOCUMENT[key] for key in keys})
    (result,) = tiny_classifier.classify([document], include_neutral=True)
    answer = result.sentences[0].stances[0]
    label = next(one for one in ("against", "favor") if one != answer.label)
    sentence = [result.sentences[0].start, result.sentences[0].end]
    fields = {"holder": answer.holder, "target": answer.target, "predicted": answer.label, "label": label}
    FeedbackStore(url).add("ada", document.text, result, [(Correction(sentence=sentence, **fields), answer)])
    return url


@pytest.mark.parametrize("named", [True, False])
def test_kept_feedback_is_imported_from_its_url_or_from_where_the_service_keeps_it(
    named: bool, feedback: str, tmp_path: Path
) -> None:
    out = tmp_path / "f.jsonl"
    assert run(["data", "import", *([feedback] if named else []), "--format", "feedback", "--out", str(out)]) == 0
    (document,) = read_jsonl(out)
    assert (document.source, document.text, len(document.stances)) == ("feedback", DOCUMENT["text"], 1)


@pytest.mark.parametrize("name", ["texts.csv", "texts.jsonl"])
def test_texts_are_imported_without_labels(name: str, tmp_path: Path, capsys: Capture) -> None:
    path, out = tmp_path / name, tmp_path / "t.jsonl"
    lines = {
        "texts.csv": "id,text,site\na,Orsan left.,x\nb,,x\n",
        "texts.jsonl": '{"id":"a","text":"O."}\n{"id":"b"}\n',
    }
    path.write_text(lines[name], encoding="utf-8")
    assert run(["data", "import", str(path), "--format", "texts", "--out", str(out)]) == 1
    assert f"{name}:{3 if name == 'texts.csv' else 2}: text" in capsys.readouterr().err
    assert not out.exists()
    path.write_text(lines[name].replace("b,,x\n", "").replace('{"id":"b"}\n', ""), encoding="utf-8")
    assert run(["data", "import", str(path), "--format", "texts", "--out", str(out)]) == 0
    (document,) = read_jsonl(out)
    assert (document.id, document.source, document.stances) == ("a", name, [])


def test_tasks_carry_predictions_for_people_to_correct(tmp_path: Path, tiny_model: Path) -> None:
    source, out = write(tmp_path / "d.jsonl", DOCUMENT, {"id": "n", "text": "Orsan met Talvia."}), tmp_path / "t.json"
    command = ["data", "export", source, "--format", "label_studio", "--out", str(out)]
    assert run([*command, "--predictions", "--model", str(tiny_model)]) == 0
    first, second = json.loads(out.read_text(encoding="utf-8"))
    assert [len(first[part]) for part in ("annotations", "predictions")] == [1, 1]
    assert first["predictions"][0]["model_version"] == "stance:tiny-mpnet-0"
    assert "annotations" not in second
    assert [document.id for document in read_label_studio(out)] == ["d1"]


def test_a_text_that_the_model_cannot_answer_keeps_its_place(
    tmp_path: Path, tiny_model: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.queries.MAX_PAIRS", 3)
    source, out = write(tmp_path / "d.jsonl", DOCUMENT, {"id": "n", "text": "Nothing."}), tmp_path / "t.json"
    command = ["data", "export", source, "--format", "label_studio", "--out", str(out), "--model", str(tiny_model)]
    assert run(command) == 1
    assert "d1: prediction: text: sentence 0 names 2 actors" in capsys.readouterr().err
    assert ["predictions" in one for one in json.loads(out.read_text(encoding="utf-8"))] == [False, True]


def test_suggestions_become_tasks_in_their_order(
    tmp_path: Path, tiny_model: Path, labels: str, capsys: Capture
) -> None:
    texts = write(tmp_path / "t.jsonl", *({"id": f"t{i}", "text": f"Orsan met Talvia {i} times."} for i in range(9)))
    known = write(tmp_path / "k.jsonl", {"id": "k", "text": "Orsan met Talvia 3 times!"})
    listed, out = tmp_path / "next.csv", tmp_path / "tasks.json"
    command = ["data", "suggest", texts, "--count", "4", "--random-share", "0.25", "--labelled", known]
    assert run([*command, "--model", str(tiny_model), "--out", str(listed)]) == 0
    assert "4 of 9 texts suggested" in capsys.readouterr().err
    found = rows(listed)
    assert [row["rank"] for row in found] == ["1", "2", "3", "4"]
    assert [row["reason"] for row in found] == ["uncertain"] * 3 + ["random"]
    assert "t3" not in {row["id"] for row in found}
    export = ["data", "export", texts, "--format", "label_studio", "--only", str(listed), "--out", str(out)]
    assert run(export) == 0
    assert [task["data"]["id"] for task in json.loads(out.read_text(encoding="utf-8"))] == [row["id"] for row in found]
    assert run([*export[:2], labels, *export[3:]]) == 2
    assert f"'{found[0]['id']}': {labels} has no document of this id" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["doubts.csv", "doubts.jsonl"])
@pytest.mark.parametrize("plain", [True, False])
def test_an_audit_ranks_every_label_and_changes_none(
    name: str, plain: bool, tmp_path: Path, tiny_model: Path, labels: str, capsys: Capture
) -> None:
    out, before = tmp_path / name, Path(labels).read_bytes()
    chosen = ["--encoder", str(tiny_encoder("bert", tmp_path / "e"))] if plain else ["--model", str(tiny_model)]
    assert run(["data", "audit", labels, *chosen, "--out", str(out), "--threads", "1"]) == 0
    assert "60 labels ranked" in capsys.readouterr().err
    found: list[dict[str, Any]] = (
        rows(out) if name.endswith("csv") else [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    )
    assert len(found) == 60
    assert set(found[0]) >= {"rank", "id", "sentence", "holder", "target", "label", "suggested", "likely_wrong"}
    assert [float(row["quality"]) for row in found] == sorted(float(row["quality"]) for row in found)
    assert Path(labels).read_bytes() == before


def test_an_audit_by_a_model_of_these_very_labels_says_so(
    tmp_path: Path, tiny_model: Path, labels: str, capsys: Capture
) -> None:
    import shutil

    from stance.artifact import digest, read_manifest, write_manifest

    folder = tmp_path / "m"
    shutil.copytree(tiny_model, folder)
    write_manifest(folder, read_manifest(folder).model_copy(update={"data": {"train/mine": digest(Path(labels))}}))
    assert run(["data", "audit", labels, "--model", str(folder), "--out", str(tmp_path / "d.csv")]) == 0
    assert "was trained on this very file" in capsys.readouterr().err


def test_stats_have_actors_agreement_and_a_limit(tmp_path: Path, capsys: Capture) -> None:
    source = write(tmp_path / "a.jsonl", DOCUMENT, {**DOCUMENT, "id": "d2"})
    changed = {**DOCUMENT, "stances": [{**DOCUMENT["stances"][0], "label": "favor"}]}
    second = write(tmp_path / "b.jsonl", changed, {**DOCUMENT, "id": "d2"})
    assert run(["data", "stats", source, "--second", second]) == 0
    found = json.loads(capsys.readouterr().out)
    names = {one["name"]: one for one in found["frequent"]}
    counts = {"documents": 2, "sentiment": {}, "as_holder": {"against": 2}, "as_target": {}}
    assert names["Tamoria"] == {"name": "Tamoria", **counts}
    assert names["Qarvan"]["sentiment"] == {"negative": 2}
    assert (found["agreement"]["documents"], found["agreement"]["stance"]["raw"]) == (2, 0.5)
    assert len(found["near_duplicates"]) == 1
    assert run(["data", "stats", source, "--limit", "1", "--against", second]) == 0
    shown = capsys.readouterr()
    limited = json.loads(shown.out)
    assert (limited["documents"], limited["near_duplicates"], len(limited["leakage"][second])) == (2, None, 4)
    assert "raise --limit" in shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "--format", "csv", "--out", "o"], "FILE is missing"),
        (["import", "x.csv", "--format", "csv", "--annotator", "a", "--out", "o"], "--annotator is for label_studio"),
        (["import", "sqlite:///none/x.db", "--format", "feedback", "--out", "o"], "no feedback can be read"),
        (["import", "none.txt", "--format", "texts", "--out", "o"], "none.txt: no such file"),
        (["export", "x.jsonl", "--format", "csv", "--predictions", "--out", "o"], "holds labels only"),
        (["export", "x.jsonl", "--format", "csv", "--only", "l.txt", "--out", "o"], "a list is .csv or .jsonl"),
        (["suggest", "TEXTS", "--out", "l.txt"], "a list is .csv or .jsonl"),
        (["audit", "TEXTS", "--encoder", "no/such/encoder", "--out", "l.csv"], "no encoder with a fast tokenizer"),
        (["audit", "TEXTS", "--out", "l.csv"], "too few labels for 5 folds"),
        (["stats", "TEXTS", "--second", "OTHER"], "share no document id"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    named = {
        "TEXTS": write(tmp_path / "t.jsonl", DOCUMENT),
        "OTHER": write(tmp_path / "o.jsonl", {**DOCUMENT, "id": "x"}),
    }
    assert run(["data", *(named.get(argument, argument) for argument in arguments)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
