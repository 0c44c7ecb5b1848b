"""Labelled or classified documents as Label Studio tasks for the interface in `data/label_studio.xml`."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument, SentimentLabelled, StanceLabelled
from stance.schema import AUTHOR, Actor, Document, DocumentResult, ItemError, Mention
from training.data.errors import RowProblem
from training.data.files import replacing

#: Documents that a model classifies in one call.
BATCH = 32

#: A region's stance of the author is drawn from these; the relation holds all other stances.
Region = dict[str, Any]


def predicted_document(text: str, result: DocumentResult) -> LabelledDocument:
    """What a model says of a text, in the form of labelled data; abstained labels are left out.

    Only for pre-annotation: a prediction that nobody looked at is no label to train on.
    """
    return LabelledDocument(
        id=result.id,
        text=text,
        actors=[Actor(id=a.id, name=a.name, type=a.type) for a in result.actors],
        mentions=[
            Mention(actor=m.actor, start=m.start, end=m.end, kind=m.kind) for s in result.sentences for m in s.mentions
        ],
        sentiment=[
            SentimentLabelled(sentence=[s.start, s.end], actor=one.actor, label=one.label)
            for s in result.sentences
            for one in s.sentiment
            if not one.abstained
        ],
        stances=[
            StanceLabelled(sentence=[s.start, s.end], holder=one.holder, target=one.target, label=one.label)
            for s in result.sentences
            for one in s.stances
            if not one.abstained
        ],
        sentences=[[s.start, s.end] for s in result.sentences],
    )


def task(document: LabelledDocument, result: DocumentResult | None = None) -> dict[str, Any]:
    """One task: its own labels as an annotation, a model's `result` as a prediction.

    Mentions without any label are no annotation yet: where no model speaks they are shown as a prediction.

    Raises `ValueError` where a label's actor has no mention that a region could stand on.
    """
    sentences = document.sentences or []
    made: dict[str, Any] = {
        "data": {
            "id": document.id,
            "text": document.text,
            "source": document.source,
            "license": document.license,
            "actors": [a.model_dump() for a in document.actors],
            "sentences": sentences,
            "mentions_complete": document.mentions_complete,
        }
    }
    if document.sentiment or document.stances or (document.mentions and document.mentions_complete):
        made["annotations"] = [{"result": regions(document), "ground_truth": True}]
    elif document.mentions and result is None:
        made["predictions"] = [{"model_version": "mentions as given", "result": regions(document)}]
    if result is not None:
        predicted = predicted_document(document.text, result)
        made["data"]["sentences"] = sentences or predicted.sentences
        made["data"]["actors"] = made["data"]["actors"] or [a.model_dump() for a in predicted.actors]
        made["predictions"] = [
            {"model_version": result.model, "score": _confidence(result), "result": regions(predicted)}
        ]
    return made


def regions(document: LabelledDocument) -> list[Region]:
    """A document's mentions as regions, its labels as choices on them and relations between them.

    Raises `ValueError` for a label whose actor has no mention: a region is the only place for it.
    """
    types = {actor.id: actor.type for actor in document.actors}
    found: list[Region] = []
    for number, mention in enumerate(document.mentions):
        found.append(_part(document, number, "type", "labels", [types.get(mention.actor, "organization")]))
        found.append(_part(document, number, "actor", "textarea", [mention.actor]))
        found.append(_part(document, number, "kind", "choices", [mention.kind]))
    for label in document.sentiment:
        number = _anchor(document, label.actor, label.sentence)
        found.append(_part(document, number, "sentiment", "choices", [label.label]))
    for stance in document.stances:
        target = _anchor(document, stance.target, stance.sentence)
        if stance.holder == AUTHOR and AUTHOR not in types:
            found.append(_part(document, target, "author_stance", "choices", [stance.label]))
            continue
        holder = _anchor(document, stance.holder, stance.sentence, anywhere=True)
        found.append(_relation(holder, target, stance.label))
    return found


def write_tasks(documents: Iterable[tuple[LabelledDocument, DocumentResult | None]], path: Path) -> int:
    """Write tasks for Label Studio's import, each of a document and what a model says of it; returns how many.

    Raises `OSError`, and `ValueError` for a label that no region can carry; the old file then stays.
    """
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("[")
        for document, result in documents:
            made = task(document, result)
            file.write(("," if count else "") + "\n" + json.dumps(made, ensure_ascii=False))
            count += 1
        file.write("\n]\n")
    return count


def with_predictions(
    classifier: StanceClassifier, documents: Iterable[LabelledDocument], problems: list[RowProblem]
) -> Iterator[tuple[LabelledDocument, DocumentResult | None]]:
    """Each document with what the model says of it, `BATCH` in memory.

    Given mentions are used, else given actors are looked for. A text that the model cannot answer keeps its place
    without a prediction and is added to `problems`.
    """
    stream = iter(documents)
    while batch := list(islice(stream, BATCH)):
        yield from zip(batch, _predictions(classifier, batch, problems), strict=True)


def _predictions(
    classifier: StanceClassifier, documents: list[LabelledDocument], problems: list[RowProblem]
) -> list[DocumentResult | None]:
    asked = [Document(id=d.id, text=d.text, actors=d.actors or None, mentions=d.mentions or None) for d in documents]
    results = classifier.classify(asked, include_neutral=True)
    failed = [one for one in results if isinstance(one, ItemError)]
    problems += [RowProblem(one.id, 0, "prediction", one.error.message) for one in failed]
    return [None if isinstance(one, ItemError) else one for one in results]


def _part(document: LabelledDocument, number: int, name: str, kind: str, values: list[str]) -> Region:
    mention = document.mentions[number]
    field = {"labels": "labels", "choices": "choices", "textarea": "text"}[kind]
    text = document.text[mention.start : mention.end]
    value = {"start": mention.start, "end": mention.end, "text": text, field: values}
    return {"id": f"m{number}", "from_name": name, "to_name": "text", "type": kind, "value": value}


def _relation(holder: int, target: int, label: str) -> Region:
    return {"type": "relation", "from_id": f"m{holder}", "to_id": f"m{target}", "direction": "right", "labels": [label]}


def _anchor(document: LabelledDocument, actor: str, sentence: list[int], anywhere: bool = False) -> int:
    """The mention that carries a label: the actor's first in the sentence, or (for holders) the last before it."""
    own = [(i, m) for i, m in enumerate(document.mentions) if m.actor == actor]
    inside = [i for i, m in own if sentence[0] <= m.start and m.end <= sentence[1]]
    before = sorted((m.start, i) for i, m in own if m.start < sentence[0])
    if inside:
        return inside[0]
    if anywhere and before:
        return before[-1][1]
    if anywhere and own:
        return own[0][0]
    raise ValueError(
        f"document {document.id!r}: {actor!r} has a label in the sentence {sentence} but no mention there; add the "
        "mention, since Label Studio keeps labels on mentions"
    )


def _confidence(result: DocumentResult) -> float:
    """The mean confidence, by which Label Studio can order tasks."""
    values = [one.confidence for s in result.sentences for one in s.sentiment]
    values += [one.confidence for s in result.sentences for one in s.stances]
    return sum(values) / len(values) if values else 0.0
