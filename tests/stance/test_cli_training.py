from __future__ import annotations

import json
from pathlib import Path

import pytest

from stance.cli.app import run

DOCUMENT = {
    "id": "d1",
    "text": "Tamoria condemned Qarvan.",
    "actors": [{"id": "t", "name": "Tamoria"}, {"id": "q", "name": "Qarvan"}],
    "mentions": [{"actor": "t", "start": 0, "end": 7}, {"actor": "q", "start": 18, "end": 24}],
    "sentiment": [{"sentence": [0, 25], "actor": "q", "label": "negative"}],
    "stances": [{"sentence": [0, 25], "holder": "t", "target": "q", "label": "against"}],
}


def test_evaluate_prints_metrics_and_nothing_else(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set.jsonl").write_text(json.dumps(DOCUMENT) + "\n", encoding="utf-8")
    assert run(["evaluate", "--model", str(tiny_model), "--data", str(tmp_path), "--threads", "1"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["model"].startswith("stance:tiny")
    assert {"set.sentiment", "set.stance"} <= set(metrics["tasks"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--config", "none.yaml"], "none.yaml: no such file"),
        (["train", "--config", "configs/train.yaml", "optim"], "override 'optim': write key=value"),
        (["train", "--config", "configs/train.yaml", "optim.epoch=1"], "optim.epoch: Extra inputs"),
        (["train", "--config", "configs"], "configs: cannot be read (Is a directory); give --config"),
        (["train", "--config", "configs/train.yaml", "optim.epochs={"], "override 'optim.epochs={': not YAML"),
        (["evaluate", "--data", "none.jsonl", "--model", "none"], "none"),
        (["evaluate", "--data", "data/corpus/dev.jsonl", "--history", "none.json"], "none.json: cannot be read"),
        (["evaluate", "--data", "data/corpus/dev.jsonl", "--report", "Makefile"], "--report: Makefile cannot be"),
    ],
)
def test_unusable_arguments_exit_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("stance: ") == 1
    assert shown.out == ""
