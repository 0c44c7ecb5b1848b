from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stance.cli import output
from stance.cli.app import run
from stance.cli.classify import LONG_TEXT
from stance.schema import DocumentResult
from tests.tiny import CORPUS

TEXT = "Tamoria condemned Qarvan. Norway praised Tamoria. " + " ".join(CORPUS)
ACTORS = "actors: [{id: t, name: Tamoria, type: state}, {id: q, name: Qarvan}, {id: x, name: Xanadu}]"


class Typed(io.StringIO):
    """Standard input that holds these bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.buffer = io.BytesIO(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "article.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "actors.yaml").write_text(ACTORS, encoding="utf-8")
    return tmp_path


def classify(folder: Path, model: Path, *options: str) -> int:
    return run(["classify", str(folder / "article.txt"), "--model", str(model), *options])


def test_json_is_what_pipes_get(folder: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify(folder, tiny_model, "--actors", str(folder / "actors.yaml")) == 0
    shown = capsys.readouterr()
    result = DocumentResult.model_validate_json(shown.out)
    assert result.id == "article"
    assert [actor.id for actor in result.actors] == ["t", "q", "x"]
    assert all(TEXT[s.start : s.end] == s.text for s in result.sentences)
    assert shown.err == ""


def test_a_table_is_what_people_get(
    folder: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert classify(folder, tiny_model) == 0
    assert "Sentences and actors" in capsys.readouterr().out


def test_options_reach_the_classifier(folder: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--actors", str(folder / "actors.yaml"), "--include-neutral", "--author"]
    assert classify(folder, tiny_model, *options) == 0
    stances = DocumentResult.model_validate_json(capsys.readouterr().out).sentences[0].stances
    assert {(s.holder, s.target) for s in stances} == {("t", "q"), ("q", "t"), ("author", "t"), ("author", "q")}


@pytest.mark.parametrize(("name", "begins"), [("r.html", "<!doctype html>"), ("r.json", "{"), ("r", "{")])
def test_out_takes_its_format_from_the_name(
    folder: Path, tiny_model: Path, name: str, begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify(folder, tiny_model, "--out", str(folder / name)) == 0
    assert (folder / name).read_text(encoding="utf-8").startswith(begins)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("out", [".", "/", "..", "none/r.json", "x" * 300])
def test_what_cannot_be_written_is_refused_before_the_text_is_read(
    folder: Path, out: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert run(["classify", "none.txt", "--model", "none", "--out", out]) == 2
    shown = capsys.readouterr().err
    assert f"--out: {out} cannot be written (" in shown
    assert shown.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_reads_standard_input(
    arguments: list[str], tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\ufeffFrance\r\nand Norway 🎉 signed."
    monkeypatch.setattr(sys, "stdin", Typed(text.encode()))
    assert run(["classify", *arguments, "--model", str(tiny_model)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["id"] == "stdin"
    assert [text[s["start"] : s["end"]] for s in result["sentences"]] == [s["text"] for s in result["sentences"]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "stdin: text: must not be empty or blank; give a text to classify"),
        (b" \n\t", "stdin: text: must not be empty or blank"),
        (b"Fran\xe7ais", "stdin: not UTF-8 (byte 4); save the text as UTF-8"),
    ],
)
def test_an_unusable_text_exits_2(
    data: bytes, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Typed(data))
    assert run(["classify", "-"]) == 2
    assert message in capsys.readouterr().err


def test_an_unusable_actors_file_or_model_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.yaml").write_text("actors: [{id: a}]", encoding="utf-8")
    assert classify(folder, folder, "--actors", str(folder / "bad.yaml")) == 2
    assert "bad.yaml: actors[0].name: is missing; add it" in capsys.readouterr().err
    assert classify(folder, folder) == 2
    assert "no model here" in capsys.readouterr().err


def test_a_sentence_of_too_many_actors_exits_2(
    folder: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"Aa{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(100)]
    (folder / "article.txt").write_text(", ".join(names), encoding="utf-8")
    (folder / "many.json").write_text(json.dumps({"actors": [{"id": n, "name": n} for n in names]}), encoding="utf-8")
    assert classify(folder, tiny_model, "--actors", str(folder / "many.json")) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "100 actors" in shown.err
    assert shown.err.count("\n") == 1


def long_text(folder: Path) -> None:
    (folder / "article.txt").write_text((TEXT + "\n\n") * (LONG_TEXT // len(TEXT) + 2), encoding="utf-8")


def test_a_long_text_tells_how_far_it_is_on_stderr_alone(
    folder: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long_text(folder)
    assert classify(folder, tiny_model) == 0
    assert DocumentResult.model_validate_json(capsys.readouterr().out)
    monkeypatch.setattr(output, "REPORT_EVERY", 0.0)
    assert classify(folder, tiny_model) == 0
    shown = capsys.readouterr()
    assert DocumentResult.model_validate_json(shown.out)
    lines = shown.err.splitlines()
    assert len(lines) > 1
    total = lines[0].split()[3]
    assert [line.split() for line in lines] == [
        ["stance:", str(number), "of", total, "parts", "read"] for number in range(1, len(lines) + 1)
    ]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_long_text_has_a_bar_where_stderr_is_a_terminal(folder: Path, tiny_model: Path) -> None:
    long_text(folder)
    command = [sys.executable, "-m", "stance", "classify", str(folder / "article.txt"), "--model", str(tiny_model)]
    ours, theirs = os.openpty()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = threading.Thread(target=drain, args=(ours, seen := bytearray()))
        shown.start()
        assert process.stdout is not None
        result = DocumentResult.model_validate_json(process.stdout.read())
        assert process.wait() == 0
        shown.join()
    os.close(ours)
    assert len(result.sentences) > 100
    assert b"parts read" in seen
    assert b"Traceback" not in seen


def drain(terminal: int, seen: bytearray) -> None:
    """Read a terminal until nobody writes to it any more."""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other end is closed
            return
        if not part:
            return
        seen += part
