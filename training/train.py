"""Fine-tunes one model from a configuration; resumes after an interruption."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoTokenizer, TrainingArguments, set_seed

from stance.artifact import SHAPES, TOKENIZER
from stance.encoding import WindowEncoder, add_placeholders
from stance.model import StanceModel
from training.checkpoints import keeping_checkpoints, last_checkpoint
from training.config import ConfigError, OptimSpec, TrainConfig, TrainSource
from training.dataset import Collator, Source, build_dataset
from training.features import Featurizer
from training.precision import bf16_is_fast
from training.splits import check_answers, check_classes, without_overlap
from training.thaw import thaw
from training.trainer import StanceTrainer, WeightAverage, evaluate_sources

log = logging.getLogger(__name__)


def fit(config: TrainConfig) -> Path:
    """Train to the end and return the folder with the torch model (`OUTPUT/model`).

    The last checkpoint in `OUTPUT/checkpoints` is gone on with, when there is one. At the end the last weights,
    their average and the middle between the two are compared on dev, each mixed with the weights that training started
    from where `optim.start_share` says so, and the best is kept; `OUTPUT/dev.json` has the scores of all.

    Raises `ConfigError`, `DataError` for data that cannot be used or share texts with dev, and `StorageError` where a
    checkpoint cannot be written.
    """
    _check_reporting(config.report_to)
    sources = training_sources(config)
    set_seed(config.seed)
    tokenizer, pad_id = load_tokenizer(config)
    encoder = WindowEncoder(tokenizer, config.encoding)
    featurizer = Featurizer(encoder, config.context_neutral_weight)
    train_set = build_dataset(sources, featurizer, config.mask_candidates, config.seed)
    dev_sets = dev_datasets(config, featurizer)
    log.info("%d training windows; dev %s", len(train_set), {k: len(v) for k, v in dev_sets.items()})
    model = build_model(config, encoder, tokenizer)
    model.encoder.config.pad_token_id = pad_id
    trainer = _trainer(config, model, train_set, dev_sets, encoder, pad_id)
    average = trainer.average
    folder = config.output / "checkpoints"
    checkpoint = last_checkpoint(folder)
    if checkpoint:
        log.info("going on from %s", checkpoint)
        average.restore(checkpoint)
    with keeping_checkpoints(folder):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    start = _start_weights(config, encoder, tokenizer) if config.optim.start_share else {}
    return _finish(config, trainer, _candidates(trainer, start, config.optim.start_share), dev_sets, tokenizer)


def training_sources(config: TrainConfig) -> list[Source]:
    """Every source of training, less what dev holds too where the configuration says so.

    Raises `DataError` for a bad row, for a question with two answers, for documents that share text with dev, and for
    a class that no document has.
    """
    train = {_described(s): s.documents() for s in config.train}
    dev = {_described(s): s.documents() for s in config.dev}
    check_answers({**train, **dev})
    kept = without_overlap(train, dev, drop=config.overlap == "drop")
    check_classes(kept)
    return [Source(s.name, kept[_described(s)], s.repeat, s.pack, s.share) for s in config.train]


def _described(source: TrainSource) -> str:
    return f"{source.name} ({source.path})"


def _check_reporting(report_to: str) -> None:
    # MLflow reports usage to its makers unless told not to, and reads this when it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    if report_to != "none" and importlib.util.find_spec(report_to) is None:
        raise ConfigError(
            f"report_to: {report_to} is not installed; pip install 'stance[{report_to}]', or set report_to=none"
        )


def load_tokenizer(config: TrainConfig) -> tuple[Tokenizer, int]:
    """The fast tokenizer of the encoder, or of the model that training starts from, placeholders added; the padding id.

    Raises `ConfigError` for an encoder without a fast tokenizer.
    """
    start = config.model.start
    if start is not None:
        pad_id = int(_encoder_config(start)["pad_token_id"])
        return Tokenizer.from_file(str(start / TOKENIZER)), pad_id
    wrapped = AutoTokenizer.from_pretrained(config.model.encoder, use_fast=True)
    if not wrapped.is_fast:
        raise ConfigError(
            f"model.encoder: {config.model.encoder} has no fast tokenizer; choose an encoder with tokenizer.json"
        )
    tokenizer = Tokenizer.from_str(wrapped.backend_tokenizer.to_str())
    add_placeholders(tokenizer)
    return tokenizer, int(wrapped.pad_token_id)


def _encoder_config(start: Path) -> dict[str, Any]:
    """The encoder's configuration of a folder to start from. Raises `ConfigError` where there is none."""
    for path, key in ((start / "encoder" / "config.json", None), (start / SHAPES, "encoder")):
        if path.is_file():
            described = json.loads(path.read_text(encoding="utf-8"))
            return described if key is None else described[key]
    raise ConfigError(
        f"model.start: {start} is neither the model of a run (RUN/model) nor a folder that serves and can be trained on"
    )


