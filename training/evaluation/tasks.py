"""The labelled tasks, asked of a `StanceClassifier` with the gold mentions given.

What the result has no answer for (a pair that no sentence offers) counts as neutral, which is how a reader takes
silence, and as an abstention.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument, StanceLabelled
from stance.schema import AUTHOR, SENTIMENTS, STANCES, DocumentResult, SentenceResult, SentimentResult, StanceResult
from training.data.readers.dse import LABELS as DSE_PAIRS
from training.data.readers.dse import dse_label
from training.evaluation.alignment import Span, as_document, find_sentence, mentions_in, stated_type
from training.evaluation.metrics import Evaluation, Item, evaluation

#: The five answers of DSE in the order of its files.
DSE_LABELS = ("neutral", "p_favor_q", "q_favor_p", "p_against_q", "q_against_p")
NEUTRAL = "neutral"
_SILENCE = (0.0, 1.0, 0.0)


@dataclass(frozen=True)
class HolderAccuracy:
    """Of `items` gold stances, for how many the likeliest holder of that label toward the target is the right one."""

    items: int
    right: int

    @property
    def share(self) -> float | None:
        """The share that is right; None without items."""
        return self.right / self.items if self.items else None


@dataclass(frozen=True)
class StanceEvaluation:
    """Stance between actors: all labelled pairs, those of a holder outside of the sentence, and the author's.

    `holders` is over the non-neutral stances of `earlier`, `unnamed_holders` over those of `unnamed`: sentences
    without a name of the holder, where a pronoun or noun phrase may stand for it.
    """

    all: Evaluation
    earlier: Evaluation
    unnamed: Evaluation
    author: Evaluation
    holders: HolderAccuracy
    unnamed_holders: HolderAccuracy

    @property
    def evaluations(self) -> list[Evaluation]:
        """Those parts that have items."""
        return [e for e in (self.all, self.earlier, self.unnamed, self.author) if e.items]


def evaluate_sentiment(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument], name: str = "sentiment"
) -> Evaluation:
    """Negative, neutral, positive for every labelled (sentence, actor)."""
    results = classifier.classify([as_document(d) for d in documents], include_neutral=True, on_error="raise")
    pairs = zip(documents, results, strict=True)
    items = [item for document, result in pairs for item in sentiment_items(document, result)]
    return evaluation(name, "sentiment", SENTIMENTS, items)


def sentiment_items(document: LabelledDocument, result: DocumentResult) -> Iterator[Item]:
    """The document's labelled sentiments with the result's answers."""
    for label in document.sentiment:
        sentence = find_sentence(result, label.sentence, label.actor)
        answer = next((s for s in sentence.sentiment if s.actor == label.actor), None) if sentence else None
        yield _item(document, label.sentence, None, label.actor, label.label, answer)


def evaluate_stance(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument], name: str = "stance"
) -> StanceEvaluation:
    """Against, neutral, favor for every labelled directed pair; the author's own stances apart."""
    author = any(s.holder == AUTHOR for d in documents for s in d.stances)
    results = classifier.classify(
        [as_document(d) for d in documents], include_neutral=True, author=author, on_error="raise"
    )
    return stance_evaluation(documents, results, name)


def stance_evaluation(
    documents: Sequence[LabelledDocument], results: Sequence[DocumentResult], name: str = "stance"
) -> StanceEvaluation:
    """The evaluation of results that were classified with `include_neutral`, one a document."""
    items: list[Item] = []
    found: list[tuple[Item, bool]] = []
    for document, result in zip(documents, results, strict=True):
        for label, item in zip(document.stances, stance_items(document, result), strict=True):
            items.append(item)
            if item.unnamed and label.label != NEUTRAL and label.holder != AUTHOR:
                found.append((item, _likeliest_holder(document, label, result) == label.holder))
    between = [i for i in items if i.holder != AUTHOR]

    def part(suffix: str, chosen: Sequence[Item]) -> Evaluation:
        return evaluation(name + suffix, "stance", STANCES, chosen)

    return StanceEvaluation(
        all=part("", between),
        earlier=part(".earlier_holder", [i for i in between if i.earlier]),
        unnamed=part(".unnamed_holder", [i for i in between if i.unnamed]),
        author=part(".author", [i for i in items if i.holder == AUTHOR]),
        holders=_accuracy([right for item, right in found if item.earlier]),
        unnamed_holders=_accuracy([right for _, right in found]),
    )


