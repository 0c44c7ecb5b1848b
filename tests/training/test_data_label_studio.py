import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from stance.labelled import LabelledDocument
from training.data.errors import DataError
from training.data.label_studio import regions, task, write_tasks
from training.data.readers import read_label_studio

INTERFACE = Path(__file__).resolve().parents[2] / "data" / "label_studio.xml"
TEXT = "😀 Orsan spoke. It blamed Talvia and thanked Brel."
DOCUMENT = LabelledDocument.model_validate(
    {
        "id": "d1",
        "text": TEXT,
        "source": "own",
        "license": "CC0-1.0",
        "actors": [
            {"id": "orsan", "name": "Orsan", "type": "state"},
            {"id": "talvia", "name": "Talvia", "type": "state"},
            {"id": "brel", "name": "Brel", "type": "person"},
        ],
        "mentions": [
            {"actor": "orsan", "start": 2, "end": 7},
            {"actor": "orsan", "start": 15, "end": 17, "kind": "pronoun"},
            {"actor": "talvia", "start": 25, "end": 31},
            {"actor": "brel", "start": 44, "end": 48},
        ],
        "sentiment": [{"sentence": [15, 49], "actor": "talvia", "label": "negative"}],
        "stances": [
            {"sentence": [15, 49], "holder": "orsan", "target": "talvia", "label": "against"},
            {"sentence": [15, 49], "holder": "orsan", "target": "brel", "label": "favor"},
            {"sentence": [15, 49], "holder": "author", "target": "brel", "label": "neutral"},
        ],
        "sentences": [[0, 14], [15, 49]],
        "mentions_complete": True,
    }
)


def export(path: Path, *results: list[dict[str, Any]], **data: Any) -> Path:
    people = [{"id": number, "email": f"{number}@x.org"} for number in range(len(results))]
    annotations = [{"result": one, "completed_by": who} for one, who in zip(results, people, strict=True)]
    entry = {"data": {**task(DOCUMENT)["data"], **data}, "annotations": annotations, "predictions": [{"result": []}]}
    path.write_text(json.dumps([entry]), encoding="utf-8")
    return path


def in_utf16_units(part: dict[str, Any]) -> dict[str, Any]:
    if "value" not in part:
        return part
    value = part["value"]
    return {**part, "value": {**value, "start": value["start"] + 1, "end": value["end"] + 1}}


def test_a_document_comes_back_from_its_task_as_it_was(tmp_path: Path) -> None:
    assert write_tasks([(DOCUMENT, None)], tmp_path / "tasks.json") == 1
    assert list(read_label_studio(tmp_path / "tasks.json")) == [DOCUMENT]


def test_offsets_in_utf16_units_are_mended(tmp_path: Path) -> None:
    shifted = [in_utf16_units(part) for part in regions(DOCUMENT)]
    assert list(read_label_studio(export(tmp_path / "e.json", shifted))) == [DOCUMENT]


def test_the_shipped_interface_has_every_control_that_tasks_use() -> None:
    root = ElementTree.parse(INTERFACE).getroot()
    controls = [element for element in root.iter() if element.get("toName")]
    options = {control.get("name"): {child.get("value") for child in control} for control in controls}
    relations = {element.get("value") for element in root.iter("Relation")}
    for part in regions(DOCUMENT):
        if part["type"] == "relation":
            assert relations >= set(part["labels"])
        elif part["type"] != "textarea":
            assert options[part["from_name"]] >= set(part["value"][part["type"]])


def test_a_new_actor_is_named_by_its_words_and_a_left_relation_is_turned(tmp_path: Path) -> None:
    marks = [
        {"id": "a", "type": "labels", "from_name": "type", "value": {"start": 15, "end": 17, "labels": ["state"]}},
        {"id": "b", "type": "labels", "from_name": "type", "value": {"start": 25, "end": 31, "labels": ["state"]}},
        {"type": "relation", "from_id": "b", "to_id": "a", "direction": "left", "labels": ["against"]},
    ]
    (document,) = read_label_studio(export(tmp_path / "e.json", marks, actors=[], sentences=[]))
    assert [(a.id, a.name) for a in document.actors] == [("it", "It"), ("talvia", "Talvia")]
    assert [(s.holder, s.target, s.label) for s in document.stances] == [("it", "talvia", "against")]
    assert document.mentions[0].kind == "pronoun"


def test_of_two_annotators_one_is_chosen_or_the_task_is_refused(tmp_path: Path) -> None:
    path = export(tmp_path / "e.json", regions(DOCUMENT), [])
    with pytest.raises(DataError, match="2 annotations; mark one"):
        list(read_label_studio(path))
    (second,) = read_label_studio(path, annotator="1@x.org")
    assert not second.mentions
    (first,) = read_label_studio(path, annotator="0")
    assert first == DOCUMENT


def changed(number: int, **value: Any) -> list[dict[str, Any]]:
    parts = json.loads(json.dumps(regions(DOCUMENT)))
    parts[number]["value"].update(value)
    return parts


PARTS = regions(DOCUMENT)
UNMARKED = [part for part in PARTS if part.get("id") != "m2" or part["type"] != "labels"]
UNLABELLED = [{**part, "labels": []} if part["type"] == "relation" else part for part in PARTS]


@pytest.mark.parametrize(
    ("result", "field", "says"),
    [
        (changed(0, start=5, end=10), "region 5-10", "was the text changed"),
        (changed(2, choices=["title"]), "mentions.0.kind", "name"),
        (UNMARKED, "actor", "stands on no region"),
        ([part for part in PARTS if part.get("id") != "m2"], "relation", "from one mention to another"),
        (UNLABELLED, "relation", "no single label"),
        ([*PARTS, {**PARTS[-3], "labels": ["favor"]}], "relation", "keep one"),
    ],
)
def test_a_bad_task_is_named(tmp_path: Path, result: list[dict[str, Any]], field: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as error:
        list(read_label_studio(export(tmp_path / "e.json", result)))
    assert [(problem.line, problem.field) for problem in error.value.problems] == [(1, field)]


@pytest.mark.parametrize("content", ["{}", "[1]", '[{"text": "x"}]', "[", '[{"data": {}}]'])
def test_what_is_no_export_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "e.json"
    path.write_text(content)
    with pytest.raises(DataError):
        list(read_label_studio(path))


def test_a_label_without_a_mention_cannot_be_exported_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text("old")
    bare = DOCUMENT.model_copy(update={"mentions": DOCUMENT.mentions[:2]})
    with pytest.raises(ValueError, match="'talvia' has a label in the sentence"):
        write_tasks([(DOCUMENT, None), (bare, None)], path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
