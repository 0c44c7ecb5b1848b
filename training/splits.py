"""What training data must hold before a run begins: every class, one answer a question, nothing that dev holds too."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from stance.labelled import LabelledDocument
from stance.schema import SENTIMENTS, STANCES
from training.data.checks import normalise
from training.data.errors import DataError, RowProblem
from training.data.validate import TELLING, asked

log = logging.getLogger(__name__)

#: Documents by source, which is named as its reader knows it.
Split = Mapping[str, Sequence[LabelledDocument]]


def check_classes(train: Split) -> None:
    """Raise `DataError` where a kind of label is trained but one of its classes never: it could not be answered."""
    problems = []
    for field, classes in (("sentiment", SENTIMENTS), ("stances", STANCES)):
        counts = Counter(one.label for documents in train.values() for d in documents for one in getattr(d, field))
        absent = [label for label in classes if not counts[label]]
        if counts and absent:
            message = (
                f"no training document is labelled {' or '.join(absent)}, so the model would never answer it; "
                "add some, or a source that has them, as configs/finetune.yaml does with data/corpus/train.jsonl"
            )
            problems.append(RowProblem(", ".join(train), 0, field, message))
    if problems:
        raise DataError(problems)


def check_answers(sets: Split) -> None:
    """Raise `DataError` that names each question to which a document, or two of one text in a source, answer twice."""
    problems = []
    for source, documents in sets.items():
        first: dict[bytes, tuple[str, str]] = {}
        for document in documents:
            for field, question, label in asked(document):
                said, known = first.setdefault(question, (label, document.id))
                if said != label:
                    message = f"{label!r} in document {document.id!r} contradicts {said!r} in {known!r}; keep one"
                    problems.append(RowProblem(source, 0, field, message))
    if problems:
        raise DataError(problems)


def without_overlap(train: Split, dev: Split, drop: bool) -> dict[str, list[LabelledDocument]]:
    """The training documents that share no text, and no labelled sentence of `TELLING` characters, with dev.

    Any other is left out and logged with `drop`; without it raises `DataError` that names each, and dev's document.
    """
    held = {key: (source, d.id) for source, documents in dev.items() for d in documents for key in _texts(d)}
    kept: dict[str, list[LabelledDocument]] = {}
    problems = []
    for source, documents in train.items():
        kept[source] = []
        for document in documents:
            twin = next((held[key] for key in _texts(document) if key in held), None)
            if twin is None:
                kept[source].append(document)
            else:
                message = f"document {document.id!r} shares text with {twin[1]!r} of {twin[0]}, which is dev"
                problems.append(RowProblem(source, 0, "text", message))
    if problems and not drop:
        raise DataError([_with_mend(problem) for problem in problems])
    for problem in problems:
        log.warning("left out of training: %s", problem)
    return kept


def _with_mend(problem: RowProblem) -> RowProblem:
    mend = "remove it from one of the two, or set overlap=drop to train without it"
    return RowProblem(problem.file, problem.line, problem.field, f"{problem.message}; {mend}")


def _texts(document: LabelledDocument) -> Iterator[str]:
    """What another split must not hold: the text, and each labelled sentence long enough not to recur by chance."""
    yield normalise(document.text)
    for label in [*(s.sentence for s in document.sentiment), *(s.sentence for s in document.stances)]:
        sentence = document.text[slice(*label)]
        if len(sentence) >= TELLING:
            yield normalise(sentence)
