"""Which labels are likely wrong: confident learning (Northcutt et al., JAIR 2021) on out-of-fold probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stance.labelled import LabelledDocument
from stance.progress import Track, untracked
from stance.schema import SENTIMENTS, STANCES
from training.data.checks import normalise
from training.selection.readers import Floats, Reader
from training.selection.vectors import Question, question_vectors

_CLASSES = {"sentiment": SENTIMENTS, "stance": STANCES}
#: Weight of the linear model's squared coefficients against its mean loss: there are about as many features as labels.
PENALTY = 0.1


@dataclass(frozen=True)
class Doubt:
    """A label to look at again: `quality` near 0 is likely wrong; `suggested` is what the other labels speak for.

    `id` is its document's, `index` its place in the document's `sentiment` or `stances`. `likely_wrong` is the cut
    that confident learning makes; what follows below it in the list is for those who want to read on.
    """

    id: str
    head: str
    index: int
    sentence: str
    holder: str | None
    target: str
    label: str
    suggested: str
    quality: float
    likely_wrong: bool


def audit(
    reader: Reader,
    documents: Sequence[LabelledDocument],
    folds: int = 5,
    seed: int = 0,
    track: Track = untracked,
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
    asked = list(question_vectors(reader, track(documents, "documents")))
    for head, classes in _CLASSES.items():
        part = [(question, vector) for question, vector in asked if question.head == head]
        if part:
            questions = [question for question, _ in part]
            labels = np.array([question.label for question in questions])
            groups = [normalise(texts[question.document].text) for question in questions]
            vectors = np.stack([vector for _, vector in part])
            probabilities = out_of_fold(vectors, labels, groups, len(classes), folds, seed, track)
            found += _doubts(texts, questions, labels, probabilities, classes)
    return sorted(found, key=lambda doubt: (doubt.quality, doubt.id, doubt.index))


def linear_model(vectors: Floats, labels: NDArray[np.int64], seed: int = 0) -> Pipeline:
    """A logistic regression that has learnt the labels [N] of vectors [N, D]."""
    strength = 1.0 / (PENALTY * len(labels))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, random_state=seed))
    return model.fit(vectors, labels)


def out_of_fold(
    vectors: Floats,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: int,
    folds: int = 5,
    seed: int = 0,
    track: Track = untracked,
) -> NDArray[np.float64]:
    """Probabilities [N, classes] of the labels [N] of vectors [N, D], each by a model that has not seen its group.

    Raises `ValueError` where a class, or the groups, are too few for the folds.
    """
    present = Counter(labels.tolist())
    if len(present) < 2 or min(present.values()) < folds or len(set(groups)) < folds:
        raise ValueError(f"too few labels for {folds} folds: {dict(present)}; label more, or ask for fewer folds")
    probabilities = np.zeros((len(labels), classes))
    splits = list(GroupKFold(folds, shuffle=True, random_state=seed).split(vectors, labels, groups))
    for rest, judged in track(splits, "folds"):
        model = linear_model(vectors[rest], labels[rest], seed)
        probabilities[np.ix_(judged, model.classes_)] = model.predict_proba(vectors[judged])
    return probabilities


def label_quality(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each label [N] can be believed, from 0 to 1, by out-of-fold probabilities [N, classes]."""
    used, numbers = np.unique(labels, return_inverse=True)
    return get_label_quality_scores(numbers, _among(probabilities, used), method="self_confidence")


def _among(probabilities: NDArray[np.float64], used: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probabilities of the classes that occur: cleanlab wants classes without gaps, in rows that sum to 1."""
    chosen = probabilities[:, used]
    return chosen / chosen.sum(axis=1, keepdims=True)


def _doubts(
    texts: dict[str, LabelledDocument],
    questions: Sequence[Question],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
) -> list[Doubt]:
    used, numbers = np.unique(labels, return_inverse=True)
    wrong = find_label_issues(numbers, _among(probabilities, used), n_jobs=1)
    rows = zip(questions, label_quality(labels, probabilities), probabilities.argmax(axis=1), wrong, strict=True)
    return [_doubt(texts[q.document], q, classes, float(score), int(best), bool(bad)) for q, score, best, bad in rows]


def _doubt(
    document: LabelledDocument, question: Question, classes: Sequence[str], quality: float, best: int, wrong: bool
) -> Doubt:
    names = {actor.id: actor.name for actor in document.actors}
    if question.head == "sentiment":
        sentiment = document.sentiment[question.index]
        span, holder, target = sentiment.sentence, None, sentiment.actor
    else:
        stance = document.stances[question.index]
        span, holder, target = stance.sentence, names.get(stance.holder, stance.holder), stance.target
    return Doubt(
        id=document.id,
        head=question.head,
        index=question.index,
        sentence=document.text[slice(*span)],
        holder=holder,
        target=names[target],
        label=classes[question.label],
        suggested=classes[best],
        quality=quality,
        likely_wrong=wrong,
    )
