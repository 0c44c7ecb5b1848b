"""How the page draws a result: its modules, run by Node.js against the few calls of a document that they make."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import serving

PAGE = Path(serving.__file__).parent / "page"
SCRIPT = """
class Node {
  constructor(name) { Object.assign(this, { name, attributes: {}, children: [] }); }
  setAttribute(key, value) { this.attributes[key] = String(value); }
  append(...children) { this.children.push(...children); }
}
globalThis.document = { createElement: (n) => new Node(n), createElementNS: (_, n) => new Node(n) };
const [folder, call] = process.argv.slice(1);
const { drawGraph } = await import(`${folder}/graph.js`);
const { relationTable, sentenceTable } = await import(`${folder}/tables.js`);
const names = (id) => id.toUpperCase();
console.log(JSON.stringify(eval(call)));
"""


def drawn(call: str, *values: Any) -> Any:
    """The tree of elements that `call` gives, with `values` as JSON in the place of its question marks."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    for value in values:
        call = call.replace("?", json.dumps(value), 1)
    command = [node, "--input-type=module", "-e", SCRIPT, PAGE.as_uri(), call]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def text_of(tree: Any) -> str:
    return tree if isinstance(tree, str) else "".join(text_of(child) for child in tree["children"])


def found(tree: Any, name: str) -> list[dict[str, Any]]:
    """All elements of a name, in order."""
    if isinstance(tree, str):
        return []
    here = [tree] if tree["name"] == name else []
    return here + [each for child in tree["children"] for each in found(child, name)]


def relation(holder: str, target: str, label: str = "against", score: float = -0.5) -> dict[str, Any]:
    return {
        "holder": holder,
        "target": target,
        "label": label,
        "score": score,
        "confidence": 0.8,
        "abstained": False,
        "sentences": [0, 2],
    }


def test_relations_stand_by_strength_with_sign_and_sentence_numbers_of_the_result() -> None:
    rows = [relation("a", "b"), relation("b", "a", "favor", 0.9), relation("a", "c", "neutral", 0.1)]
    table = drawn("relationTable(?, names)", rows)
    cells = [[text_of(cell) for cell in found(row, "td")] for row in found(table, "tr")[1:]]
    assert cells == [
        ["B", "+ favor 80%", "A", "+0.90", "0, 2"],
        ["A", "− against 80%", "B", "−0.50", "0, 2"],
        ["A", "○ mixed 80%", "C", "+0.10", "0, 2"],
    ]


def test_mentions_are_marked_by_code_points() -> None:
    text = "😀 Orla & <b>Velmark</b> 👨‍👩‍👧 met."
    start = text.index("Velmark")
    spans = [(2, 6), (start, start + 7), (start + 2, start + 5)]
    sentence = {
        "index": 3,
        "start": 100,
        "text": text,
        "mentions": [{"actor": "a", "start": 100 + s, "end": 100 + e, "score": 1} for s, e in spans],
        "sentiment": [{"actor": "a", "label": "negative", "confidence": 0.7, "abstained": True}],
        "stances": [{"holder": "a", "target": "b", "label": "favor", "confidence": 0.6, "abstained": False}],
    }
    table = drawn("sentenceTable([?], [{ id: 'a', name: 'A' }], names)", sentence)
    number, cell = found(table, "td")
    assert text_of(number) == "3"
    assert [text_of(mark) for mark in found(table, "mark")] == ["Orla", "Velmark"]
    assert text_of(found(table, "tr")[1]["children"][1]) == text
    assert text_of(cell) == "portrayed − negative 70% (abstains)→ B + favor 60%"


@pytest.mark.parametrize("count", [2, 3, 4, 7, 12, 30])
def test_names_of_the_graph_stay_inside_and_beside_their_dots(count: int) -> None:
    names = [f"a-name-that-is-rather-long-{i}" for i in range(count)]
    rows = [relation(a, b) for a, b in zip(names, [*names[1:], names[0]], strict=True)]
    picture = drawn("drawGraph(?, names)", rows)
    width, height = map(int, picture["attributes"]["viewBox"].split()[2:])
    labels = found(picture, "text")
    assert len(labels) == count
    for label, dot in zip(labels, found(picture, "circle"), strict=True):
        x, y = (float(label["attributes"][key]) for key in "xy")
        reach = 8 * len(text_of(label))  # of a letter, at most, on the average
        left = x - reach * {"start": 0, "middle": 0.5, "end": 1}[label["attributes"]["text-anchor"]]
        assert left >= 0
        assert left + reach <= width
        assert 15 <= y <= height
        side = x - float(dot["attributes"]["cx"])
        assert (label["attributes"]["text-anchor"] == "start") == (side > 0)
    assert len(found(picture, "path")) == len(found(picture, "polygon")) == count
