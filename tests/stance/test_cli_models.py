from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stance.artifact import read_manifest, write_manifest
from stance.cli.app import run
from stance.store import pointer_path
from tests.stores import model_store
from tests.training.test_checkpoints import files_up_to
from tests.training.test_promotion import GATES, figures, row


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STANCE_HOME", str(tmp_path / "home"))
    with model_store(tmp_path / "bentoml"):
        yield


def promote(folder: Path, tag: str, better_by: float) -> int:
    comparisons = [row(test, better_by, better_by - 0.01, "stance:a") for test in GATES.tests]
    evaluation, gates = folder / "metrics.json", folder / "gates.yaml"
    evaluation.write_text(figures(model=tag, comparisons=comparisons).model_dump_json(), encoding="utf-8")
    asked = GATES.model_copy(update={"min_sentences_per_second": 0.0})
    gates.write_text(asked.model_dump_json(), encoding="utf-8")
    return run(["models", "promote", tag, "--evaluation", str(evaluation), "--gates", str(gates)])


def test_models_are_stored_promoted_refused_and_rolled_back(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().out == ""
    for tag in ("stance:a", "stance:b"):
        folder = shutil.copytree(tiny_model, tmp_path / tag[-1])
        write_manifest(folder, read_manifest(folder).model_copy(update={"tag": tag}))
        assert run(["models", "import", str(folder)]) == 0
        assert capsys.readouterr().out == f"{tag}\n"

    assert promote(tmp_path, "stance:a", better_by=0.0) == 0
    assert promote(tmp_path, "stance:b", better_by=0.02) == 0
    assert capsys.readouterr().out.endswith("stance:b is in service\n")
    assert run(["models", "rollback"]) == 0
    assert capsys.readouterr().out == "stance:a\n"

    assert promote(tmp_path, "stance:b", better_by=-0.2) == 1
    refused = capsys.readouterr()
    assert refused.out == ""
    assert "stance:b: gate not worse: " in refused.err
    assert run(["models", "list"]) == 0
    listed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[2:]) for line in listed] == [("stance:b", []), ("stance:a", ["in service"])]
    assert run(["models", "show", "stance:a"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["current"], len(shown["switches"])) == (True, 3)

    assert run(["models", "remove", "stance:a"]) == 2
    assert capsys.readouterr().err.startswith("stance: stance:a: is in service")
    assert run(["models", "remove", "stance:b"]) == 0
    assert capsys.readouterr().err == "stance:b removed\n"
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_files_that_cannot_be_written_exit_2_with_one_line(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with files_up_to(1_000):
        assert run(["models", "import", str(tiny_model)]) == 2
    pointer_path().parent.write_text("no folder")
    assert promote(tmp_path, "stance:a", better_by=0.0) == 2
    assert run(["models", "rollback"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(" failed: ")[0].split()[-1] for line in told] == ["import", "promotion", "rollback"]


LIMITS = Path(__file__).resolve().parents[2] / "configs" / "drift.yaml"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "traffic.lock: cannot be read or written (Is a directory); nothing can be said"),
        (["--hours", "1e300"], "nothing can be said of drift: OverflowError: "),
    ],
)
def test_whatever_goes_wrong_is_no_drift(
    tmp_path: Path, tiny_model: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reference.jsonl").touch()
    (tmp_path / "traffic" / "traffic.lock").mkdir(parents=True)
    given = {"model": tiny_model, "reference": "reference.jsonl", "traffic": "traffic"}
    asked = [part for name, value in given.items() for part in (f"--{name}", str(tmp_path / value))]
    assert run(["models", "drift", *asked, "--limits", str(LIMITS), *arguments]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert (shown.out, shown.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("arguments", [["list"], ["show", "stance:current"], ["rollback"]])
def test_a_damaged_pointer_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pointer_path().parent.mkdir(parents=True)
    pointer_path().write_text("{", encoding="utf-8")
    assert run(["models", *arguments]) == 2
    shown = capsys.readouterr()
    assert "current.json: cannot be read" in shown.err
    assert (shown.out, shown.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "stance:none"], "stance:none: not in the model store"),
        (["import", "none"], "none: no model here"),
        (["rollback"], "nothing to go back to"),
        (["remove", "stance:none"], "stance:none: not in the model store"),
        (["promote", "stance:none", "--evaluation", "none.json"], "none.json: no such file"),
    ],
)
def test_unusable_arguments_exit_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", *arguments]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
