"""What is in labelled data, and what is wrong with it: counts, near-duplicates, leaks, contradictions."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from datasketch import MinHash, MinHashLSH

from stance.labelled import LabelledDocument

#: Texts are compared by their sets of character runs of this length.
SHINGLE = 5

#: Hash functions a text: the estimate that picks candidates has a standard error of about 0.09.
PERMUTATIONS = 128

#: How many actors `Stats.frequent` lists.
FREQUENT = 20

#: Candidates are picked a little under the threshold, since each is then measured exactly.
SLACK = 0.1


@dataclass(frozen=True)
class ActorCounts:
    """How often one name is an actor, and what the labels say of it: its sentiment, its stances by role."""

    name: str
    documents: int
    sentiment: dict[str, int]
    as_holder: dict[str, int]
    as_target: dict[str, int]


@dataclass(frozen=True)
class Stats:
    """Counts over documents; each mapping is from a label (or kind, type, source) to a count.

    `frequent` are the `FREQUENT` actors that most documents have, by name. `unanchored` counts labels on an actor
    without a mention in the label's sentence: sentiments and targets that no span can answer for (a stance's holder
    may stand elsewhere).
    """

    documents: int
    characters: int
    sources: dict[str, int]
    actors: dict[str, int]
    mentions: dict[str, int]
    sentiment: dict[str, int]
    stances: dict[str, int]
    unanchored: int
    frequent: list[ActorCounts]


@dataclass(frozen=True)
class SimilarPair:
    """Two documents, by id, and the Jaccard similarity of their texts; 1.0 where they are the same."""

    first: str
    second: str
    similarity: float


@dataclass(frozen=True)
class Conflict:
    """One question with more than one answer: its sentence, its actors' names, the documents of each label."""

    sentence: str
    actors: tuple[str, ...]
    labels: dict[str, list[str]]


def normalise(text: str) -> str:
    """Return what two copies of one text share: letters and digits in lower case, single spaces."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def stats(documents: Iterable[LabelledDocument]) -> Stats:
    """Count documents, actors, mentions and labels."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    number = characters = unanchored = 0
    for document in documents:
        number += 1
        characters += len(document.text)
        counts["sources"][document.source] += 1
        counts["actors"].update(actor.type for actor in document.actors)
        counts["mentions"].update(mention.kind for mention in document.mentions)
        counts["sentiment"].update(label.label for label in document.sentiment)
        counts["stances"].update(label.label for label in document.stances)
        unanchored += sum(1 for _ in _unanchored(document))
        _count_names(document, counts)
    parts = {
        name: dict(counts[name].most_common()) for name in ("sources", "actors", "mentions", "sentiment", "stances")
    }
    frequent = [_counts_of(name, counts) for name, _ in counts["names"].most_common(FREQUENT)]
    return Stats(documents=number, characters=characters, unanchored=unanchored, frequent=frequent, **parts)


def _count_names(document: LabelledDocument, counts: dict[str, Counter[str]]) -> None:
    """Add a document to the counts "names" (documents of each name) and "role name" (its labels in that role)."""
    names = {actor.id: actor.name for actor in document.actors}
    counts["names"].update(set(names.values()))
    for sentiment in document.sentiment:
        counts[f"sentiment {names[sentiment.actor]}"][sentiment.label] += 1
    for stance in document.stances:
        counts[f"target {names[stance.target]}"][stance.label] += 1
        if stance.holder in names:
            counts[f"holder {names[stance.holder]}"][stance.label] += 1


def _counts_of(name: str, counts: dict[str, Counter[str]]) -> ActorCounts:
    said = [dict(counts[f"{role} {name}"].most_common()) for role in ("sentiment", "holder", "target")]
    return ActorCounts(name, counts["names"][name], *said)


def near_duplicates(documents: Sequence[LabelledDocument], threshold: float = 0.8) -> list[SimilarPair]:
    """Return the pairs of documents whose texts are at least `threshold` alike, the most alike first.

    MinHash picks the candidates, so the work grows with the number of texts and of pairs found, not with
    its square; very few pairs near the threshold are missed. See `leakage` for pairs between two sets.
    """
    index = Index(threshold)
    pairs: list[SimilarPair] = []
    for document in documents:
        pairs += index.matches(document)
        index.add(document)
    return sorted(pairs, key=most_alike_first)


