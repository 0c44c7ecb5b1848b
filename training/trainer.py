"""`transformers.Trainer` with our losses, our dev metrics and an average of the last weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from sklearn.metrics import f1_score
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.utils.data import DataLoader, Sampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from stance.model import StanceModel
from training.config import LossWeights, OptimSpec
from training.dataset import Collator
from training.features import IGNORED, Example
from training.objective import distillation_loss, losses, predict, total_loss


class TokenBatches(Sampler[list[int]]):
    """Batches of examples of like length with at most `budget` tokens, padding counted; shuffled each epoch.

    A batch of long windows so costs the same memory and time as one of short sentences.
    """

    def __init__(self, lengths: Sequence[int], budget: int, seed: int) -> None:
        """Plan the batches of epoch 0; `set_epoch` plans another's."""
        self.lengths = np.asarray(lengths)
        self.budget = budget
        self.seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Plan the batches of an epoch, the same ones each time that it is asked for."""
        rng = np.random.default_rng((self.seed, epoch))
        # Lengths get noise, so that an example meets other companions in every epoch.
        order = np.argsort(self.lengths * rng.uniform(0.9, 1.1, len(self.lengths)), kind="stable")
        batches: list[list[int]] = [[]]
        longest = 0
        for index in order:
            longest = max(longest, int(self.lengths[index]))
            if batches[-1] and longest * (len(batches[-1]) + 1) > self.budget:
                batches.append([])
                longest = int(self.lengths[index])
            batches[-1].append(int(index))
        self.batches = [batches[i] for i in rng.permutation(len(batches))]

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of the epoch, as lists of positions in the dataset."""
        return iter(self.batches)

    def __len__(self) -> int:
        """How many batches there are."""
        return len(self.batches)


