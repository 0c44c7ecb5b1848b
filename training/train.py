"""Fine-tunes one model from a configuration; resumes after an interruption."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from transformers import AutoTokenizer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from stance.encoding import WindowEncoder, add_placeholders
from stance.model import StanceModel
from training.config import ConfigError, TrainConfig, TrainSource
from training.dataset import Collator, Source, build_dataset
from training.features import Featurizer
from training.trainer import StanceTrainer, WeightAverage, evaluate_sources

log = logging.getLogger(__name__)


def fit(config: TrainConfig) -> Path:
    """Train to the end and return the folder with the torch model (`OUTPUT/model`).

    The last checkpoint in `OUTPUT/checkpoints` is gone on with, when there is one. At the end the last weights
    and their average are compared on dev and the better is kept; `OUTPUT/dev.json` has both.
    """
    set_seed(config.seed)
    tokenizer, pad_id = load_tokenizer(config)
    encoder = WindowEncoder(tokenizer, config.encoding)
    featurizer = Featurizer(encoder, config.context_neutral_weight)
    train_set = build_dataset(_sources(config.train), featurizer, config.mask_candidates, config.seed)
    dev_sets = dev_datasets(config, featurizer)
    log.info("%d training windows; dev %s", len(train_set), {k: len(v) for k, v in dev_sets.items()})
    trainer = _trainer(config, build_model(config, encoder, tokenizer), train_set, dev_sets, encoder, pad_id)
    average = next(c for c in trainer.callback_handler.callbacks if isinstance(c, WeightAverage))
    folder = config.output / "checkpoints"
    checkpoint = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    if checkpoint:
        log.info("going on from %s", checkpoint)
        average.restore(Path(checkpoint))
    trainer.train(resume_from_checkpoint=checkpoint)
    return _finish(config, trainer, average, dev_sets, tokenizer)


def load_tokenizer(config: TrainConfig) -> tuple[Tokenizer, int]:
    """The encoder's fast tokenizer with the placeholders added, and the padding id.

    Raises `ConfigError` for an encoder without a fast tokenizer.
    """
    source = config.model.start or config.model.encoder
    wrapped = AutoTokenizer.from_pretrained(source, use_fast=True)
    if not wrapped.is_fast:
        raise ConfigError(f"model.encoder: {source} has no fast tokenizer; choose an encoder with tokenizer.json")
    tokenizer = Tokenizer.from_str(wrapped.backend_tokenizer.to_str())
    add_placeholders(tokenizer)
    return tokenizer, int(wrapped.pad_token_id)


def build_model(config: TrainConfig, encoder: WindowEncoder, tokenizer: Tokenizer) -> StanceModel:
    """The model to train: new heads on a pretrained encoder, or an earlier run's model."""
    spec = config.model
    if spec.start is not None:
        model = StanceModel.load(spec.start)
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
    """Keep the embeddings and the lowest `count` layers as they are."""
    if count == 0:
        return
    for module in [model.encoder.get_input_embeddings(), *encoder_layers(model)[:count]]:
        for parameter in module.parameters():
            parameter.requires_grad = False


def dev_datasets(config: TrainConfig, featurizer: Featurizer) -> dict[str, Dataset]:
    """One dataset a dev source, encoded as with given mentions."""
    return {
        source.name: build_dataset([source], featurizer, mask_candidates=0.0, seed=0) for source in _sources(config.dev)
    }


def _sources(specs: list[TrainSource]) -> list[Source]:
    return [Source(s.name, s.documents(), s.repeat, s.pack, s.share) for s in specs]


def _trainer(
    config: TrainConfig,
    model: StanceModel,
    train_set: Dataset,
    dev_sets: dict[str, Dataset],
    encoder: WindowEncoder,
    pad_id: int,
) -> StanceTrainer:
    spec = config.optim
    arguments = TrainingArguments(
        output_dir=str(config.output / "checkpoints"),
        num_train_epochs=spec.epochs,
        learning_rate=spec.learning_rate,
        warmup_steps=spec.warmup,
        lr_scheduler_type="linear",
        bf16=spec.bf16,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="steps",
        save_steps=spec.checkpoint_steps,
        save_total_limit=2,
        logging_steps=20,
        remove_unused_columns=False,
        report_to=config.report_to,
        seed=config.seed,
        dataloader_num_workers=0,
    )
    return StanceTrainer(
        model=model,
        args=arguments,
        train_dataset=train_set,
        eval_dataset=dev_sets,
        data_collator=Collator(pad_id, encoder.placeholder_ids, shuffle=True, seed=config.seed),
        dev_collator=Collator(pad_id, encoder.placeholder_ids, shuffle=False),
        optim=spec,
        loss_weights=config.losses,
        teacher=None if config.teacher is None else StanceModel.load(config.teacher),
        callbacks=[WeightAverage(spec.average_from)],
    )


def _finish(
    config: TrainConfig,
    trainer: StanceTrainer,
    average: WeightAverage,
    dev_sets: dict[str, Dataset],
    tokenizer: Tokenizer,
) -> Path:
    model = trainer.trained
    scores = {"last": evaluate_sources(model, dev_sets, trainer.dev_collator)}
    if average.average:
        last = {k: v.clone() for k, v in model.state_dict().items()}
        model.load_state_dict(average.average)
        scores["average"] = evaluate_sources(model, dev_sets, trainer.dev_collator)
        if scores["average"]["selection"] < scores["last"]["selection"]:
            model.load_state_dict(last)
    folder = config.output / "model"
    model.save(folder)
    save_tokenizer(config, tokenizer, folder)
    (config.output / "dev.json").write_text(json.dumps(scores, indent=1))
    (config.output / "history.json").write_text(json.dumps(trainer.state.log_history, indent=1))
    return folder


def save_tokenizer(config: TrainConfig, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the tokenizer with its placeholders, so that a later run can start from this model."""
    wrapped = AutoTokenizer.from_pretrained(config.model.start or config.model.encoder, use_fast=True)
    wrapped.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
