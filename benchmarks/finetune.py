"""What 500 labels of one's own cost the shipped model: minutes, and macro-F1 on the sets it was measured on before.

    python -m benchmarks.finetune --data ../shared/data [--labels 500] [--split dev|test] [--out a.json]

The labels are sentences of DSE's validation file, which the model has not been trained on; 200 more choose between the
weights at the end and calibrate, as a team's own dev part would. `configs/finetune.yaml` does the rest as it stands.
Time runs from the labels on disk to the folder that serves. The dev split is the default, so that nobody sees the test
splits by accident.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from training.config import TrainConfig, load_config
from training.data.checks import normalise
from training.data.export import write_jsonl
from training.data.readers import read_jsonl, read_newsmtsc
from training.data.readers.dse import read_dse_test
from training.evaluation.results import Results
from training.evaluation.run import add_stance
from training.evaluation.suite import NEWSMTSC
from training.evaluation.tasks import evaluate_sentiment
from training.pipeline import export
from training.train import fit

ROOT = Path(__file__).resolve().parent.parent
DEV_LABELS = 200
log = logging.getLogger("benchmarks.finetune")
Documents = list[LabelledDocument]


def own_labels(data: Path, labels: int, seed: int) -> tuple[Documents, Documents, Documents]:
    """Sentences that stand for a team's own: to train on, to choose by, and the rest."""
    _, clean = read_dse_test(data / "dse" / "valid.txt", data / "dse" / "train.txt")
    # By text, for a sentence with several pairs has a row for each, and training refuses to share one with dev.
    texts = sorted({normalise(document.text) for document in clean})
    place = {text: number for number, text in enumerate(random.Random(seed).sample(texts, len(texts)))}
    shuffled = sorted(clean, key=lambda document: place[normalise(document.text)])
    labels += sum(place[normalise(d.text)] == place[normalise(shuffled[labels - 1].text)] for d in shuffled[labels:])
    return shuffled[:labels], shuffled[labels : labels + DEV_LABELS], shuffled[labels + DEV_LABELS :]


def test_sets(data: Path, split: str, rest: Documents) -> dict[str, Documents]:
    """The sets to measure on before and after; `rest` stands for DSE's dev part, of which it is what is left."""
    sets = {f"NewsMTSC {n}": list(read_newsmtsc(data / "newsmtsc" / f"{n}_{split}.jsonl")) for n in NEWSMTSC}
    dse = rest if split == "dev" else read_dse_test(data / "dse" / "test.txt", data / "dse" / "train.txt")[1]
    return {**sets, "DSE": dse, "corpus": list(read_jsonl(ROOT / "data" / "corpus" / f"{split}.jsonl"))}


def scores(classifier: StanceClassifier, sets: Mapping[str, Sequence[LabelledDocument]]) -> dict[str, float]:
    """Macro-F1 in points: sentiment on NewsMTSC, directed stance on the others."""
    results = Results.of(classifier.manifest)
    for name, documents in sets.items():
        if name.startswith("NewsMTSC"):
            results.evaluations.append(evaluate_sentiment(classifier, documents, name))
        else:
            add_stance(results, classifier, name, documents)
    return {e.name: round(100 * e.metrics["macro_f1"], 1) for e in results.evaluations if e.name in sets}


def configured(path: Path, work: Path, train: Documents, dev: Documents) -> TrainConfig:
    """The configuration on these labels, which it finds in `work`."""
    for name, documents in (("mine", train), ("dev", dev)):
        write_jsonl(documents, work / f"{name}.jsonl")
    sources = [f"train.0.path={work / 'mine.jsonl'}", f"dev.0.path={work / 'dev.jsonl'}"]
    return load_config(path, [f"output={work / 'run'}", *sources])


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Fine-tune once; minutes of each step, and the scores of both models."""
    train, dev, rest = own_labels(options.data, options.labels, options.seed)
    config = configured(options.config, work, train, dev)
    start = time.monotonic()
    trained = fit(config)
    fitted = time.monotonic()
    folder = export(config, trained)
    ready = time.monotonic()
    sets = test_sets(options.data, options.split, rest)
    before, after = (scores(StanceClassifier.load(model), sets) for model in (config.model.start, folder))
    minutes = {"training": fitted - start, "export": ready - fitted, "together": ready - start}
    return {
        "split": options.split,
        "labels": len(train),
        "minutes": {name: round(seconds / 60, 1) for name, seconds in minutes.items()},
        "before": before,
        "after": after,
    }


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print both models' scores, and the minutes."""
    minutes = ", ".join(f"{name} {value}" for name, value in found["minutes"].items())
    table = Table(title=f"{found['labels']} labels, {found['split']}; minutes: {minutes}")
    for column in ("", "before", "after", "difference"):
        table.add_column(column, justify="right" if column else "left")
    for name, before in found["before"].items():
        after = found["after"][name]
        table.add_row(name, f"{before:.1f}", f"{after:.1f}", f"{after - before:+.1f}")
    console.print(table)


def main() -> None:
    """Parse arguments, measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "finetune.yaml")
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with tempfile.TemporaryDirectory() as work:
        found = measure(options, Path(work))
    show(found, Console())
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
