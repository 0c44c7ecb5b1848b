"""Labels land on the windows that serve: rows, tags, links, packing, batches."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from stance.encoding import EncodingSettings, WindowEncoder
from stance.labelled import LabelledDocument
from stance.model import NAME_CLASSES
from training.config import LossWeights
from training.dataset import Collator, Source, build_dataset, join, pack
from training.features import IGNORED, Featurizer
from training.objective import distillation_loss, losses, total_loss

TEXT = "Orsania condemned Velmark. The ministry said that she met Brel in Corona Hall."


def span(phrase: str) -> dict[str, int]:
    start = TEXT.index(phrase)
    return {"start": start, "end": start + len(phrase)}


def document(complete: bool = True, **changes: object) -> LabelledDocument:
    first, second = [0, 26], [27, len(TEXT)]
    content = {
        "id": "d",
        "text": TEXT,
        "actors": [
            {"id": "o", "name": "Orsania", "type": "state"},
            {"id": "v", "name": "Velmark", "type": "state"},
            {"id": "b", "name": "Brel", "type": "person"},
        ],
        "mentions": [
            {"actor": "o", **span("Orsania")},
            {"actor": "v", **span("Velmark")},
            {"actor": "o", **span("The ministry"), "kind": "nominal"},
            {"actor": "b", **span("she"), "kind": "pronoun"},
            {"actor": "b", **span("Brel")},
        ],
        "sentiment": [{"sentence": first, "actor": "v", "label": "negative"}],
        "stances": [
            {"sentence": first, "holder": "o", "target": "v", "label": "against"},
            {"sentence": first, "holder": "v", "target": "o", "label": "neutral", "weight": 0.5},
            {"sentence": second, "holder": "v", "target": "b", "label": "neutral"},
            {"sentence": second, "holder": "author", "target": "b", "label": "favor"},
        ],
        "sentences": [first, second],
        "mentions_complete": complete,
        **changes,
    }
    return LabelledDocument.model_validate(content)


@pytest.fixture(scope="module")
def featurizer(tiny_model: Path) -> Featurizer:
    tokenizer = Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    return Featurizer(WindowEncoder(tokenizer, EncodingSettings(max_tokens=128)), context_neutral_weight=0.25)


def test_labels_become_rows_with_their_weights(featurizer: Featurizer) -> None:
    (example,) = featurizer.examples(document(), "s", mask_candidates=False)
    assert [row[-1] for row in example["sentiment"]] == [0]
    found = {(row[3], row[4]): weight for row, weight in zip(example["stance"], example["stance_weight"], strict=True)}
    # (distance, label): against in the sentence; its reverse; a neutral holder one sentence back; the author.
    assert found == {(0, 0): 1.0, (0, 1): 0.5, (1, 1): 0.25, (5, 2): 1.0}


def test_candidates_that_are_no_actor_teach_a_no(featurizer: Featurizer) -> None:
    (masked,) = featurizer.examples(document(), "s", mask_candidates=True)
    (plain,) = featurizer.examples(document(), "s", mask_candidates=False)
    assert [NAME_CLASSES[r[-1]] for r in plain["names"]] == ["state", "state", "person"]
    assert [NAME_CLASSES[r[-1]] for r in masked["names"]] == ["state", "state", "person", "none"]
    assert len(masked["input_ids"]) < len(plain["input_ids"])


def test_tags_mark_phrases_and_special_tokens_are_passed_over(featurizer: Featurizer) -> None:
    (example,) = featurizer.examples(document(), "s", mask_candidates=False)
    assert example["tags"][0] == example["tags"][-1] == IGNORED
    assert example["tags"].count(1) == 2
    (incomplete,) = featurizer.examples(document(complete=False), "s", mask_candidates=False)
    assert set(incomplete["tags"]) == {IGNORED}
    assert incomplete["names"] == incomplete["links"] == []


def test_links_offer_every_actor_before(featurizer: Featurizer) -> None:
    (example,) = featurizer.examples(document(), "s", mask_candidates=False)
    labels = [(row[3], row[4]) for row in example["links"]]
    # "The ministry": Velmark no, Orsania yes, both a sentence back. "she": Orsania (the ministry) and Velmark, no.
    assert sorted(labels) == [(0, 0), (1, 0), (1, 0), (1, 1)]


def test_joined_documents_keep_their_labels_apart() -> None:
    both = join([document(), document()])
    assert len(both.text) == 2 * len(TEXT) + 2
    for mention in both.mentions:
        assert both.text[mention.start : mention.end] in {"Orsania", "Velmark", "The ministry", "she", "Brel"}
    assert {a.id for a in both.actors} == {"0:o", "0:v", "0:b", "1:o", "1:v", "1:b"}
    assert len(both.sentences or []) == 4


def test_packing_loses_no_document() -> None:
    documents = [document(id=f"d{i}") for i in range(20)]
    packed = pack(documents, 0.5, random.Random(0))
    assert sorted(name for d in packed for name in d.id.split("+")) == sorted(d.id for d in documents)
    assert len(packed) < 20
    assert pack(documents, 0.0, random.Random(0)) == documents


@pytest.fixture
def batch(featurizer: Featurizer) -> dict[str, torch.Tensor]:
    sources = [Source("s", [document(), document(complete=False)], repeat=2)]
    dataset = build_dataset(sources, featurizer, mask_candidates=0.5, seed=1)
    assert len(dataset) == 4
    return Collator(1, featurizer.encoder.placeholder_ids, shuffle=False)(list(dataset))


def test_a_batch_moves_positions_along(batch: dict[str, torch.Tensor]) -> None:
    assert int(batch["stance"][:, :3].max()) < len(batch["bag_offsets"])
    assert len(batch["stance"]) == len(batch["stance_weight"]) == 16
    assert int(batch["bag_tokens"].max()) < batch["input_ids"].numel()


def test_shuffled_placeholders_are_a_permutation(featurizer: Featurizer) -> None:
    examples = list(featurizer.examples(document(), "s", mask_candidates=True))
    ids = featurizer.encoder.placeholder_ids
    plain = Collator(1, ids, shuffle=False)(examples)["input_ids"][0].tolist()
    mixed = [Collator(1, ids, shuffle=True, seed=s)(examples)["input_ids"][0].tolist() for s in range(4)]
    for other in mixed:
        pairs = {(a, b) for a, b in zip(plain, other, strict=True) if a in ids}
        assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
        assert all(a == b for a, b in zip(plain, other, strict=True) if a not in ids)
    assert any(other != plain for other in mixed)


def logits_of(batch: dict[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    shapes = {
        "sentiment": (len(batch["sentiment"]), 3),
        "stance": (len(batch["stance"]), 3),
        "name": (len(batch["names"]), len(NAME_CLASSES)),
        "same": (len(batch["links"]),),
        "tag": (*batch["input_ids"].shape, 3),
    }
    return {head: scale * torch.randn(shape) for head, shape in shapes.items()}


def test_losses_fall_when_the_labels_are_met(batch: dict[str, torch.Tensor]) -> None:
    guess = logits_of(batch, 0.1)
    right = dict(guess)
    right["stance"] = 9.0 * torch.nn.functional.one_hot(batch["stance"][:, -1], 3)
    assert losses(right, batch)["stance"] < 0.01 < losses(guess, batch)["stance"]
    weights = LossWeights()
    assert total_loss(losses(right, batch), weights) < total_loss(losses(guess, batch), weights)


def test_a_student_that_copies_its_teacher_has_nothing_to_learn(batch: dict[str, torch.Tensor]) -> None:
    teacher = logits_of(batch, 1.0)
    assert float(distillation_loss(teacher, teacher, batch)) == pytest.approx(0.0, abs=1e-5)
    assert float(distillation_loss(logits_of(batch, 2.0), teacher, batch)) > 0.1
