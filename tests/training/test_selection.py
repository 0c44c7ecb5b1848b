import random

import numpy as np
import pytest

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from stance.schema import Document
from training.selection import audit, suggest
from training.selection.readers import ModelReader
from training.selection.suggest import choose, uncertainty
from training.selection.vectors import question_vectors, text_vectors

GOOD = ("praised", "support", "signed")
BAD = ("condemned", "attack", "sued")


def labelled(number: int, label: str, wrong: bool = False) -> LabelledDocument:
    """A sentence whose words say its label; with `wrong` the label says the opposite."""
    rng = random.Random(number)
    word = rng.choice(GOOD if label == "favor" else BAD)
    text = f"Orsan {word} Talvia {' '.join(rng.choice(('on', 'and', 'the', 'met')) for _ in range(4))}."
    said = {"favor": "against", "against": "favor"}[label] if wrong else label
    at = text.index("Talvia")
    return LabelledDocument.model_validate(
        {
            "id": f"d{number}",
            "text": text,
            "actors": [{"id": "o", "name": "Orsan"}, {"id": "t", "name": "Talvia"}],
            "mentions": [{"actor": "o", "start": 0, "end": 5}, {"actor": "t", "start": at, "end": at + 6}],
            "stances": [{"sentence": [0, len(text)], "holder": "o", "target": "t", "label": said}],
        }
    )


def test_planted_errors_stand_first_in_the_audit(tiny_classifier: StanceClassifier) -> None:
    planted = {f"d{number}" for number in range(0, 120, 20)}
    documents = [labelled(i, ("favor", "against")[i % 2], wrong=f"d{i}" in planted) for i in range(120)]
    doubts = audit(ModelReader(tiny_classifier), documents)
    assert len(doubts) == 120
    assert len(planted & {doubt.id for doubt in doubts[:12]}) >= 5
    first = doubts[0]
    assert (first.head, first.holder, first.target) == ("stance", "Orsan", "Talvia")
    assert {first.label, first.suggested} == {"favor", "against"}


def test_too_few_labels_cannot_be_audited(tiny_classifier: StanceClassifier) -> None:
    with pytest.raises(ValueError, match="too few labels for 5 folds"):
        audit(ModelReader(tiny_classifier), [labelled(i, "favor") for i in range(9)])
    with pytest.raises(ValueError, match="share one id"):
        audit(ModelReader(tiny_classifier), [labelled(1, "favor")] * 2)


def test_question_vectors_hold_what_each_head_reads(tiny_classifier: StanceClassifier) -> None:
    ((question, vector),) = question_vectors(ModelReader(tiny_classifier), [labelled(3, "against")])
    assert (question.document, question.head, question.index, question.label) == ("d3", "stance", 0, 0)
    assert vector.shape == (3 * tiny_classifier.manifest.hidden,)


def test_suggestions_are_counted_reproducible_and_part_random(tiny_classifier: StanceClassifier) -> None:
    documents = [Document(id=d.id, text=d.text, actors=d.actors) for d in (labelled(i, "favor") for i in range(20))]
    found = suggest(tiny_classifier, documents, 10, random_share=0.2, seed=1)
    assert found == suggest(tiny_classifier, documents, 10, random_share=0.2, seed=1)
    assert [one.reason for one in found] == ["uncertain"] * 8 + ["random"] * 2
    assert len({one.id for one in found}) == 10
    assert len(suggest(tiny_classifier, documents, 99)) == 20


@pytest.mark.parametrize(("count", "share"), [(0, 0.1), (3, 1.5)])
def test_senseless_wishes_are_refused(tiny_classifier: StanceClassifier, count: int, share: float) -> None:
    with pytest.raises(ValueError, match="count must be"):
        suggest(tiny_classifier, [], count, share)


def test_copies_are_not_suggested_one_after_the_other() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    unsure, rng = np.array([0.9, 0.8, 0.3]), random.Random(0)
    assert choose(unsure, vectors, 3, 0.0, rng) == ([0, 2, 1], [])
    assert choose(unsure, vectors, 1, 0.0, rng, known=vectors[:1]) == ([2], [])
    assert choose(unsure, vectors, 2, 0.5, random.Random(2)) == ([2], [0])


def test_texts_have_vectors_of_length_one_and_documents_an_uncertainty(tiny_classifier: StanceClassifier) -> None:
    texts = ["Orsan met Talvia. It left.", "Orsan met Talvia. It left.", "..."]
    vectors = text_vectors(ModelReader(tiny_classifier), texts)
    assert np.allclose(np.linalg.norm(vectors[:2], axis=1), 1.0, atol=1e-5)
    assert np.allclose(vectors[0], vectors[1])
    (result,) = tiny_classifier.classify([Document(id="x", text="Nothing.")])
    assert uncertainty(result) == 0.0
