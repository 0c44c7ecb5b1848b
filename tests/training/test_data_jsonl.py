import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from training.data.errors import DataError
from training.data.readers import common, read_jsonl

GOOD: dict[str, Any] = {
    "id": "d1",
    "text": "Orsan blamed Talvia.",
    "actors": [{"id": "orsan", "name": "Orsan", "type": "state"}, {"id": "talvia", "name": "Talvia", "type": "state"}],
    "mentions": [{"actor": "orsan", "start": 0, "end": 5}, {"actor": "talvia", "start": 13, "end": 19}],
    "stances": [{"sentence": [0, 20], "holder": "orsan", "target": "talvia", "label": "against"}],
}


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_documents_are_read_plain_or_gzipped_with_or_without_a_byte_order_mark(
    tmp_path: Path, name: str, mark: bytes
) -> None:
    content = mark + lines(GOOD) + b"\r\n" + lines({**GOOD, "id": "d2"})
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert [document.id for document in read_jsonl(path)] == ["d1", "d2"]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"lable": 1}, "lable", "is no field"),
        ({"text": None}, "text", "valid string"),
        ({"id": "d0"}, "id", "already used in line 1"),
        ({"stances": [{**GOOD["stances"][0], "label": "favour"}]}, "stances[0].label", "favour"),
        ({"stances": [{"holder": "orsan"}]}, "stances[0].sentence", "is missing"),
        ({"mentions": [{"actor": "orsan", "start": 0, "end": 99}]}, "", "outside the text of 20"),
        ({"mentions": [{"actor": "ostrov", "start": 0, "end": 5}]}, "", "not among the actors"),
        ({"mentions": [{"actor": "orsan", "start": "0", "end": 5}]}, "mentions[0].start", "valid integer"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field(tmp_path: Path, change: dict[str, Any], field: str, says: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines({**GOOD, "id": "d0"}, {**GOOD, **change}, {**GOOD, "id": "d3"}))
    reader = read_jsonl(path)
    read = [next(reader).id, next(reader).id]
    with pytest.raises(DataError) as error:
        next(reader)
    problem = error.value.problems[0]
    assert (problem.line, problem.field) == (2, field)
    assert says in problem.message
    assert read == ["d0", "d3"]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (lines(GOOD) + b"{broken\n", 2, "JSON"),
        (lines(GOOD) + lines(GOOD).replace(b'{"id"', b'{"text": "", "id"', 1), 2, "has the key 'text' twice"),
        (lines(GOOD) + b'{"id": "\xff"}\n', 2, "not UTF-8"),
        ("\ufeffwide".encode("utf-16"), 1, "not UTF-8"),
        (b"x" * 200, 1, "longer than"),
    ],
)
def test_what_is_no_utf8_json_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, line: int, says: str
) -> None:
    monkeypatch.setattr("training.data.readers.common.MAX_LINE", 199 if says == "longer than" else 10_000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        list(read_jsonl(path))
    assert error.value.problems[0].line == line


def test_a_cut_gzip_and_a_missing_file_are_data_errors(tmp_path: Path) -> None:
    cut = tmp_path / "a.jsonl.gz"
    cut.write_bytes(gzip.compress(lines(GOOD))[:-12])
    for path in (cut, tmp_path / "none.jsonl"):
        with pytest.raises(DataError, match="cannot be read"):
            list(read_jsonl(path))


def test_reading_stops_after_many_problems_and_the_message_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n" * 4000)
    with pytest.raises(DataError) as error:
        list(read_jsonl(path))
    assert common.MAX_PROBLEMS <= len(error.value.problems) < common.MAX_PROBLEMS + 3
    assert str(error.value).endswith("more")
    assert "read no further" in error.value.problems[-1].message
