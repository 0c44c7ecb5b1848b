from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stance.artifact import read_manifest, write_manifest
from stance.cli.app import run
from tests.stores import model_store
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "stance:none"], "stance:none: not in the model store"),
        (["import", "none"], "none: no model here"),
        (["rollback"], "nothing to go back to"),
        (["promote", "stance:none", "--evaluation", "none.json"], "none.json: cannot be read"),
    ],
)
def test_unusable_arguments_exit_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", *arguments]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
