"""Every command of docs/retraining.md, in its order and in one shell, as somebody with an empty folder types them.

The clone that they start from is a small one: a tiny model in `models/stance`, a corpus of invented states, and
settings under which training takes seconds. Two things no command can bring are put in place here: what people
labelled in Label Studio, and a new model that is better, for the tiny one is so by chance only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from stance.artifact import read_manifest
from tests.serving.conftest import free_port
from tests.tiny import LENIENT_PARITY, lenient_parity, tiny_encoder
from tests.training.test_data_label_studio import DOCUMENT
from tests.training.test_pipeline import corpus
from training import pipeline
from training.config import ModelSpec, OptimSpec, TrainConfig, TrainSource
from training.data.label_studio import regions, task

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "retraining.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What these print depends on no model, so the document must show it to the letter.
EXACT = ("stance data import", "stance data validate")
#: Seconds for the whole walk; it takes about one minute where nothing else runs.
LIMIT = 1200

SETTINGS: dict[str, dict[str, Any]] = {
    "finetune.yaml": {
        "model": {"encoder": "none", "start": "models/stance", "frozen_layers": 1},
        "optim": {"epochs": 12, "batch_tokens": 256, "learning_rate": 1e-3, "bf16": False},
        "quantization": "weights",
    },
    "promotion.yaml": {
        "margin": 1.0,
        "max_ece": 1.0,
        "max_changed": 1.0,
        "max_name_gap": 100.0,
        "min_sentences_per_second": 0.0,
    },
    "drift.yaml": {"min_sentences": 1},
}
STANCE = f"""
import os, pathlib, sys, stance.artifact
stance.artifact.SHIPPED = pathlib.Path(os.environ["checkout"], "models", "stance")
if sys.argv[1:2] == ["train"]:
    import training.parity
    vars(training.parity).update({LENIENT_PARITY})
from stance.cli import main
main()
"""
BETTER = """
import json, pathlib
path = pathlib.Path("runs/report/metrics.json")
metrics = json.loads(path.read_text())
for row in metrics["comparisons"]:
    row.update(difference=0.1, low=0.05, high=0.15)
path.write_text(json.dumps(metrics))
"""
PRELUDE = """
set -o pipefail
trap 'echo "$BASH_COMMAND: exit code $?, see $at" >> "$beside/failed"' ERR
trap 'kill $(jobs -p); wait' EXIT
"""


@dataclass(frozen=True)
class Command:
    """A command line, or a block of them, and what the document says that it prints; None where it does not say."""

    text: str
    shown: str | None = None

    @property
    def refused(self) -> bool:
        """Whether the document shows an error of it."""
        return self.shown is not None and re.search("^stance: ", self.shown, re.MULTILINE) is not None


def commands(text: str) -> Iterator[Command]:
    """Every command of a document: `sh` blocks as they are, of `console` blocks what follows a `$`."""
    for language, body in BLOCK.findall(text):
        if language == "sh":
            yield Command(body)
        if language == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                line, _, shown = part.partition("\n")
                yield Command(line + "\n", shown)


def script(text: str, port: int) -> str:
    """A document's commands as one bash script that notes which of them fail, and goes on."""
    parts = [PRELUDE]
    for number, command in enumerate(commands(text)):
        line = command.text.replace("3000", str(port))
        if command.refused:
            line = f"if {line.strip()}; then false; fi\n"
        if "--evaluation runs/report" in line:
            parts.append('python "$beside/better.py"\n')
        parts.append(f'at=shown.{number}\n{{\n{line}}} > "$beside/$at" 2>&1\n')
    return "".join(parts)


@dataclass(frozen=True)
class Walk:
    """The walk that was made: its folder, and beside it what its commands printed."""

    folder: Path
    beside: Path
    tag: str

    @property
    def failed(self) -> str:
        """Each command that did not end as the document says, with what all of its block printed."""
        try:
            failed = (self.beside / "failed").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        blocks = sorted(set(re.findall(r"shown\.\d+", failed)))
        return failed + "".join(f"\n{at}:\n{self.printed(at)}" for at in blocks)

    def printed(self, at: str) -> str:
        """What a command printed on stdout and stderr."""
        return (self.beside / at).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The document's commands, run."""
    root = tmp_path_factory.mktemp("walk")
    made = Walk(root / "empty", root / "beside", _clone(root / "clone"))
    made.folder.mkdir()
    made.beside.mkdir()
    _labelled(made.folder / "export.json", "ada")
    _labelled(made.folder / "both.json", "ada", "ben")
    (made.beside / "better.py").write_text(BETTER)
    (made.beside / "program.py").write_text(STANCE)
    (made.beside / "stance").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{made.beside}/program.py" "$@"\n')
    (made.beside / "stance").chmod(0o755)
    (made.beside / "walk.sh").write_text(script(TEXT, free_port()), encoding="utf-8")
    _run(made, _environment(root))
    return made


