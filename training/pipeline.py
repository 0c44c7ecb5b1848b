"""`stance train`: fine-tune, export, check, calibrate, and leave a model folder that can serve."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from stance.artifact import TOKENIZER, HeadSettings, Manifest, digest, read_manifest, write_manifest
from stance.classifier import StanceClassifier
from stance.encoding import WindowEncoder
from stance.model import StanceModel
from training.calibrate import calibrate, exported_outputs
from training.card import write_card
from training.checkpoints import check_started, needing_room
from training.config import TrainConfig, TrainSource
from training.data.errors import DataError
from training.dataset import Collator, Source, build_dataset
from training.evaluation.report import write_report
from training.evaluation.run import measure
from training.export import calibration_batches, export_folder
from training.features import Example, Featurizer
from training.parity import check_parity
from training.train import dev_datasets, fit, load_tokenizer
from training.trainer import head_outputs

log = logging.getLogger(__name__)


def run(config: TrainConfig) -> Path:
    """Train, export, report; returns the folder that serves (`OUTPUT/artifact`). The report is in `OUTPUT/report`.

    Each step starts from what the one before left on disk, so a run that was stopped goes on. Raises
    `ConfigError`, `DataError`, `ParityError`, or `StorageError` where the disk is full.
    """
    config.output.mkdir(parents=True, exist_ok=True)
    with needing_room(config.output):
        check_started(config, _data_hashes(config))
        trained = config.output / "model"
        if not trained.exists():
            fit(config)
        folder = export(config, trained)
        results = measure(StanceClassifier.load(folder), {spec.name: spec.documents() for spec in config.dev})
        history = config.output / "history.json"
        results.history = json.loads(history.read_text(encoding="utf-8")) if history.exists() else []
        log.info("report: %s", write_report(config.output / "report", results))
    return folder


def export(config: TrainConfig, trained: Path) -> Path:
    """Turn a trained torch model into `OUTPUT/artifact`: int8, parity checked, calibrated, with card and checksums.

    The folder appears only when it is complete.
    """
    tokenizer = Tokenizer.from_file(str(trained / TOKENIZER))
    encoder = WindowEncoder(tokenizer, config.encoding)
    featurizer = Featurizer(encoder, config.context_neutral_weight)
    model = StanceModel.load(trained).eval()
    _, pad_id = load_tokenizer(config)
    work = config.output / "artifact.partial"
    shutil.rmtree(work, ignore_errors=True)
    windows = _calibration_windows(config, featurizer)
    samples = calibration_batches(windows, pad_id, config.calibration_windows)
    export_folder(model, encoder, samples, work, static=config.quantization == "static")
    manifest = _manifest(config, trained, model, pad_id, *_measure(config, model, featurizer, pad_id, work))
    write_card(work, write_manifest(work, manifest))
    return _put_in_place(work, config.output / "artifact")


def _put_in_place(work: Path, target: Path) -> Path:
    """Rename `work` to `target`; a folder that was there goes first out of the way and then for good."""
    old = target.with_name(f"{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    work.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


def _measure(
    config: TrainConfig, model: StanceModel, featurizer: Featurizer, pad_id: int, work: Path
) -> tuple[dict[str, HeadSettings], dict[str, Any]]:
    """The exported heads' calibration and their metrics, once they agree with torch."""
    examples = _dev_examples(config, featurizer)
    collator = Collator(pad_id, featurizer.encoder.placeholder_ids, shuffle=False)
    log.info("checking the exported model against torch on %d dev windows", len(examples))
    exported = exported_outputs(work, examples, collator)
    parity = check_parity(head_outputs(model, examples, collator), exported)
    heads, errors = calibrate(exported)
    return heads, {"dev": _dev_scores(config), "parity": [asdict(p) for p in parity], "calibration": errors}


def _manifest(
    config: TrainConfig,
    trained: Path,
    model: StanceModel,
    pad_id: int,
    heads: dict[str, HeadSettings],
    metrics: dict[str, Any],
) -> Manifest:
    return Manifest(
        tag=_tag(trained, config.quantization),
        created=datetime.now(UTC).date().isoformat(),
        license="Apache-2.0",
        encoding=config.encoding,
        pad_id=pad_id,
        hidden=int(model.encoder.config.hidden_size),
        heads=heads,
        metrics=metrics,
        config=_portable(config),
        data=_data_hashes(config),
        lineage={
            "encoder": Path(config.model.encoder).name,
            "layers": int(model.encoder.config.num_hidden_layers),
            "start": _start_tag(config),
        },
    )


def _calibration_windows(config: TrainConfig, featurizer: Featurizer) -> list[list[int]]:
    """Token ids of training windows, of every source alike."""
    share = -(-config.calibration_windows // len(config.train))
    windows: list[list[int]] = []
    for spec in config.train:
        documents = spec.documents()
        step = max(1, len(documents) // share)
        source = Source(spec.name, documents[::step][:share])
        windows += list(build_dataset([source], featurizer, config.mask_candidates, config.seed)["input_ids"])[:share]
    return windows


def _dev_examples(config: TrainConfig, featurizer: Featurizer) -> list[Example]:
    examples = [example for dataset in dev_datasets(config, featurizer).values() for example in dataset]
    return sorted(examples, key=lambda e: -int(e["length"]))


def _dev_scores(config: TrainConfig) -> dict[str, Any]:
    path = config.output / "dev.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _tag(trained: Path, quantization: str) -> str:
    """`stance:DATE-HASH`: the hash is of the trained weights, so what was exported alike from them has one name."""
    way = "" if quantization == "static" else f"-{quantization}"
    return f"stance:{datetime.now(UTC).date().isoformat()}-{digest(trained / 'model.safetensors')[:4]}{way}"


def _start_tag(config: TrainConfig) -> str | None:
    """What training started from: the tag of a folder that serves, or the hash of a run's weights."""
    start = config.model.start
    if start is None:
        return None
    weights = start / "model.safetensors"
    return digest(weights)[:12] if weights.exists() else read_manifest(start, verify=False).tag


def _portable(config: TrainConfig) -> dict[str, Any]:
    """The configuration as it may be published: paths only by their last parts."""
    raw = config.model_dump(mode="json")
    raw["output"] = config.output.name
    raw["model"]["encoder"] = Path(config.model.encoder).name
    raw["model"]["start"] = None if config.model.start is None else config.model.start.parent.name
    raw["optim"]["share_of"] = None if config.optim.share_of is None else config.optim.share_of.parent.name
    for source in [*raw["train"], *raw["dev"]]:
        source["path"] = "/".join(Path(source["path"]).parts[-2:])
        source["exclude"] = source["exclude"] and "/".join(Path(source["exclude"]).parts[-2:])
    return raw


def _data_hashes(config: TrainConfig) -> dict[str, str]:
    """SHA-256 of every file (or folder of files) that trained or chose the model, by source and part."""
    hashes = {}
    for part, specs in (("train", config.train), ("dev", config.dev)):
        for spec in specs:
            hashes[f"{part}/{spec.name}"] = _hash(spec)
    return hashes


def _hash(spec: TrainSource) -> str:
    if not spec.path.exists():
        raise DataError.single(spec.path, 0, "", f"no such file or folder; {spec.name} wants it: bring it, or set path")
    if spec.path.is_file():
        return digest(spec.path)
    whole = hashlib.sha256()
    for file in sorted(p for p in spec.path.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(spec.path)} {digest(file)}\n".encode())
    return whole.hexdigest()