def build_model(config: TrainConfig, encoder: WindowEncoder, tokenizer: Tokenizer) -> StanceModel:
    """The model to train: new heads on a pretrained encoder, or an earlier run's model."""
    spec = config.model
    if spec.start is not None:
        model = load_start(spec.start)
    else:
        model = StanceModel.from_encoder(
            spec.encoder,
            encoder.placeholder_ids,
            tokenizer.get_vocab_size(with_added_tokens=True),
            width=spec.width,
            letters=spec.letters,
            dropout=spec.dropout,
        )
    if spec.layers is not None:
        keep_layers(model, spec.layers)
    freeze_layers(model, spec.frozen_layers)
    return model


def load_start(folder: Path) -> StanceModel:
    """The torch model of an earlier run (`RUN/model`), or of a folder that serves, the shipped one among them.

    Raises `ArtifactError` or `ThawError` for a folder that is damaged or cannot be trained on.
    """
    return StanceModel.load(folder) if (folder / "model.safetensors").exists() else thaw(folder)


def encoder_layers(model: StanceModel) -> Any:
    """The encoder's list of layers, wherever its family keeps it. Raises `ConfigError` when none is found."""
    for path in ("encoder.layer", "encoder.layers", "layers"):
        at: Any = model.encoder
        for part in path.split("."):
            at = getattr(at, part, None)
        if at is not None:
            return at
    raise ConfigError(f"model.encoder: {type(model.encoder).__name__} keeps its layers in an unknown place")


def keep_layers(model: StanceModel, count: int) -> None:
    """Make the encoder shallower: `count` of its layers, evenly spaced, the first and the last among them."""
    layers = encoder_layers(model)
    chosen = {round(i * (len(layers) - 1) / max(count - 1, 1)) for i in range(count)}
    for index in reversed(range(len(layers))):
        if index not in chosen:
            del layers[index]
    model.encoder.config.num_hidden_layers = len(layers)


def freeze_layers(model: StanceModel, count: int) -> None:
    """Keep the lowest `count` layers as they are, and with them all that stands outside of layers: the embeddings, and
    positions that all layers share. Nothing below is to be learned, so no gradient is carried that far."""
    if count == 0:
        return
    model.encoder.requires_grad_(False)
    for layer in encoder_layers(model)[count:]:
        layer.requires_grad_(True)


def dev_datasets(config: TrainConfig, featurizer: Featurizer) -> dict[str, Dataset]:
    """One dataset a dev source, encoded as with given mentions."""
    sources = [Source(s.name, s.documents(), s.repeat, s.pack, s.share) for s in config.dev]
    return {source.name: build_dataset([source], featurizer, mask_candidates=0.0, seed=0) for source in sources}


