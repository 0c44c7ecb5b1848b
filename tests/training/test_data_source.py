from pathlib import Path

import pytest
from pydantic import ValidationError

from training.data.readers import SourceSpec, read_source

FILES = {
    "newsmtsc": '{"primary_gid": "g", "sentence_normalized": "Brel left.", '
    '"targets": [{"from": 0, "to": 4, "mention": "Brel", "polarity": 2.0}]}\n',
    "dse": "[Brel] left [Orr].\tBrel\tOrr\t3\n",
    "jsonl": '{"id": "d", "text": "Brel left."}\n',
    "csv": "sentence,target,label\nBrel left.,Brel,negative\n",
}


@pytest.mark.parametrize("name", FILES)
def test_each_format_is_read_by_its_own_reader(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_text(FILES[name], encoding="utf-8")
    spec = SourceSpec.model_validate({"format": name, "path": str(path)})
    (document,) = read_source(spec)
    assert document.text.startswith("Brel left")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"format": "gum", "path": "x"}, "gum needs one of"),
        ({"format": "dse", "path": "x", "split": "dev"}, "leave split out"),
        ({"format": "conll", "path": "x"}, "format"),
        ({"format": "dse", "path": "x", "weight": 1}, "weight"),
    ],
)
def test_what_no_reader_takes_is_refused(spec: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SourceSpec.model_validate(spec)
