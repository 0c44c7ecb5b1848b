"""From labels to a model folder that serves, on tiny data: train, resume, export, calibrate, card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from stance import Document, StanceClassifier
from stance.artifact import read_manifest
from stance.labelled import LabelledDocument
from tests.tiny import lenient_parity, tiny_encoder
from training import parity, pipeline, train
from training.config import ConfigError, TrainConfig, load_config
from training.data.errors import DataError
from training.trainer import StanceTrainer, TokenBatches

SENTENCES = [
    ("{a} condemned {b} on Monday.", "against", "negative"),
    ("{a} praised {b} for the treaty.", "favor", "positive"),
    ("{a} met {b} in the morning.", "neutral", "neutral"),
]


def corpus(path: Path, count: int, seed: int) -> Path:
    """Documents of three sentences about two invented states and a pronoun."""
    lines = []
    for number in range(count):
        text, sentiment, stances, spans = "", [], [], []
        mentions = []
        a, b = f"{('Orsania', 'Tamoria')[seed % 2]}{chr(97 + number % 7)}", "Velmark"
        for pattern, stance, mood in SENTENCES[number % 3 :] + SENTENCES[: number % 3]:
            start = len(text)
            sentence = pattern.format(a=a, b=b)
            text += sentence
            span = [start, start + len(sentence)]
            spans.append(span)
            mentions += [
                {"actor": "a", "start": start, "end": start + len(a)},
                {"actor": "b", "start": start + sentence.index(b), "end": start + sentence.index(b) + len(b)},
            ]
            sentiment.append({"sentence": span, "actor": "b", "label": mood})
            stances += [
                {"sentence": span, "holder": "a", "target": "b", "label": stance},
                {"sentence": span, "holder": "b", "target": "a", "label": "neutral"},
            ]
            text += " "
        actors = [{"id": "a", "name": a, "type": "state"}, {"id": "b", "name": b, "type": "state"}]
        document = {
            "id": f"d{seed}-{number}",
            "text": text.strip(),
            "actors": actors,
            "mentions": mentions,
            "sentiment": sentiment,
            "stances": stances,
            "sentences": spans,
            "mentions_complete": True,
        }
        lines.append(LabelledDocument.model_validate(document).model_dump_json())
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, data and a configuration."""
    root = tmp_path_factory.mktemp("pipeline")
    corpus(root / "train.jsonl", 24, 0)
    corpus(root / "dev.jsonl", 9, 3)
    config = {
        "output": str(root / "run"),
        "model": {"encoder": str(tiny_encoder("mpnet", root / "encoder")), "width": 16, "letters": 4},
        "optim": {"epochs": 5, "batch_tokens": 256, "checkpoint_steps": 2, "learning_rate": 1e-3, "bf16": False},
        "train": [{"name": "own", "format": "jsonl", "path": str(root / "train.jsonl")}],
        "dev": [{"name": "own", "format": "jsonl", "path": str(root / "dev.jsonl")}],
    }
    (root / "train.yaml").write_text(yaml.safe_dump(config))
    return root


def configured(root: Path, *overrides: str) -> TrainConfig:
    return load_config(root / "train.yaml", overrides)


@pytest.fixture(scope="module", autouse=True)
def _exported_as_it_is() -> Iterator[None]:
    with lenient_parity():
        yield


@pytest.fixture(scope="module")
def artifact(setting: Path) -> Path:
    return pipeline.run(configured(setting, "optim.checkpoint_steps=50"))


def test_the_folder_serves(artifact: Path) -> None:
    classifier = StanceClassifier.load(artifact, threads=1)
    (result,) = classifier.classify([Document(id="d", text="Orsania condemned Velmark.")], include_neutral=True)
    assert result.model == classifier.tag


def test_training_ends_with_a_report(artifact: Path) -> None:
    assert "<html" in (artifact.parent / "report" / "report.html").read_text()
    assert list((artifact.parent / "report").rglob("*.png"))