def leakage(
    train: Iterable[LabelledDocument], other: Iterable[LabelledDocument], threshold: float = 0.8
) -> list[SimilarPair]:
    """Return the pairs of a training document and another split's that are the same or nearly so."""
    index = Index(threshold, train)
    pairs = [pair for document in other for pair in index.matches(document)]
    return sorted(pairs, key=most_alike_first)


def conflicts(documents: Iterable[LabelledDocument]) -> list[Conflict]:
    """Return the questions that were answered in two ways: same sentence, same actors' names, other labels."""
    given: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    sentences: dict[tuple[str, ...], str] = {}
    for document in documents:
        for span, actors, label in answers(document):
            sentence = document.text[slice(*span)]
            key = (normalise(sentence), *actors)
            sentences.setdefault(key, sentence)
            given[key][label].append(document.id)
    return [
        Conflict(sentences[key], key[1:], {label: list(dict.fromkeys(ids)) for label, ids in labels.items()})
        for key, labels in given.items()
        if len(labels) > 1
    ]


class Index:
    """Texts by their MinHash; every candidate is measured by its true similarity."""

    def __init__(self, threshold: float, documents: Iterable[LabelledDocument] = ()) -> None:
        """Hold the documents. Raises `ValueError` for a threshold outside of its range."""
        if not 0.0 < threshold <= 1.0:
            raise ValueError(f"threshold must be above 0 and at most 1, not {threshold}")
        self.threshold = threshold
        self._lsh = MinHashLSH(threshold=max(threshold - SLACK, 0.05), num_perm=PERMUTATIONS)
        self._texts: list[tuple[str, str]] = []
        for document in documents:
            self.add(document)

    def add(self, document: LabelledDocument) -> None:
        """Hold one more document."""
        text = normalise(document.text)
        self._lsh.insert(len(self._texts), _min_hash(text))
        self._texts.append((document.id, text))

    def matches(self, document: LabelledDocument) -> Iterator[SimilarPair]:
        """The held documents (`first` of each pair) that are at least as alike to this one as the threshold."""
        text = normalise(document.text)
        for position in sorted(self._lsh.query(_min_hash(text))):
            other, other_text = self._texts[position]
            similarity = 1.0 if text == other_text else _jaccard(_shingles(text), _shingles(other_text))
            if similarity >= self.threshold:
                yield SimilarPair(other, document.id, similarity)


def _shingles(text: str) -> set[str]:
    return {text[start : start + SHINGLE] for start in range(max(1, len(text) - SHINGLE + 1))}


def _min_hash(text: str) -> MinHash:
    hashed = MinHash(num_perm=PERMUTATIONS)
    hashed.update_batch([shingle.encode() for shingle in _shingles(text)])
    return hashed


def _jaccard(one: set[str], two: set[str]) -> float:
    return len(one & two) / len(one | two)


def most_alike_first(pair: SimilarPair) -> tuple[float, str, str]:
    """The order of pairs in a report."""
    return -pair.similarity, pair.first, pair.second


def answers(document: LabelledDocument) -> Iterator[tuple[list[int], tuple[str, ...], str]]:
    """Yield each label of a document as `(sentence span, actors' names, label)`: a stance has two names."""
    names = {actor.id: normalise(actor.name) for actor in document.actors}
    for sentiment in document.sentiment:
        yield sentiment.sentence, (names[sentiment.actor],), sentiment.label
    for stance in document.stances:
        holder = names.get(stance.holder, stance.holder)
        yield stance.sentence, (holder, names[stance.target]), stance.label


def _unanchored(document: LabelledDocument) -> Iterator[str]:
    labels = [(s.sentence, s.actor) for s in document.sentiment] + [(s.sentence, s.target) for s in document.stances]
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for mention in document.mentions:
        spans[mention.actor].append((mention.start, mention.end))
    for (start, end), actor in labels:
        if not any(start <= first and last <= end for first, last in spans[actor]):
            yield actor
