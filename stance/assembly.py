"""Gathers what the heads say of a document's windows and makes the document's result of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stance.artifact import HeadSettings, Manifest
from stance.finding import Found
from stance.kinds import TOLD_BY_NAME, own_states, plausible
from stance.prepare import Prepared
from stance.queries import ActorQueries
from stance.relations import relations_of
from stance.schema import (
    ACTOR_TYPES,
    AUTHOR,
    SENTIMENTS,
    STANCES,
    Actor,
    ActorResult,
    ActorType,
    DocumentResult,
    Mention,
    MentionResult,
    SentenceResult,
    SentimentResult,
    StanceResult,
)

Floats = NDArray[np.float32]


class Assembly:
    """One document's answers, gathered window by window in any order.

    A sentence cut into several segments gets the mean of their probabilities.
    """

    def __init__(self, prepared: Prepared, manifest: Manifest) -> None:
        """Begin with the mentions that are known before the encoder reads."""
        self.prepared = prepared
        self.manifest = manifest
        self._sentiment: dict[tuple[int, str], list[Floats]] = {}
        self._stance: dict[tuple[int, str, str], list[tuple[Floats, int]]] = {}
        self._names: dict[str, list[Floats]] = {}
        self._name_scores: dict[int, float] = {}
        self._phrases: dict[tuple[int, int], tuple[Mention, float]] = {}

    def add(self, asked: ActorQueries, sentiment: Floats, stance: Floats) -> None:
        """Take in one window's probabilities, rows as in `asked`."""
        for query, scores in zip(asked.sentiment, sentiment, strict=True):
            self._sentiment.setdefault((query.sentence, query.actor), []).append(scores)
        for pair, scores in zip(asked.stances, stance, strict=True):
            key = (pair.sentence, pair.holder, pair.target)
            self._stance.setdefault(key, []).append((scores, pair.holder_sentence))

    def add_mentions(self, found: Found, links: Mapping[int, float], names: Mapping[int, Floats]) -> None:
        """Take in one window's linked phrases and the class probabilities of its names."""
        for index, classes in names.items():
            mention = found.mentions[index]
            self._names.setdefault(mention.actor, []).append(classes)
            self._name_scores[index] = float(1.0 - classes[0])
        if not links:
            return
        scored = {s.sentence for s in found.window.segments[found.window.first_scored :]}
        for located in found.window.mentions:
            if located.index in links and found.window.segments[located.segment].sentence in scored:
                mention = found.mentions[located.index]
                self._phrases[mention.start, mention.end] = (mention, links[located.index])

    def result(self, include_neutral: bool) -> DocumentResult:
        """The document as the contract has it."""
        actors = self._decided()
        mentions = self._mentions(actors)
        sentences = [
            SentenceResult(index=s.index, start=s.start, end=s.end, text=self.prepared.document.text[s.start : s.end])
            for s in self.prepared.sentences
        ]
        for sentence, found in zip(sentences, self._by_sentence(mentions), strict=True):
            sentence.mentions.extend(found)
        self._fill_sentiment(sentences, actors)
        stances = self._stances(actors)
        for index, stance in stances:
            if include_neutral or stance.label != "neutral":
                sentences[index].stances.append(stance)
        return DocumentResult(
            id=self.prepared.document.id,
            model=self.manifest.tag,
            language=self.manifest.language,
            actors=self._actor_results(actors, mentions),
            sentences=sentences,
            relations=relations_of(stances),
        )

    def _decided(self) -> dict[str, Actor]:
        """The actors to report; names that rules found must convince the name head first."""
        if not self.prepared.undecided:
            return self.prepared.actors
        chosen = {}
        threshold = self.manifest.heads["name"].threshold
        for key, actor in self.prepared.actors.items():
            rows = self._names.get(key)
            if not rows:
                continue
            mean = _mean(rows)
            known = key in self.prepared.known
            if known or 1.0 - mean[0] >= threshold:
                told = known or key in self.prepared.titled or actor.type in TOLD_BY_NAME
                likely = plausible(actor.name, mean[1:])
                kind: ActorType = actor.type if told else ACTOR_TYPES[int(likely.argmax())]  # type: ignore[assignment]
                chosen[key] = actor.model_copy(update={"type": kind})
        return chosen

    def _mentions(self, actors: Mapping[str, Actor]) -> list[MentionResult]:
        text = self.prepared.document.text
        rows = [(m, self._name_scores.get(i, 1.0)) for i, m in enumerate(self.prepared.mentions)]
        rows += list(self._phrases.values())
        return [
            MentionResult(
                actor=m.actor, start=m.start, end=m.end, text=text[m.start : m.end], kind=m.kind, score=round(score, 4)
            )
            for m, score in sorted(rows, key=lambda row: (row[0].start, row[0].end))
            if m.actor in actors
        ]

    def _by_sentence(self, mentions: list[MentionResult]) -> list[list[MentionResult]]:
        """Mentions by the sentence in which they start; one that starts outside of all sentences is in none."""
        sentences = self.prepared.sentences
        groups: list[list[MentionResult]] = [[] for _ in sentences]
        at = 0
        for mention in mentions:
            while at < len(sentences) and sentences[at].end <= mention.start:
                at += 1
            if at < len(sentences) and sentences[at].start <= mention.start:
                groups[at].append(mention)
        return groups

    def _fill_sentiment(self, sentences: list[SentenceResult], actors: Mapping[str, Actor]) -> None:
        head = self.manifest.heads["sentiment"]
        for (index, actor), rows in self._sentiment.items():
            if actor in actors:
                label, confidence, abstained, scores = decide(_mean(rows), SENTIMENTS, head)
                sentences[index].sentiment.append(
                    SentimentResult(
                        actor=actor,
                        label=label,  # type: ignore[arg-type]
                        confidence=confidence,
                        abstained=abstained,
                        scores=scores,  # type: ignore[arg-type]
                    )
                )

    def _stances(self, actors: Mapping[str, Actor]) -> list[tuple[int, StanceResult]]:
        head = self.manifest.heads["stance"]
        found = []
        read = {key: _mean([scores for scores, _ in rows]) for key, rows in self._stance.items()}
        shown = self._shown_here(read)
        asked = {actor for _, holder, target in read for actor in (holder, target)}
        own = own_states({key: actors[key] for key in sorted(asked.intersection(actors))})
        for (index, holder, target), rows in sorted(self._stance.items(), key=lambda item: item[0][0]):
            if target not in actors or (holder not in actors and holder != AUTHOR):
                continue
            probabilities = read[index, holder, target]
            if max(sentence for _, sentence in rows) < index:
                probabilities = explained_away(probabilities, shown.get((index, target)))
            if target in own.get(holder, ()):
                probabilities = of_own_state(probabilities)
            label, confidence, abstained, scores = decide(probabilities, STANCES, head)
            found.append(
                (
                    index,
                    StanceResult(
                        holder=holder,
                        target=target,
                        label=label,  # type: ignore[arg-type]
                        confidence=confidence,
                        abstained=abstained,
                        holder_sentence=max(sentence for _, sentence in rows),
                        scores=scores,  # type: ignore[arg-type]
                    ),
                )
            )
        return found

    def _shown_here(self, read: Mapping[tuple[int, str, str], Floats]) -> dict[tuple[int, str], Floats]:
        """For each (sentence, target) the highest probabilities among the holders that the sentence itself mentions."""
        best: dict[tuple[int, str], Floats] = {}
        for (index, holder, target), scores in read.items():
            if holder != AUTHOR and any(sentence == index for _, sentence in self._stance[index, holder, target]):
                key = (index, target)
                best[key] = np.maximum(best[key], scores) if key in best else scores
        return best

    def _actor_results(self, actors: Mapping[str, Actor], mentions: list[MentionResult]) -> list[ActorResult]:
        counts: dict[str, int] = {}
        for mention in mentions:
            counts[mention.actor] = counts.get(mention.actor, 0) + 1
        return [ActorResult(id=a.id, name=a.name, type=a.type, mentions=counts.get(a.id, 0)) for a in actors.values()]