class StanceTrainer(Trainer):
    """Trains a `StanceModel`; `evaluate` reports macro-F1 of every head on every dev source."""

    def __init__(
        self,
        *,
        optim: OptimSpec,
        loss_weights: LossWeights,
        dev_collator: Collator,
        average: WeightAverage,
        teacher: StanceModel | None = None,
        **kwargs: Any,
    ) -> None:
        """Take what `Trainer` takes; `eval_dataset` maps a source's name to its examples.

        `average` is kept in every checkpoint. With a `teacher` of the same tokenizer its logits are learned beside the
        labels.
        """
        super().__init__(callbacks=[average], **kwargs)
        self.average = average
        self.optim_spec = optim
        self.loss_weights = loss_weights
        self.dev_collator = dev_collator
        self.teacher = None if teacher is None else teacher.eval().requires_grad_(False).to(self.args.device)
        self.last_losses: dict[str, float] = {}

    @property
    def trained(self) -> StanceModel:
        """The model in training, as what it is."""
        assert isinstance(self.model, StanceModel)
        return self.model

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The weighted sum of the heads' losses on one batch."""
        # Accelerate puts autocast around `forward` only, and the model is read through other methods.
        with torch.autocast(self.args.device.type, dtype=torch.bfloat16, enabled=self.args.bf16):
            logits = predict(model, inputs)  # type: ignore[arg-type]
        found = losses(logits, inputs)
        self.last_losses = {f"loss_{k}": round(float(v.detach()), 4) for k, v in found.items()}
        loss = total_loss(found, self.loss_weights)
        if self.teacher is not None:
            loss = loss + self.loss_weights.teacher * self._distil(logits, inputs)
        return (loss, logits) if return_outputs else loss

    def _distil(self, logits: Mapping[str, Tensor], inputs: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad(), torch.autocast(self.args.device.type, dtype=torch.bfloat16, enabled=self.args.bf16):
            goal = predict(self.teacher, inputs)  # type: ignore[arg-type]
        return distillation_loss(logits, goal, inputs)

    def get_train_dataloader(self) -> DataLoader:
        """Batches of one token budget instead of one number of examples."""
        assert isinstance(self.train_dataset, Dataset)
        lengths = list(self.train_dataset["length"])
        batches = TokenBatches(lengths, self.optim_spec.batch_tokens, self.args.seed)
        return DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=self.data_collator)

    def create_optimizer(self, model: torch.nn.Module | None = None) -> Optimizer:
        """AdamW with the heads' own rate, layer-wise decay of the encoder's, and no decay on vectors."""
        if self.optimizer is None:
            self.optimizer = AdamW(parameter_groups(self.trained, self.optim_spec), fused=True)
        return self.optimizer

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the weights and their average; in a checkpoint both so stand before the state that makes it whole."""
        super().save_model(output_dir, _internal_call)
        self.average.save(Path(output_dir or str(self.args.output_dir)))

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Write the heads' latest losses beside their sum."""
        super().log({**logs, **(self.last_losses if "loss" in logs else {})}, *args, **kwargs)

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Dev metrics of every source; `eval_selection` is the mean that picks the best checkpoint."""
        sources = eval_dataset or self.eval_dataset
        assert isinstance(sources, dict)
        metrics = evaluate_sources(self.trained, sources, self.dev_collator, self.args.bf16)
        named = {f"{metric_key_prefix}_{key}": value for key, value in metrics.items()}
        self.log(named)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, named)
        return named


def parameter_groups(model: StanceModel, spec: OptimSpec) -> list[dict[str, Any]]:
    """Optimiser groups: heads at `head_rate_factor` times the rate, deeper layers faster than lower ones."""
    count = int(model.encoder.config.num_hidden_layers)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = spec.learning_rate
        if not name.startswith("encoder."):
            rate *= spec.head_rate_factor
        else:
            rate *= spec.layer_decay ** (count - layer_of(name, count))
        decay = spec.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def layer_of(name: str, count: int) -> int:
    """The encoder layer that a parameter belongs to: 0 for embeddings, `count` for what stands above."""
    parts = name.split(".")
    if "embeddings" in parts:
        return 0
    numbers = [int(p) for p in parts if p.isdigit()]
    return numbers[0] + 1 if numbers else count


@torch.no_grad()
def head_outputs(
    model: StanceModel, examples: Sequence[Example], collator: Collator, batch_size: int = 8, bf16: bool = False
) -> dict[str, Any]:
    """Logits and labels of every head: {"stance": (logits [N, 3], labels [N]), ...}, in the examples' order.

    `bf16` is for speed, where `training.precision.bf16_is_fast`.
    """
    model.eval()
    device = next(model.parameters()).device
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for at in range(0, len(examples), batch_size):
        batch = collator(examples[at : at + batch_size])
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            answers = predict(model, {name: value.to(device) for name, value in batch.items()})
        logits = {head: values.float().cpu() for head, values in answers.items()}
        labels = {
            "sentiment": batch["sentiment"][:, -1],
            "stance": batch["stance"][:, -1],
            "name": batch["names"][:, -1],
            "same": batch["links"][:, -1],
        }
        keep = batch["tags"] != IGNORED
        labels["tag"], logits["tag"] = batch["tags"][keep], logits["tag"][keep]
        for head, label in labels.items():
            if len(label):
                found.setdefault(head, []).append((logits[head].numpy(), label.numpy()))
    return {h: tuple(np.concatenate(part) for part in zip(*rows, strict=True)) for h, rows in found.items()}


def evaluate_sources(
    model: StanceModel, sources: Mapping[str, Dataset], collator: Collator, bf16: bool = False
) -> dict[str, float]:
    """Macro-F1 of each head on each source, and `selection`: the mean over sentiment and stance."""
    metrics: dict[str, float] = {}
    for name, dataset in sources.items():
        outputs = head_outputs(model, list(dataset.sort("length")), collator, bf16=bf16)
        for head, (logits, labels) in outputs.items():
            guess = logits.argmax(-1) if logits.ndim > 1 else (logits > 0).astype(int)
            metrics[f"{name}_{head}_f1"] = float(f1_score(labels, guess, average="macro"))
    chosen = [v for k, v in metrics.items() if k.endswith(("_sentiment_f1", "_stance_f1"))]
    metrics["selection"] = float(np.mean(chosen)) if chosen else 0.0
    return metrics


class WeightAverage(TrainerCallback):
    """Averages the weights over the last part of training; saved with each checkpoint, so a resume keeps it."""

    FILE = "average.safetensors"

    def __init__(self, start: float, every: int = 10) -> None:
        """Begin after the share `start` of all steps, never at 1.0; take every `every`-th step."""
        self.start = start
        self.every = every
        self.count = 0
        self.average: dict[str, Tensor] = {}

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Take the weights into the average."""
        early = self.start >= 1.0 or state.global_step < self.start * state.max_steps
        if early or state.global_step % self.every:
            return
        self.count += 1
        for name, value in kwargs["model"].state_dict().items():
            if not value.is_floating_point():
                self.average[name] = value.clone()
            elif name not in self.average:
                self.average[name] = value.detach().float().clone()
            else:
                known = self.average[name]
                known.lerp_(value.detach().float().to(known.device), 1.0 / self.count)

    def save(self, folder: Path) -> None:
        """Keep the average beside the weights in `folder`."""
        if self.average:
            save_file(self.average, folder / self.FILE, metadata={"count": str(self.count)})

    def restore(self, checkpoint: Path) -> None:
        """Go on from a checkpoint's average, where it has one."""
        path = checkpoint / self.FILE
        if path.exists():
            from safetensors import safe_open

            self.average = load_file(path)
            with safe_open(path, framework="pt") as file:
                self.count = int(file.metadata()["count"])