def _accuracy(right: Sequence[bool]) -> HolderAccuracy:
    return HolderAccuracy(len(right), sum(right))


def stance_items(document: LabelledDocument, result: DocumentResult) -> list[Item]:
    """The document's labelled stances with the result's answers, the author's included."""
    return [
        _item(
            document,
            s.sentence,
            s.holder,
            s.target,
            s.label,
            _stance(find_sentence(result, s.sentence, s.target), s.holder, s.target),
        )
        for s in document.stances
    ]


def _stance(sentence: SentenceResult | None, holder: str, target: str) -> StanceResult | None:
    pairs = sentence.stances if sentence else []
    return next((s for s in pairs if (s.holder, s.target) == (holder, target)), None)


def _likeliest_holder(document: LabelledDocument, label: StanceLabelled, result: DocumentResult) -> str | None:
    """Who most probably takes the label's stance toward its target; other gold holders of it do not compete."""
    others = {
        s.holder
        for s in document.stances
        if (s.sentence, s.target, s.label) == (label.sentence, label.target, label.label) and s.holder != label.holder
    }
    sentence = find_sentence(result, label.sentence, label.target)
    rows = [
        s
        for s in (sentence.stances if sentence else [])
        if s.target == label.target and s.holder not in others and s.holder != AUTHOR
    ]
    best = max(rows, key=lambda s: s.scores[label.label], default=None)
    return best.holder if best else None


def _item(
    document: LabelledDocument,
    span: Span,
    holder: str | None,
    target: str,
    gold: str,
    answer: SentimentResult | StanceResult | None,
) -> Item:
    actors = {a.id: a for a in document.actors}
    held = mentions_in(document.mentions, holder, span) if holder and holder != AUTHOR else None
    labels = SENTIMENTS if holder is None else STANCES
    return Item(
        document=document.id,
        sentence=(span[0], span[1]),
        text=document.text[span[0] : span[1]],
        holder=holder,
        target=target,
        holder_name=actors[holder].name if holder in actors else holder or "",
        target_name=actors[target].name,
        gold=gold,
        label=answer.label if answer else NEUTRAL,
        probabilities=tuple(answer.scores[k] for k in labels) if answer else _SILENCE,  # type: ignore[index]
        abstained=answer.abstained if answer else True,
        answered=answer is not None,
        actors=len({m.actor for m in document.mentions if span[0] <= m.start < span[1]}),
        actor_type=stated_type(document, actors[target]),
        earlier=held == [],
        unnamed=held is not None and not any(m.kind == "name" for m in held),
    )


def evaluate_dse(classifier: StanceClassifier, documents: Sequence[LabelledDocument], name: str = "dse") -> Evaluation:
    """The five answers of directed sentiment (Park et al. 2021) from the two directed distributions.

    `documents` come from `training.data.readers.dse`. Each answer is a pair of stances, and its probability is
    the product of the two, normalised over the five.
    """
    results = classifier.classify([as_document(d) for d in documents], include_neutral=True, on_error="raise")
    items = [dse_item(document, result) for document, result in zip(documents, results, strict=True)]
    return evaluation(name, "", DSE_LABELS, items)


def dse_item(document: LabelledDocument, result: DocumentResult) -> Item:
    """The document's one five-way question with the answer that the result's two stances give."""
    answers = {}
    for label in document.stances:
        sentence = find_sentence(result, label.sentence, label.target)
        answers[label.holder, label.target] = _stance(sentence, label.holder, label.target)
    forward, backward = answers["p", "q"], answers["q", "p"]
    scores = five_way(forward, backward)
    base = _item(document, document.stances[0].sentence, "p", "q", DSE_LABELS[dse_label(document)], forward)
    return replace(
        base,
        label=DSE_LABELS[int(np.argmax(scores))],
        probabilities=scores,
        abstained=any(a is not None and a.abstained for a in (forward, backward)),
        answered=forward is not None or backward is not None,
    )


def five_way(forward: StanceResult | None, backward: StanceResult | None) -> tuple[float, ...]:
    """Probabilities of DSE's five answers; a direction without an answer is neutral."""
    one, two = (
        answer.scores if answer else dict(zip(STANCES, _SILENCE, strict=True)) for answer in (forward, backward)
    )
    scores = np.array([one[p] * two[q] for p, q in DSE_PAIRS])
    # Both directions may be certain of a stance, which none of the five answers can say.
    return tuple(float(s) for s in (scores / scores.sum() if scores.sum() else np.full(len(scores), 0.2)))