def _mean(rows: Sequence[Floats]) -> Floats:
    """The mean of equally long rows: of one row, as it mostly is, the row itself."""
    return rows[0] if len(rows) == 1 else np.mean(rows, axis=0)


def explained_away(probabilities: Floats, shown: Floats | None) -> Floats:
    """What is left of an earlier holder's stance where the sentence itself says who takes it.

    "Russia backs Haftar" needs no holder from the sentence before: of an earlier holder's probability of a label, the
    share that a holder in the sentence accounts for goes to neutral. (In the project's training corpus 14 of the 249
    stances with an earlier holder have a holder of the same label toward the same target in the sentence.)
    """
    if shown is None:
        return probabilities
    neutral = STANCES.index("neutral")
    left = probabilities * (1.0 - shown)
    left[neutral] = 0.0
    left[neutral] = 1.0 - left.sum()
    return left


#: The odds of a body being against its own state, as a share of those for other states: in the corpus, train and dev,
#: 0 of 362 labels (counted as a half) after 74 of 1,057.
OWN_STATE_ODDS = 0.02


def of_own_state(probabilities: Floats) -> Floats:
    """What a body's stance toward its own state is likely to be, when the sentence alone gives `probabilities`.

    "Russia's aircraft were followed by the US, said US Africa Command": a model that reads no names cannot know that
    the command does not accuse the US.
    """
    weighted = probabilities * np.where(np.arange(len(STANCES)) == STANCES.index("against"), OWN_STATE_ODDS, 1.0)
    return (weighted / weighted.sum()).astype(probabilities.dtype)


def decide(
    probabilities: Floats, labels: tuple[str, ...], head: HeadSettings
) -> tuple[str, float, bool, dict[str, float]]:
    """Label, confidence, whether the model abstains, and scores that are rounded yet sum to 1."""
    given = probabilities.tolist()
    best = given.index(max(given))
    rounded = [round(p, 4) for p in given]
    rounded[best] = round(1.0 - sum(p for i, p in enumerate(rounded) if i != best), 4)
    # What the sum takes from a near tie must not put another label on top.
    top = rounded.index(max(rounded))
    rounded[best], rounded[top] = rounded[top], rounded[best]
    return labels[best], rounded[best], rounded[best] < head.threshold, dict(zip(labels, rounded, strict=True))