def training_arguments(spec: OptimSpec, folder: Path, seed: int, report_to: str = "none") -> TrainingArguments:
    """What `transformers.Trainer` is told; checkpoints go below `folder`."""
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=spec.epochs,
        learning_rate=spec.learning_rate,
        warmup_steps=spec.warmup,
        lr_scheduler_type="linear",
        bf16=bf16_is_fast() if spec.bf16 == "auto" else spec.bf16,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch" if spec.dev_each_epoch else "no",
        save_strategy="steps",
        save_steps=spec.checkpoint_steps,
        save_total_limit=2,
        logging_steps=20,
        remove_unused_columns=False,
        report_to=report_to,
        seed=seed,
        dataloader_num_workers=0,
    )


def _trainer(
    config: TrainConfig,
    model: StanceModel,
    train_set: Dataset,
    dev_sets: dict[str, Dataset],
    encoder: WindowEncoder,
    pad_id: int,
) -> StanceTrainer:
    spec = config.optim
    return StanceTrainer(
        model=model,
        args=training_arguments(spec, config.output / "checkpoints", config.seed, config.report_to),
        train_dataset=train_set,
        eval_dataset=dev_sets,
        data_collator=Collator(pad_id, encoder.placeholder_ids, shuffle=True, seed=config.seed),
        dev_collator=Collator(pad_id, encoder.placeholder_ids, shuffle=False),
        optim=spec,
        loss_weights=config.losses,
        teacher=None if config.teacher is None else load_start(config.teacher),
        average=WeightAverage(spec.average_from),
    )


def _start_weights(config: TrainConfig, encoder: WindowEncoder, tokenizer: Tokenizer) -> dict[str, Tensor]:
    """The weights that `optim.start_share` mixes in."""
    start = config.optim.share_of or config.model.start
    spec = config.model.model_copy(update={"start": start})
    return build_model(config.model_copy(update={"model": spec}), encoder, tokenizer).state_dict()


def _candidates(
    trainer: StanceTrainer, start: Mapping[str, Tensor], start_share: float
) -> dict[str, dict[str, Tensor]]:
    """The last weights, their average and the middle between the two, each with its share of the start's weights.

    Weights that lie between a start and its fine-tuning keep more of what the start knew, at little cost to what was
    learned (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """
    last = {name: value.cpu().clone() for name, value in trainer.trained.state_dict().items()}
    found = {"last": last}
    if average := trainer.average.average:
        average = {name: value.cpu() for name, value in average.items()}
        found |= {"average": average, "between": _mixed(last, average, 0.5)}
    return {name: _mixed(weights, start, start_share) if start else weights for name, weights in found.items()}


def _mixed(weights: Mapping[str, Tensor], others: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """`weights` with a `share` of 0 to 1 of the `others`; counters and the like stay as they are."""
    return {n: v.float().lerp(others[n].float(), share) if v.is_floating_point() else v for n, v in weights.items()}


def _chosen(
    model: StanceModel, candidates: Mapping[str, dict[str, Tensor]], evaluate: Callable[[], dict[str, float]]
) -> tuple[dict[str, dict[str, float]], dict[str, Tensor]]:
    """The scores of all candidates, and the weights of the best."""
    scores = {}
    for name, weights in candidates.items():
        model.load_state_dict(weights)
        scores[name] = evaluate()
    return scores, candidates[max(scores, key=lambda name: scores[name]["selection"])]


def _finish(
    config: TrainConfig,
    trainer: StanceTrainer,
    candidates: Mapping[str, dict[str, Tensor]],
    dev_sets: dict[str, Dataset],
    tokenizer: Tokenizer,
) -> Path:
    model = trainer.trained
    scores, best = _chosen(
        model, candidates, lambda: evaluate_sources(model, dev_sets, trainer.dev_collator, trainer.args.bf16)
    )
    model.load_state_dict(best)
    (config.output / "dev.json").write_text(json.dumps(scores, indent=1))
    (config.output / "history.json").write_text(json.dumps(trainer.state.log_history, indent=1))
    # A folder of this name means that training has ended, so it appears last and whole.
    partial, folder = config.output / "model.partial", config.output / "model"
    shutil.rmtree(partial, ignore_errors=True)
    model.save(partial)
    tokenizer.save(str(partial / TOKENIZER))
    return partial.rename(folder)
