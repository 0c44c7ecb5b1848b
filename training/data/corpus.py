"""The project's own corpus: from the working markup to labelled documents, splits, agreement."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import train_test_split

from stance.labelled import LabelledDocument, SentimentLabelled, StanceLabelled
from stance.schema import AUTHOR, Actor, Mention
from training.data.errors import DataError, RowProblem
from training.data.markup import MarkedDocument, parse_markup

SOURCE = "stance-corpus"
LICENSE = "CC-BY-4.0"


def compile_markup(paths: Iterable[Path]) -> list[LabelledDocument]:
    """Return the documents of the markup files with every label in scope written out.

    Sentences are joined by one space, a heading is set off by an empty line. Neutral is explicit: for
    the sentiment of every actor a sentence mentions, and for every ordered pair of the codebook's
    section 4, with `author` toward every mentioned actor. Raise `DataError` that lists every bad line.
    """
    return [_document(marked) for marked in parse_markup(paths)]


def _document(marked: MarkedDocument) -> LabelledDocument:
    text, spans = _text(marked)
    mentions, sentiment, stances = [], [], []
    for index, (sentence, span) in enumerate(zip(marked.sentences, spans, strict=True)):
        mentions += [
            Mention(actor=m.actor, start=span[0] + m.start, end=span[0] + m.end, kind=m.kind) for m in sentence.mentions
        ]
        for actor in sentence.actors:
            label = sentence.sentiment.get(actor, "neutral")
            sentiment.append(SentimentLabelled(sentence=span, actor=actor, label=label))
        for holder, target in _pairs(marked, index):
            stance = sentence.stances.get((holder, target), "neutral")
            stances.append(StanceLabelled(sentence=span, holder=holder, target=target, label=stance))
    return LabelledDocument(
        id=marked.id,
        text=text,
        source=SOURCE,
        license=LICENSE,
        actors=[Actor(id=actor.id, name=actor.name, type=actor.type) for actor in marked.actors.values()],
        mentions=mentions,
        sentiment=sentiment,
        stances=stances,
        sentences=spans,
        mentions_complete=True,
    )


def _text(marked: MarkedDocument) -> tuple[str, list[list[int]]]:
    text = ""
    spans = []
    for index, sentence in enumerate(marked.sentences):
        if index:
            text += "\n\n" if sentence.heading or marked.sentences[index - 1].heading else " "
        spans.append([len(text), len(text) + len(sentence.text)])
        text += sentence.text
    return text, spans


def _pairs(marked: MarkedDocument, index: int) -> Iterator[tuple[str, str]]:
    for holder in [*marked.holders(index), AUTHOR]:
        for target in marked.sentences[index].actors:
            if holder != target:
                yield holder, target


def writer(document: LabelledDocument) -> str:
    """Return who wrote a document: its id up to the first hyphen."""
    return document.id.partition("-")[0]


def split_documents(
    documents: Sequence[LabelledDocument],
    seed: int,
    fractions: Mapping[str, float],
    minimum: Mapping[str, int] | None = None,
) -> dict[str, list[LabelledDocument]]:
    """Return `train`, `dev` and `test`, each writer's share alike in all three.

    `fractions` has the shares of `dev` and `test`; where a share falls short of `minimum` (by default 40
    documents in dev, 52 in test), it is made up from training. The order of `documents` does not matter.
    Raise `ValueError` where too few documents are left to train on.
    """
    least = {"dev": 40, "test": 52} if minimum is None else minimum
    rest = sorted(documents, key=lambda document: document.id)
    sizes = {name: max(least.get(name, 0), round(fractions[name] * len(rest))) for name in ("test", "dev")}
    if sum(sizes.values()) >= len(rest):
        raise ValueError(f"{len(rest)} documents are too few for {sizes['dev']} in dev and {sizes['test']} in test")
    splits = {}
    for name, size in sizes.items():
        if size:
            writers = [writer(document) for document in rest]
            rest, splits[name] = train_test_split(rest, test_size=size, random_state=seed, stratify=writers)
        else:
            splits[name] = []
    parts = {"train": rest, **splits}
    return {name: sorted(parts[name], key=lambda document: document.id) for name in ("train", "dev", "test")}


@dataclass(frozen=True)
class LabelAgreement:
    """How far two annotators agree over `items` labels.

    `raw` is None without any label, `kappa` also where one label makes it undefined.
    """

    items: int
    raw: float | None
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """How far two annotators agree over the same texts.

    `stance_decided` counts only the pairs that at least one of them did not call neutral.
    """

    documents: int
    sentiment: LabelAgreement
    stance: LabelAgreement
    stance_decided: LabelAgreement
    mention_f1: float


def agreement(first: Sequence[LabelledDocument], second: Sequence[LabelledDocument]) -> Agreement:
    """Compare two annotations of the documents that both have, by id.

    The annotators' actors are matched by the mention spans they share, so ids may differ. Labels are
    compared where both gave one; mentions by span and actor. Raise `ValueError` where no document is
    shared, and `DataError` where a shared one has two texts.
    """
    others = {document.id: document for document in second}
    pairs = [(document, others[document.id]) for document in first if document.id in others]
    if not pairs:
        raise ValueError("the two annotations share no document id")
    differing = [
        RowProblem(one.id, 0, "text", "differs between the annotators") for one, two in pairs if one.text != two.text
    ]
    if differing:
        raise DataError(differing)
    sentiment: list[tuple[str, str]] = []
    stance: list[tuple[str, str]] = []
    shared = total = 0
    for one, two in pairs:
        names = _matched_actors(one, two)
        sentiment += _both(_sentiment_labels(one, {}), _sentiment_labels(two, names))
        stance += _both(_stance_labels(one, {}), _stance_labels(two, names))
        spans, other_spans = _mention_keys(one, {}), _mention_keys(two, names)
        shared += len(spans & other_spans)
        total += len(spans) + len(other_spans)
    return Agreement(
        documents=len(pairs),
        sentiment=_label_agreement(sentiment),
        stance=_label_agreement(stance),
        stance_decided=_label_agreement([pair for pair in stance if pair != ("neutral", "neutral")]),
        mention_f1=2 * shared / total if total else 1.0,
    )


def _matched_actors(one: LabelledDocument, two: LabelledDocument) -> dict[str, str]:
    """Map each actor of `two` to the actor of `one` with which it shares most spans, each at most once."""
    owners = {(mention.start, mention.end): mention.actor for mention in one.mentions}
    shared: Counter[tuple[str, str]] = Counter()
    for mention in two.mentions:
        if (mention.start, mention.end) in owners:
            shared[mention.actor, owners[mention.start, mention.end]] += 1
    names = {AUTHOR: AUTHOR}
    for (actor, owner), _ in shared.most_common():
        if actor not in names and owner not in names.values():
            names[actor] = owner
    # What matches nobody must not meet an actor of the first annotator by the same id.
    return {actor.id: f"second:{actor.id}" for actor in two.actors} | names


def _sentiment_labels(document: LabelledDocument, names: dict[str, str]) -> dict[Hashable, str]:
    return {(*s.sentence, names.get(s.actor, s.actor)): s.label for s in document.sentiment}


def _stance_labels(document: LabelledDocument, names: dict[str, str]) -> dict[Hashable, str]:
    return {
        (*s.sentence, names.get(s.holder, s.holder), names.get(s.target, s.target)): s.label for s in document.stances
    }


def _mention_keys(document: LabelledDocument, names: dict[str, str]) -> set[Hashable]:
    return {(m.start, m.end, names.get(m.actor, m.actor)) for m in document.mentions}


def _both(one: dict[Hashable, str], two: dict[Hashable, str]) -> list[tuple[str, str]]:
    return [(label, two[key]) for key, label in one.items() if key in two]


def _label_agreement(pairs: list[tuple[str, str]]) -> LabelAgreement:
    if not pairs:
        return LabelAgreement(0, None, None)
    one, two = zip(*pairs, strict=True)
    raw = sum(a == b for a, b in pairs) / len(pairs)
    kappa = float(cohen_kappa_score(one, two)) if len({*one, *two}) > 1 else None
    return LabelAgreement(len(pairs), raw, kappa)