def _clone(folder: Path) -> str:
    """A small clone; returns the tag of the model in it."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    for name, changes in SETTINGS.items():
        path = folder / "configs" / name
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
    (folder / "data" / "corpus").mkdir(parents=True)
    for seed, (name, count) in enumerate({"train": 24, "dev": 15, "test": 9}.items()):
        corpus(folder / "data" / "corpus" / f"{name}.jsonl", count, seed)
    trained = _trained(folder.with_name("first"), folder / "data" / "corpus")
    shutil.copytree(trained, folder / "models" / "stance")
    return read_manifest(trained).tag


def _trained(folder: Path, data: Path) -> Path:
    """A model that was trained, if only for moments: no bias of it is zero, and so training can go on from it."""
    sources = {
        part: [TrainSource(name="own", format="jsonl", path=data / f"{part}.jsonl")] for part in ("train", "dev")
    }
    config = TrainConfig(
        output=folder,
        model=ModelSpec(encoder=str(tiny_encoder("mpnet", folder.with_name("encoder"))), width=16, letters=4),
        optim=OptimSpec(epochs=4, batch_tokens=256, learning_rate=1e-3, bf16=False),
        train=sources["train"],
        dev=sources["dev"],
        quantization="weights",
    )
    with lenient_parity():
        return pipeline.run(config)


def _labelled(path: Path, *people: str) -> None:
    """What Label Studio exports of a task that these people labelled alike."""
    annotations = [
        {"result": regions(DOCUMENT), "completed_by": {"id": number, "email": f"{name}@example.org"}}
        for number, name in enumerate(people)
    ]
    path.write_text(json.dumps([{"data": task(DOCUMENT)["data"], "annotations": annotations}]), encoding="utf-8")


def _environment(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STANCE_", "BENTOML_"))}
    paths = [str(root / "beside"), str(Path(sys.executable).parent), kept.get("PATH", "")]
    return {
        **kept,
        "beside": str(root / "beside"),
        "checkout": str(root / "clone"),
        "STANCE_HOME": str(root / "home"),
        "BENTOML_HOME": str(root / "bentoml"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join(paths),
    }


def _run(made: Walk, environment: dict[str, str]) -> None:
    line = ["bash", str(made.beside / "walk.sh")]
    with (made.beside / "bash").open("w") as log:
        process = subprocess.Popen(
            line, cwd=made.folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        last = max(made.beside.glob("shown.*"), key=lambda path: int(path.suffix[1:])).name
        pytest.fail(f"{made.failed}\n{last} did not end:\n{made.printed(last)}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_every_command_ends_as_the_document_says(walk: Walk) -> None:
    assert walk.failed == ""


def test_what_depends_on_no_model_is_printed_as_the_document_shows_it(walk: Walk) -> None:
    shown = {f"shown.{n}": c.shown for n, c in enumerate(commands(TEXT)) if c.shown and c.text.startswith(EXACT)}
    assert {at: walk.printed(at) for at in shown} == shown


def test_the_walk_leaves_what_it_promises(walk: Walk) -> None:
    pointer = json.loads((walk.folder.parent / "home" / "current.json").read_text())
    assert pointer["stack"] == [walk.tag]
    assert [switch["action"] for switch in pointer["history"]] == ["promote", "promote", "rollback"]
    (correction,) = (walk.folder / "corrections.jsonl").read_text().splitlines()
    assert [stance["label"] for stance in json.loads(correction)["stances"]] == ["favor"]
    assert "<html" in (walk.folder / "drift.html").read_text()


def test_every_fenced_block_is_run_or_is_no_command() -> None:
    fences = re.findall(r"^\s*(?:```|~~~).*$", TEXT, re.MULTILINE)
    assert len(fences) == 2 * len(BLOCK.findall(TEXT))
    assert {language for language, _ in BLOCK.findall(TEXT)} == {"sh", "console", "yaml"}
