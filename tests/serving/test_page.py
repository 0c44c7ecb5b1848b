"""What the page reads in its actors field, run by Node.js where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import serving

PAGE = Path(serving.__file__).parent / "page"
FILE = """
actors:
  - {id: ru, name: Russia, type: state, aliases: [Moscow, "Russian"]}
  - id: ci          # a comment
    name: Côte d'Ivoire
    aliases:
      - Ivory Coast
"""
PARSED = [
    {"id": "ru", "name": "Russia", "type": "state", "aliases": ["Moscow", "Russian"]},
    {"id": "ci", "name": "Côte d'Ivoire", "aliases": ["Ivory Coast"]},
]


SCRIPT = """
const [module, source] = process.argv.slice(1);
const { parseActors } = await import(module);
let answer;
try { answer = parseActors(source); } catch (error) { answer = error.message; }
console.log(JSON.stringify(answer));
"""


def parse(source: str) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    command = [node, "--input-type=module", "-e", SCRIPT, (PAGE / "actors.js").as_uri(), source]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.parametrize(
    ("source", "actors"),
    [
        ("  \n", None),
        (FILE, PARSED),
        (json.dumps({"actors": PARSED}), PARSED),
        (json.dumps(PARSED), PARSED),
        ("São Tomé = STP, ST", [{"id": "sao-tome", "name": "São Tomé", "aliases": ["STP", "ST"]}]),
        ("A\na", [{"id": "a", "name": "A", "aliases": []}, {"id": "a-2", "name": "a", "aliases": []}]),
    ],
)
def test_actors_are_read(source: str, actors: Any) -> None:
    assert parse(source) == actors


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("[1,", "JSON"),
        ("- {id: a", "line 1"),
        ("actors:\n- id a", "line 2"),
        ("actors:", "there are none"),
        ("# nobody yet", "there are none"),
        ("[]", "there are none"),
    ],
)
def test_what_cannot_be_read_is_placed(source: str, place: str) -> None:
    assert place in parse(source)


@pytest.mark.parametrize("module", sorted(PAGE.glob("*.js")), ids=lambda path: path.name)
def test_modules_are_whole_and_set_text_as_text(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", source)
    imported = re.findall(r'import \{ ([^}]+) \} from "\./([^"]+)"', source)
    for names, name in imported:
        other = (PAGE / name).read_text(encoding="utf-8")
        for each in names.split(", "):
            assert re.search(rf"export (async )?(function|const) {each}\b", other), (name, each)


def test_every_element_that_a_module_looks_for_is_there() -> None:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    for module in PAGE.glob("*.js"):
        for name in re.findall(r'(?:find|getElementById)\("([^"]+)"\)', module.read_text(encoding="utf-8")):
            assert f'id="{name}"' in page, (module.name, name)
