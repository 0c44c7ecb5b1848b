from __future__ import annotations

import json
from pathlib import Path

import pytest

from stance.actors import find_mentions
from stance.actors_file import ActorsFileError, load_actors
from stance.schema import Actor

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"
RUSSIA = Actor(id="russia", name="Russia", type="state", aliases=["Moscow", "Россия"])


def write(folder: Path, text: str, name: str = "actors.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["actors.yaml", "actors.yml", "actors.json", "ACTORS.JSON"])
def test_reads_yaml_and_json_alike(tmp_path: Path, name: str) -> None:
    text = json.dumps({"actors": [RUSSIA.model_dump()]})
    assert load_actors(write(tmp_path, text, name)) == [RUSSIA]


def test_reads_what_the_contract_shows(tmp_path: Path) -> None:
    text = "\ufeffactors:\n  - {id: russia, name: Russia, type: state, aliases: [Moscow, Россия]}\n  - {id: b, name: B}"
    assert load_actors(write(tmp_path, text)) == [RUSSIA, Actor(id="b", name="B", type="organization", aliases=[])]


def test_every_actor_of_the_shipped_example_is_found_in_its_article() -> None:
    actors = load_actors(EXAMPLES / "actors.yaml")
    text = (EXAMPLES / "article.txt").read_text(encoding="utf-8")
    found = {(mention.actor, text[mention.start : mention.end]) for mention in find_mentions(text, actors)}
    assert {actor for actor, _ in found} == {actor.id for actor in actors}
    assert {("merkhal", "Merhal"), ("qarvan", "Karvan"), ("france", "Paris"), ("norway", "Oslo")} <= found
    assert ("france", "France") not in found, "France 24 is no mention of France"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold the key `actors`"),
        ("- {id: a, name: A}", "must hold the key `actors`"),
        ("actors: []", "actors: is empty"),
        ("actors: {a: A}", "actors: must be a list, not an object"),
        ("people: []", "actors: is missing; add it; people: is not a known field"),
        ("actors: [{name: A}]", r"actors\[0\].id: is missing"),
        ("actors: [{id: no, name: Norway}]", r"actors\[0\].id: must be a string, not true or false \(put it"),
        ("actors: [{id: a, name: A, aliases: [1]}]", r"actors\[0\].aliases\[0\]: must be a string, not a number \(put"),
        ("actors: [{id: a, name: A, aliases: ['']}]", r"actors\[0\].aliases\[0\]: must not be empty"),
        ("actors: [{id: a, name: A, type: country}]", r"actors\[0\].type: must be 'state'"),
        ("actors: [{id: a, name: A, alias: [B]}]", r"actors\[0\].alias: is not a known field"),
        ("actors: [{id: a, name: A}, {id: a, name: B}]", r"actors\[1\].id: 'a' is used twice"),
        ('actors: [{id: a, name: "\\ud800"}]', r"actors\[0\].name: has a lone surrogate"),
        ("actors: [", "line 1: not YAML"),
        ("a: 1\n\tb: 2", "line 2: not YAML"),
        ("a: \x00", "not YAML"),
        ("[" * 5000, "nested too deeply"),
        ("!!python/object/apply:os.system [ls]", "not YAML"),
        ("actors: [{id: 2026-13-45, name: A}]", "a value cannot be read .*; put it in quotes"),
        (f"actors: [{{id: {'9' * 5000}, name: A}}]", "a value cannot be read .*; put it in quotes"),
        ("actors: !!bool x", "a value is not what its tag .* says; put it in quotes"),
        ('actors: [{id: !!int "", name: A}]', "a value is not what its tag .* says; put it in quotes"),
        ("actors: [{id: !!timestamp foo, name: A}]", "a value is not what its tag .* says; put it in quotes"),
        ("actors: []\nactors: [{id: a, name: A}]", "line 2: actors: is written twice; join the two"),
        ("actors:\n- id: a\n  name: A\n  id: b", "line 4: id: is written twice"),
    ],
)
def test_a_bad_file_gets_one_line_with_item_field_and_mend(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ActorsFileError, match=message) as caught:
        load_actors(write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "actors.yaml" in str(caught.value)


def test_many_faults_are_counted_not_all_told(tmp_path: Path) -> None:
    text = json.dumps({"actors": [{"id": 1} for _ in range(50)]})
    with pytest.raises(ActorsFileError, match="and 95 more") as caught:
        load_actors(write(tmp_path, text))
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"actors": [{"id": "a", "name": "A", "name": "B"}]}', "has the key 'name' twice; write it once"),
        (f'{{"actors": [{"9" * 5000}]}}', "a value cannot be read"),
        ("[" * 500_000, "nested too deeply"),
    ],
)
def test_a_bad_json_file_gets_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ActorsFileError, match=message) as caught:
        load_actors(write(tmp_path, text, "actors.json"))
    assert "\n" not in str(caught.value)


def test_merge_keys_double_nothing(tmp_path: Path) -> None:
    text = "actors:\n- &a {id: a, name: A, type: person}\n- {<<: *a, id: b}"
    actors = load_actors(write(tmp_path, text))
    assert [(actor.id, actor.type) for actor in actors] == [("a", "person"), ("b", "person")]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ActorsFileError, match="No such file"):
        load_actors(tmp_path / "none.yaml")
    with pytest.raises(ActorsFileError, match="cannot be read"):
        load_actors(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("actors: [Türkei]".encode("latin-1"))
    with pytest.raises(ActorsFileError, match="not UTF-8"):
        load_actors(tmp_path / "latin.yaml")
    with pytest.raises(ActorsFileError, match="line 1: not JSON"):
        load_actors(write(tmp_path, "{", "broken.json"))
