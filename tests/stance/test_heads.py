"""The heads' vectors and tables: what is asked together is answered as if it had been asked alone, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from stance import Document, StanceClassifier
from stance.assembly import Assembly
from stance.encoding import Window
from stance.heads import Reading, columns, softmax

HIDDEN = np.random.default_rng(0).normal(size=(9, 32)).astype(np.float32)


@pytest.fixture
def reading() -> Reading:
    return Reading(0, Window((), (), (), 0, (), ()), HIDDEN, HIDDEN[:, :3])


@pytest.mark.parametrize("bag", [(0,), (2, 3, 4), (1, 4, 8), tuple(range(9))])
def test_a_bags_vector_is_the_mean_of_its_tokens(reading: Reading, bag: tuple[int, ...]) -> None:
    np.testing.assert_allclose(reading.vector(bag), HIDDEN[list(bag)].mean(0), rtol=1e-5)
    assert reading.vector(bag) is reading.vector(bag)


@pytest.mark.parametrize("rows", [[], [(7, 8)], [(1, 2), (3, 4), (5, 6)]])
def test_columns_never_have_one_row_alone(rows: list[tuple[int, int]]) -> None:
    table = columns(rows, 2)
    assert table.shape == (2, max(2, len(rows)))
    assert table.T.tolist()[: len(rows)] == [list(row) for row in rows]
    assert not table[:, len(rows) :].any()


def test_probabilities_of_no_row_are_no_row() -> None:
    assert softmax(np.zeros((0, 3), np.float32), 1.0).shape == (0, 3)


def test_unrounded_answers_do_not_depend_on_what_is_asked_beside(tiny_classifier: StanceClassifier) -> None:
    texts = ["Norway praised France.", "Velmark sued Orsania and thanked Norway. They met Ada Brel on Monday."]
    documents = [Document(id=str(i), text=texts[i % 2] + " Spain." * (i % 5)) for i in range(40)]

    def logits(given: list[Document]) -> list[np.ndarray]:
        call = tiny_classifier.prepare(given)
        tiny_classifier.answer(call)
        kept = [part._sentiment for part in call.parts if isinstance(part, Assembly)]
        return [np.array([rows for _, rows in sorted(one.items())]) for one in kept]

    for together, document in zip(logits(documents), documents, strict=True):
        (alone,) = logits([document])
        assert together.tobytes() == alone.tobytes()
