"""Which labels are likely wrong: confident learning (Northcutt et al., JAIR 2021) on out-of-fold probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from stance.schema import SENTIMENTS, STANCES
from training.data.checks import normalise
from training.selection.vectors import Question, question_vectors

_CLASSES = {"sentiment": SENTIMENTS, "stance": STANCES}


@dataclass(frozen=True)
class Doubt:
    """A label to look at again: `quality` near 0 is likely wrong; `suggested` is what the other labels speak for.

    `index` is its place in the document's `sentiment` or `stances`.
    """

    document: str
    head: str
    index: int
    sentence: str
    holder: str | None
    target: str
    label: str
    suggested: str
    quality: float


def audit(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument], folds: int = 5, seed: int = 0
) -> list[Doubt]:
    """All labels that can be judged, the most doubtful first; nothing is changed.

    The encoder reads the labels' spans; a linear model learns the labels of all folds but one and judges that one,
    so that no label vouches for itself. Copies of a text share a fold. An encoder that was trained on these very
    labels has seen their mistakes and finds fewer of them. Raises `ValueError` where there are too few labels.
    """
    texts = {document.id: document for document in documents}
    if len(texts) < len(documents):
        raise ValueError("two documents share one id; `stance data validate` names them")
    found: list[Doubt] = []
    asked = list(question_vectors(classifier, documents))
    for head, classes in _CLASSES.items():
        part = [(question, vector) for question, vector in asked if question.head == head]
        if part:
            questions = [question for question, _ in part]
            probabilities = _out_of_fold(
                np.stack([vector for _, vector in part]),
                np.array([question.label for question in questions]),
                [normalise(texts[question.document].text) for question in questions],
                len(classes),
                folds,
                seed,
            )
            found += _doubts(texts, questions, probabilities, classes)
    return sorted(found, key=lambda doubt: (doubt.quality, doubt.document, doubt.index))


def _out_of_fold(
    vectors: np.ndarray, labels: np.ndarray, groups: Sequence[str], classes: int, folds: int, seed: int
) -> np.ndarray:
    """Probabilities [N, classes] of each label by a model that has not seen its text."""
    present = Counter(labels.tolist())
    if len(present) < 2 or min(present.values()) < folds or len(set(groups)) < folds:
        raise ValueError(f"too few labels for {folds} folds: {dict(present)}; label more, or ask for fewer folds")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500, random_state=seed))
    split = GroupKFold(folds, shuffle=True, random_state=seed)
    seen = cross_val_predict(model, vectors, labels, groups=groups, cv=split, method="predict_proba")
    probabilities = np.zeros((len(labels), classes))
    probabilities[:, sorted(present)] = seen
    return probabilities


def _doubts(
    texts: dict[str, LabelledDocument], questions: Sequence[Question], probabilities: np.ndarray, classes: Sequence[str]
) -> list[Doubt]:
    # A class that nobody was given cannot be scored; cleanlab wants classes without gaps.
    used = sorted({question.label for question in questions})
    labels = np.searchsorted(used, [question.label for question in questions])
    quality = get_label_quality_scores(labels, probabilities[:, used], method="normalized_margin")
    return [
        _doubt(texts[question.document], question, classes, float(score), int(row.argmax()))
        for question, score, row in zip(questions, quality, probabilities, strict=True)
    ]


def _doubt(document: LabelledDocument, question: Question, classes: Sequence[str], quality: float, best: int) -> Doubt:
    names = {actor.id: actor.name for actor in document.actors}
    if question.head == "sentiment":
        sentiment = document.sentiment[question.index]
        span, holder, target = sentiment.sentence, None, sentiment.actor
    else:
        stance = document.stances[question.index]
        span, holder, target = stance.sentence, names.get(stance.holder, stance.holder), stance.target
    return Doubt(
        document=document.id,
        head=question.head,
        index=question.index,
        sentence=document.text[slice(*span)],
        holder=holder,
        target=names[target],
        label=classes[question.label],
        suggested=classes[best],
        quality=quality,
    )