def test_the_manifest_tells_what_made_the_model(artifact: Path, setting: Path) -> None:
    manifest = read_manifest(artifact)
    assert set(manifest.data) == {"train/own", "dev/own"}
    assert manifest.metrics["calibration"]["stance"]["labels"] > 0
    assert {p["head"] for p in manifest.metrics["parity"]} == {"sentiment", "stance"}
    assert str(setting) not in (artifact / "manifest.json").read_text()
    assert manifest.tag in (artifact / "README.md").read_text()


def test_an_interrupted_run_goes_on_where_it_was(
    setting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(setting, f"output={tmp_path}", "optim.epochs=2")
    real, steps = StanceTrainer.training_step, []

    def dies(self: StanceTrainer, *args: object, **kwargs: object) -> object:
        steps.append(self.state.global_step)
        if len(steps) == 6:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    monkeypatch.setattr(StanceTrainer, "training_step", dies)
    with pytest.raises(KeyboardInterrupt):
        train.fit(config)
    steps.clear()
    steps.extend([-1] * 6)
    train.fit(config)
    assert steps[6] == 4
    assert (tmp_path / "model" / "model.safetensors").exists()


def test_a_finished_training_is_not_repeated(artifact: Path, setting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "fit", lambda config: pytest.fail("trained again"))
    assert pipeline.run(configured(setting)) == artifact


@pytest.mark.parametrize("start", ["model", "artifact"])
def test_training_goes_on_from_a_model(start: str, artifact: Path, setting: Path, tmp_path: Path) -> None:
    overrides = [f"output={tmp_path}", f"model.start={artifact.parent / start}", "optim.epochs=1"]
    folder = train.fit(configured(setting, *overrides, "model.frozen_layers=1"))
    scores = json.loads((folder.parent / "dev.json").read_text())
    assert "own_stance_f1" in scores["last"]


def test_a_share_of_the_start_stays_in_the_result(artifact: Path, setting: Path, tmp_path: Path) -> None:
    start = train.StanceModel.load(artifact.parent / "model").state_dict()
    trained = []
    for share in (0, 0.75):
        overrides = [f"output={tmp_path / str(share)}", f"model.start={artifact.parent / 'model'}", "optim.epochs=1"]
        # Without an average there is one candidate, the last weights.
        only = ["optim.average_from=1", f"optim.start_share={share}"]
        trained.append(train.StanceModel.load(train.fit(configured(setting, *overrides, *only))).state_dict())
    whole, mixed = trained
    assert any((whole[name] - start[name]).abs().max() > 1e-4 for name in start if start[name].is_floating_point())
    for name, value in start.items():
        assert torch.allclose(mixed[name].float(), 0.25 * whole[name].float() + 0.75 * value.float(), atol=1e-6), name


def test_the_share_may_be_of_the_weights_where_training_began(artifact: Path, setting: Path, tmp_path: Path) -> None:
    began, start = artifact.parent / "model", tmp_path / "start"
    other = train.StanceModel.load(began)
    torch.nn.init.zeros_(other.mentions.tag.weight)
    other.save(start)
    shutil.copy(began / "tokenizer.json", start)
    overrides = [f"output={tmp_path / 'run'}", f"model.start={start}", "optim.epochs=1", "optim.learning_rate=1e-9"]
    mixing = ["optim.average_from=1", "optim.start_share=0.5", f"optim.share_of={began}"]
    mixed = train.StanceModel.load(train.fit(configured(setting, *overrides, *mixing)))
    expected = 0.5 * train.StanceModel.load(began).mentions.tag.weight
    assert torch.allclose(mixed.mentions.tag.weight, expected, atol=1e-5)


def test_the_same_folder_with_other_labels_or_settings_is_refused(artifact: Path, setting: Path) -> None:
    moved = corpus(setting / "moved.jsonl", 24, 0)
    assert pipeline.run(configured(setting, f"train.0.path={moved}", "optim.checkpoint_steps=3")) == artifact
    more = corpus(setting / "more.jsonl", 27, 0)
    with pytest.raises(ConfigError, match=r"seed, the content of train/own changed\); give output="):
        pipeline.run(configured(setting, f"train.0.path={more}", "seed=8"))


def test_labels_that_had_to_be_mended_first_do_not_bind_the_folder(setting: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    overrides = [f"output={tmp_path / 'run'}", f"train.0.path={mine}"]
    with pytest.raises(DataError, match=r"mine\.jsonl: no such file or folder; own wants it"):
        pipeline.run(configured(setting, *overrides))
    mine.write_text("{}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.jsonl:1: "):
        pipeline.run(configured(setting, *overrides))
    corpus(mine, 24, 0)
    assert pipeline.run(configured(setting, *overrides, "optim.epochs=1")).is_dir()


@pytest.mark.parametrize("step", ["export_folder", "calibrate"])
def test_a_run_killed_after_training_goes_on_and_leaves_the_old_folder_till_then(
    step: str, artifact: Path, setting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(artifact)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, step, _killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(configured(setting))
    assert read_manifest(artifact).files == before.files
    monkeypatch.setattr(pipeline, "fit", lambda config: pytest.fail("trained again"))
    assert read_manifest(pipeline.run(configured(setting))).tag == before.tag


def _killed(*args: object, **kwargs: object) -> None:
    raise KeyboardInterrupt


def test_a_model_that_strays_in_the_export_replaces_none(
    artifact: Path, setting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(artifact)
    monkeypatch.setattr(parity, "MIN_AGREEMENT", 1.1)
    with pytest.raises(parity.ParityError, match="try quantization=weights"):
        pipeline.run(configured(setting))
    assert read_manifest(artifact).files == before.files


def test_weights_half_written_are_no_trained_model(
    setting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(setting, f"output={tmp_path}", "optim.epochs=0.5")
    with monkeypatch.context() as patch:
        patch.setattr(train.StanceModel, "save", lambda self, folder: (folder.mkdir(), _killed()))
        with pytest.raises(KeyboardInterrupt):
            train.fit(config)
    assert not (tmp_path / "model").exists()
    assert (train.fit(config) / "model.safetensors").exists()


def test_a_tracker_that_is_not_installed_is_named(setting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'stance\[mlflow\]'"):
        train.fit(configured(setting, "report_to=mlflow"))


def test_a_folder_that_is_no_model_is_no_start(setting: Path, tmp_path: Path) -> None:
    config = configured(setting, f"output={tmp_path}", f"model.start={setting / 'encoder'}")
    with pytest.raises(ConfigError, match=r"model\.start: .* is neither"):
        train.fit(config)


def test_a_student_learns_from_a_teacher(artifact: Path, setting: Path, tmp_path: Path) -> None:
    teacher = artifact.parent / "model"
    overrides = [f"output={tmp_path}", f"teacher={teacher}", f"model.start={teacher}", "model.layers=1"]
    folder = train.fit(configured(setting, *overrides, "optim.epochs=1"))
    assert train.encoder_layers(train.StanceModel.load(folder))[0] is not None
    assert len(train.encoder_layers(train.StanceModel.load(folder))) == 1


def test_layers_can_be_dropped_and_frozen(setting: Path, tmp_path: Path) -> None:
    config = configured(setting, f"output={tmp_path}", "model.layers=1")
    tokenizer, _ = train.load_tokenizer(config)
    from stance.encoding import WindowEncoder

    model = train.build_model(config, WindowEncoder(tokenizer, config.encoding), tokenizer)
    assert len(train.encoder_layers(model)) == 1
    train.freeze_layers(model, 1)
    assert not any(p.requires_grad for p in train.encoder_layers(model)[0].parameters())


def test_batches_keep_to_their_budget_and_hold_every_example_once() -> None:
    lengths = [5, 90, 30, 31, 32, 7, 200, 12] * 9
    sampler = TokenBatches(lengths, budget=100, seed=1)
    batches = list(sampler)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 100 for b in batches)
    sampler.set_epoch(1)
    assert list(sampler) != batches
    sampler.set_epoch(0)
    assert list(sampler) == batches
