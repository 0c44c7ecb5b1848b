"""Texts and model folders as they should not be, from Python and on the command line: an answer or one clear line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from stance import Actor, Document, Mention, StanceClassifier
from stance.cli.app import run
from stance.schema import DocumentResult
from tests.stance.results import check

ACTORS = [Actor(id="ru", name="Russia", type="state"), Actor(id="ua", name="Ukraine", type="state")]
ODD = {
    "one long sentence": ("Russia and Ukraine " * 1053)[:20_000],
    "control and zero-width characters": "Russia\x00\x07 con\u200bdemned \u2060Ukraine\ufeff.\x1b[31m",
    "right to left": "Russia said \u202eاللغة العربية\u202c to Ukraine. روسيا",
    "emoji": "\U0001f600 Russia \U0001f1fa\U0001f1e6 praised Ukraine \U0001f468\u200d\U0001f469\u200d\U0001f467.",
    "no actor that occurs": "Nothing happened here.",
    "nothing but signs": "… — \u2022 ?!",
    "a special token": "Russia praised </s> Ukraine [CLS] <mask>.",
    "combining marks": "Ru\u0301ssia praised Ukrai\u0308ne " + "\u0301" * 500,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("actors", [None, ACTORS], ids=["found", "given"])
def test_odd_text_is_answered(tiny_classifier: StanceClassifier, text: str, actors: list[Actor] | None) -> None:
    plain = Document(id="plain", text="Russia condemned Ukraine.", actors=ACTORS)
    odd, beside = tiny_classifier.classify([Document(id="odd", text=text, actors=actors), plain], include_neutral=True)
    check(odd, text)
    assert [beside] == tiny_classifier.classify([plain], include_neutral=True), "it costs no other its result"
    if actors and text in (ODD["no actor that occurs"], ODD["nothing but signs"]):
        assert [actor.mentions for actor in odd.actors] == [0, 0]


@pytest.mark.parametrize("blank", [" ", "\n\n", "\u00a0\t", "\u200b", " \ufeff\u2060"])
@pytest.mark.parametrize("text", ["Russia{}condemned Ukraine.", "Russia left.{}Ukraine stayed.", "Russia left.{}"])
def test_a_mention_of_nothing_is_refused(text: str, blank: str) -> None:
    at = text.index("{")
    given = [Mention(actor="ru", start=0, end=6), Mention(actor="ua", start=at, end=at + len(blank))]
    message = rf"mentions\[1\]: nothing can be seen from {at} to {at + len(blank)}; give"
    with pytest.raises(ValidationError, match=message):
        Document(id="d", text=text.format(blank), mentions=given)


def test_a_mention_of_signs_is_none_of_nothing() -> None:
    text = "\U0001f1fa\U0001f1e6 met \uf8ff."
    mentions = [Mention(actor="ua", start=0, end=2), Mention(actor="apple", start=7, end=8)]
    assert Document(id="d", text=text, mentions=mentions).mentions == mentions


def test_a_text_of_a_megabyte_is_read_to_its_end(tiny_classifier: StanceClassifier) -> None:
    text = "Nothing happened here. " * 45_000 + "Russia condemned Ukraine."
    assert len(text) > 1_000_000
    mentions = [Mention(actor=a.id, start=text.index(a.name), end=text.index(a.name) + len(a.name)) for a in ACTORS]
    (result,) = tiny_classifier.classify([Document(id="d", text=text, actors=ACTORS, mentions=mentions)])
    assert len(result.sentences) == 45_001
    assert {row.actor for row in result.sentences[-1].sentiment} == {"ru", "ua"}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_text_is_answered_on_the_command_line(
    tiny_model: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.txt").write_bytes(text.encode())
    (tmp_path / "actors.yaml").write_text(yaml.safe_dump({"actors": [a.model_dump() for a in ACTORS]}))
    command = ["classify", str(tmp_path / "odd.txt"), "--actors", str(tmp_path / "actors.yaml")]
    for form in ("json", "table", "html"):
        assert run([*command, "--model", str(tiny_model), "--format", form]) == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        if form == "json":
            check(DocumentResult.model_validate_json(shown.out), text)
        if form == "table":
            assert not {"\x00", "\x07", "\x1b", "\u202e"} & set(shown.out), "a text must not steer the terminal"


def spoil(folder: Path, name: str, how: str) -> None:
    path = folder / name
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "altered":
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    else:
        path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("how", ["missing", "altered", "truncated"])
@pytest.mark.parametrize("name", ["manifest.json", "encoder.onnx", "encoder.weights-0.bin.gz", "tokenizer.json"])
def test_a_spoilt_model_is_one_line_for_every_command(
    tiny_model: Path, tmp_path: Path, name: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    spoil(model, name, how)
    (tmp_path / "a.txt").write_text("Russia condemned Ukraine.")
    (tmp_path / "a.csv").write_text("id,text\na,Russia condemned Ukraine.\n")
    (tmp_path / "serving.yaml").write_text(yaml.safe_dump({"model": str(model), "workers": 2, "port": 39_999}))
    for command in (
        ["classify", str(tmp_path / "a.txt"), "--model", str(model)],
        ["score", str(tmp_path / "a.csv"), "--model", str(model), "--out", str(tmp_path / "out")],
        ["serve", "--config", str(tmp_path / "serving.yaml")],
    ):
        assert run(command) == 2, command
        shown = capsys.readouterr()
        assert shown.out == ""
        (line,) = [each for each in shown.err.splitlines() if str(model) in each]
        assert name in line
        assert line.endswith(("copy the model folder again", "give a folder that `stance train` wrote"))
