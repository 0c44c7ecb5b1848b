"""What `stance data audit` and `suggest` are worth, on NewsMTSC: planted label errors, and labels chosen or drawn.

    python -m benchmarks.selection --data NEWSMTSC [--encoder ENCODER …] [--model M] [--out a.json]

Audit: 5% of the training labels are changed to a wrong one, and the list is asked how many of them stand in its first
tenth. Suggest: from 500 sentences drawn at random, labels are bought 500 sentences at a time, suggested ones or random
ones, and macro-F1 is measured on dev. No model is trained: a frozen encoder reads every sentence once, and logistic
regressions learn from its vectors, so that the whole takes minutes on two cores. `--encoder` is a hub id or a folder
of an encoder that has seen no label of these data; the shipped model has (the true ones), so its figures flatter it.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from stance.schema import SENTIMENTS
from training.data.checks import normalise
from training.data.readers import read_newsmtsc
from training.selection.audit import label_quality, linear_model, out_of_fold
from training.selection.encoders import EncoderReader
from training.selection.readers import Floats, ModelReader, Reader
from training.selection.suggest import choose, entropy
from training.selection.vectors import question_vectors

log = logging.getLogger("benchmarks.selection")

PLANTED = 0.05
FIRST = 0.1
STEP = 500
RANDOM_SHARE = 0.1
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """Vectors [N, 2D] of labelled sentiments (actor, sentence), their classes [N], and the texts they stand in [N]."""

    vectors: Floats
    classes: Ints
    texts: list[str]

    @property
    def sentences(self) -> Floats:
        """The sentences' part of the vectors, of length 1."""
        half = self.vectors[:, self.vectors.shape[1] // 2 :]
        return half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)


def read_labels(reader: Reader, documents: Sequence[LabelledDocument]) -> Labels:
    """Every sentiment that the reader can read."""
    texts = {document.id: normalise(document.text) for document in documents}
    rows = list(question_vectors(reader, documents))
    classes = np.array([question.label for question, _ in rows])
    return Labels(np.stack([vector for _, vector in rows]), classes, [texts[q.document] for q, _ in rows])


def plant(classes: Ints, share: float, seed: int) -> tuple[Ints, NDArray[np.bool_]]:
    """The classes with a share of them changed to another, and which those are."""
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(classes), dtype=bool)
    wrong[rng.choice(len(classes), round(share * len(classes)), replace=False)] = True
    moved = (classes + rng.integers(1, len(SENTIMENTS), len(classes))) % len(SENTIMENTS)
    return np.where(wrong, moved, classes), wrong


def found_errors(labels: Labels, seed: int) -> dict[str, float]:
    """Shares of the planted errors in the first 5, 10 and 20% of the list, and how well the folds' models classify."""
    given, wrong = plant(labels.classes, PLANTED, seed)
    probabilities = out_of_fold(labels.vectors, given, labels.texts, len(SENTIMENTS), seed=seed)
    order = np.argsort(label_quality(given, probabilities), kind="stable")
    found = {f"first_{share:.0%}": _share(wrong[order], share) for share in (PLANTED, FIRST, 2 * FIRST)}
    guessed = probabilities.argmax(axis=1)
    return {**found, "macro_f1": float(f1_score(labels.classes, guessed, average="macro"))}


def _share(wrong_in_order: NDArray[np.bool_], part: float) -> float:
    return float(wrong_in_order[: round(part * len(wrong_in_order))].sum() / wrong_in_order.sum())


def learning_curve(pool: Labels, dev: Labels, suggested: bool, steps: int, seed: int) -> list[float]:
    """Macro-F1 on dev with STEP random sentences' labels, then with STEP more at each step."""
    texts = list(dict.fromkeys(pool.texts))
    place = {text: number for number, text in enumerate(texts)}
    owner = np.array([place[text] for text in pool.texts])
    first = np.array([int(np.flatnonzero(owner == number)[0]) for number in range(len(texts))])
    sentences = pool.sentences[first]
    rng = random.Random(seed)
    have = rng.sample(range(len(texts)), STEP)
    curve = []
    for step in range(steps + 1):
        rows = np.flatnonzero(np.isin(owner, have))
        model = linear_model(pool.vectors[rows], pool.classes[rows])
        curve.append(float(f1_score(dev.classes, model.predict(dev.vectors), average="macro")))
        left = sorted(set(range(len(texts))) - set(have))
        if step == steps or len(left) < STEP:
            break
        have += _bought(pool, owner, sentences, have, left, model, rng) if suggested else rng.sample(left, STEP)
    return curve


def _bought(
    pool: Labels, owner: Ints, sentences: Floats, have: list[int], left: list[int], model: Any, rng: random.Random
) -> list[int]:
    """The sentences that `suggest` would choose next."""
    entropies = np.array([entropy(row) for row in model.predict_proba(pool.vectors)])
    unsure = np.bincount(owner, weights=entropies) / np.bincount(owner)
    chosen, drawn = choose(unsure[left], sentences[left], STEP, RANDOM_SHARE, rng, known=sentences[have])
    return [left[place] for place in (*chosen, *drawn)]


def measure(reader: Reader, data: Path, seeds: int, steps: int) -> dict[str, Any]:
    """Both benchmarks with one reader; means over the seeds, and every single figure."""
    start = time.monotonic()
    pool = read_labels(reader, list(read_newsmtsc(data / "train.jsonl")))
    dev = read_labels(reader, [d for name in ("rw_dev", "mt_dev") for d in read_newsmtsc(data / f"{name}.jsonl")])
    log.info("%d labels read in %.0f s", len(pool.classes), time.monotonic() - start)
    audits = [found_errors(pool, seed) for seed in range(seeds)]
    log.info("audit: %s", audits)
    curves: dict[str, list[list[float]]] = {"suggested": [], "random": []}
    for seed in range(seeds):
        for name, runs in curves.items():
            runs.append(learning_curve(pool, dev, name == "suggested", steps, seed))
            log.info("%s, seed %d: %s", name, seed, [f"{100 * f1:.1f}" for f1 in runs[-1]])
    return {
        "labels": len(pool.classes),
        "audit": {key: float(np.mean([one[key] for one in audits])) for key in audits[0]} | {"runs": audits},
        "suggest": {name: {"mean": np.mean(runs, axis=0).tolist(), "runs": runs} for name, runs in curves.items()},
        "seconds": round(time.monotonic() - start),
    }


def main() -> None:
    """Parse arguments, measure each reader, print and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl, rw_dev.jsonl, mt_dev.jsonl")
    parser.add_argument("--encoder", action="append", default=[], help="hub id or folder; repeatable")
    parser.add_argument("--model", action="append", default=[], help="a model folder or tag, 'shipped' for that one")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help=f"times {STEP} sentences")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    results: dict[str, Any] = {}
    for name in options.encoder:
        reader: Reader = EncoderReader(name, options.threads)
        results[Path(name).name] = measure(reader, options.data, options.seeds, options.steps)
    for name in options.model:
        classifier = StanceClassifier.load(None if name == "shipped" else name, options.threads)
        results[classifier.tag] = measure(ModelReader(classifier), options.data, options.seeds, options.steps)
    text = json.dumps(results, indent=1) + "\n"
    print(text, end="")
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
