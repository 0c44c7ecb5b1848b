import random

import pytest

from stance.labelled import LabelledDocument
from training.data.checks import conflicts, leakage, near_duplicates, stats

WORDS = [
    "envoy",
    "border",
    "treaty",
    "minister",
    "convoy",
    "harbour",
    "tariff",
    "council",
    "speech",
    "protest",
    "ballot",
]


def document(id: str, text: str, label: str | None = None, stance: str | None = None) -> LabelledDocument:
    sentence = [0, len(text)]
    person, state = f"{id}-b", f"{id}-o"
    return LabelledDocument.model_validate(
        {
            "id": id,
            "text": text,
            "source": "test",
            "actors": [{"id": person, "name": "Brel", "type": "person"}, {"id": state, "name": "Orsan"}],
            "mentions": [{"actor": person, "start": 0, "end": 4}],
            "sentiment": [{"sentence": sentence, "actor": person, "label": label}] if label else [],
            "stances": [{"sentence": sentence, "holder": person, "target": state, "label": stance}] if stance else [],
        }
    )


def random_text(seed: int) -> str:
    generator = random.Random(seed)
    return "Brel " + " ".join(generator.choice(WORDS) + str(generator.randrange(99)) for _ in range(25))


def test_stats_count_labels_and_those_without_a_mention() -> None:
    found = stats([document("a", "Brel left.", "negative"), document("b", "Brel won.", "positive", "against")])
    assert (found.documents, found.characters, found.sources) == (2, 19, {"test": 2})
    assert found.actors == {"person": 2, "organization": 2}
    assert (found.sentiment, found.stances) == ({"negative": 1, "positive": 1}, {"against": 1})
    assert found.unanchored == 1  # Orsan, the stance's target, has no mention


def test_near_duplicates_are_found_among_many_others() -> None:
    texts = [random_text(seed) for seed in range(300)]
    changed = texts[7].replace("Brel", "Brel,").upper()
    edited = texts[9] + " again"
    documents = [document(f"d{i}", text) for i, text in enumerate([*texts, changed, edited])]
    found = near_duplicates(documents)
    assert [(pair.first, pair.second) for pair in found] == [("d7", "d300"), ("d9", "d301")]
    assert found[0].similarity == 1.0
    assert 0.9 < found[1].similarity < 1.0


def test_leakage_looks_across_the_sets_only() -> None:
    train = [document("t1", random_text(1)), document("t2", random_text(1)), document("t3", "Brel left.")]
    other = [document("o1", random_text(2)), document("o2", "Brel LEFT"), document("o3", random_text(2))]
    assert [(pair.first, pair.second) for pair in leakage(train, other)] == [("t3", "o2")]


@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_a_threshold_outside_of_its_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        near_duplicates([], threshold)


def test_conflicts_are_the_same_question_with_other_labels() -> None:
    documents = [
        document("a", "Brel left.", "negative", "against"),
        document("b", "Brel  left", "positive", "against"),
        document("c", "Brel won.", "positive", "favor"),
        document("d", "Brel left.", "negative"),
    ]
    (found,) = conflicts(documents)
    assert found.actors == ("brel",)
    assert found.labels == {"negative": ["a", "d"], "positive": ["b"]}
