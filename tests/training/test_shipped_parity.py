"""The shipped int8 graphs against the torch model that their weights make, on the corpus's dev split."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from stance.artifact import TOKENIZER, read_manifest
from stance.encoding import WindowEncoder
from training.calibrate import exported_outputs
from training.config import TrainSource
from training.dataset import Collator, Source, build_dataset
from training.features import Featurizer
from training.parity import GATED, MIN_AGREEMENT, check_parity
from training.thaw import thaw
from training.trainer import head_outputs

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "models" / "stance"
DEV = ROOT / "data" / "corpus" / "dev.jsonl"


def test_the_shipped_model_says_what_torch_says() -> None:
    manifest = read_manifest(SHIPPED)
    encoder = WindowEncoder(Tokenizer.from_file(str(SHIPPED / TOKENIZER)), manifest.encoding)
    documents = TrainSource(name="corpus", format="jsonl", path=DEV).documents()
    examples = list(build_dataset([Source("corpus", documents)], Featurizer(encoder), 0.0, 0))
    collator = Collator(manifest.pad_id, encoder.placeholder_ids, shuffle=False)
    trained = head_outputs(thaw(SHIPPED).eval(), examples, collator)
    parities = check_parity(trained, exported_outputs(SHIPPED, examples, collator))
    assert [p.head for p in parities] == list(GATED)
    assert all(p.labels > 100 for p in parities)


def test_the_export_that_ships_was_checked_on_all_of_dev() -> None:
    recorded = read_manifest(SHIPPED).metrics["parity"]
    labels = sum(p["labels"] for p in recorded)
    assert labels > 5_000
    assert sum(p["agreement"] * p["labels"] for p in recorded) / labels >= MIN_AGREEMENT
