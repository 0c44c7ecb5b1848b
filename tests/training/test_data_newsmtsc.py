import json
from pathlib import Path
from typing import Any

import pytest

from training.data.errors import DataError
from training.data.readers import read_newsmtsc

TEXT = "Ada Brel praised the mayor, and Brel thanked her."


def row(*targets: tuple[int, str, float], text: str = TEXT) -> dict[str, Any]:
    return {
        "primary_gid": f"gid-{len(targets)}",
        "sentence_normalized": text,
        "targets": [
            {"from": start, "to": start + len(mention), "mention": mention, "polarity": polarity}
            for start, mention, polarity in targets
        ],
    }


def changed(**keys: Any) -> dict[str, Any]:
    """A row whose one target has other values."""
    found = row((0, "Ada Brel", 4.0))
    return {**found, "targets": [{**found["targets"][0], **keys}]}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_targets_become_actors_with_kinds_and_labels(tmp_path: Path) -> None:
    targets = row((0, "Ada Brel", 6.0), (17, "the mayor", 4.0), (45, "her", 2.0))
    (document,) = read_newsmtsc(write(tmp_path / "a.jsonl", targets))
    assert [(a.id, a.name) for a in document.actors] == [("t0", "Ada Brel"), ("t1", "the mayor"), ("t2", "her")]
    assert [document.text[m.start : m.end] for m in document.mentions] == ["Ada Brel", "the mayor", "her"]
    assert [m.kind for m in document.mentions] == ["name", "nominal", "pronoun"]
    assert [s.label for s in document.sentiment] == ["positive", "neutral", "negative"]
    assert document.sentences == [[0, len(TEXT)]]
    assert not document.mentions_complete


@pytest.mark.parametrize(("second", "actors"), [(6.0, 1), (2.0, 2)])
def test_one_name_is_one_actor_unless_the_polarity_differs(tmp_path: Path, second: float, actors: int) -> None:
    text = "Brel spoke, BREL left."
    path = write(tmp_path / "a.jsonl", row((0, "Brel", 6.0), (12, "BREL", second), text=text))
    (document,) = read_newsmtsc(path)
    assert len(document.actors) == len(document.sentiment) == actors
    assert [(m.start, m.end) for m in document.mentions] == [(0, 4), (12, 16)]


def test_small_offset_errors_and_outer_spaces_are_mended(tmp_path: Path) -> None:
    (document,) = read_newsmtsc(write(tmp_path / "a.jsonl", row((2, " Ada Brel ", 4.0))))
    assert (document.mentions[0].start, document.mentions[0].end) == (0, 8)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (row((20, "Ada Brel", 4.0)), "does not stand at from=20"),
        ({"primary_gid": "x", "sentence_normalized": TEXT}, "targets: is missing"),
        ([], "must be an object, not a list"),
        (None, "must be an object, not null"),
        ({**row(), "targets": {}}, "targets: must be a list, not an object"),
        ({**row(), "targets": [None]}, r"targets\[0\]: must be an object, not null"),
        ({**row(), "sentence_normalized": None}, "sentence_normalized: must be a string, not null"),
        ({**row(), "primary_gid": 7}, "primary_gid: must be a string, not a number"),
        (changed(mention=None), r"targets\[0\].mention: must be a string, not null"),
        (changed(mention=" "), "targets: mention is empty"),
        ({**row(), "targets": [{"from": "0"}]}, r"targets\[0\].from: must be a whole number, not a string"),
        (changed(polarity="6.0"), r"targets\[0\].polarity: must be a number, not a string"),
        (changed(polarity=float("nan")), r"targets\[0\].polarity: .* finite number"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, bad: Any, says: str) -> None:
    path = write(tmp_path / "a.jsonl", row((0, "Ada Brel", 4.0)), bad, {})
    with pytest.raises(DataError, match=says) as error:
        list(read_newsmtsc(path))
    assert [(problem.file, problem.line) for problem in error.value.problems] == [(str(path), 2), (str(path), 3)]


@pytest.mark.parametrize("line", ["{", "[" * 500_000, '{"primary_gid": ' + "9" * 5000 + "}"])
def test_a_row_that_is_no_json_costs_no_other_its_check(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "a.jsonl", row((20, "Ada Brel", 4.0)))
    path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(DataError, match="does not stand at from=20") as error:
        list(read_newsmtsc(path))
    assert [problem.line for problem in error.value.problems] == [1, 2]
