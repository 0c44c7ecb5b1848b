"""`StanceClassifier`: documents in, results out. Evaluation, batch jobs and the service all call it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stance.artifact import SHIPPED, Manifest, read_manifest
from stance.assembly import Assembly
from stance.encoding import Window, WindowEncoder
from stance.finding import Found, find_phrases, link_queries, resolve_links
from stance.prepare import Prepared, prepare
from stance.queries import ActorQueries, Bag, actor_queries, average_bags, index_bags, pad
from stance.runtime import Runtime
from stance.schema import Document, DocumentResult

#: Windows are padded to a multiple of this many tokens and share a batch only with their like: so a window is
#: computed at the same shape whatever stands beside it, and a document's answer does not depend on its company.
LENGTH_STEP = 16
#: Tokens in one encoder call. More brings no speed on a few cores, only memory.
BATCH_TOKENS = 512

Floats = NDArray[np.float32]


class Task(NamedTuple):
    """One window of one document of a call."""

    owner: int
    window: Window


class StanceClassifier:
    """A model folder, ready to answer. Safe to call from several threads."""

    def __init__(self, folder: Path, manifest: Manifest, runtime: Runtime) -> None:
        """Use `load` instead, which checks the folder first."""
        self.folder = folder
        self.manifest = manifest
        self.runtime = runtime
        self.encoder = WindowEncoder(Tokenizer.from_file(str(folder / "tokenizer.json")), manifest.encoding)

    @classmethod
    def load(cls, model: str | Path | None = None, threads: int | None = None) -> StanceClassifier:
        """Load the shipped model, a folder, or a tag of the model store ("stance:latest").

        `threads` limits the cores that a call uses. Raises `ArtifactError` for a folder that is missing,
        altered or truncated, or a tag that the store does not have.
        """
        folder = resolve_model(model)
        return cls(folder, read_manifest(folder), Runtime(folder, threads))

    @property
    def tag(self) -> str:
        """The model's name, as every result carries it."""
        return self.manifest.tag

    def classify(
        self, documents: Sequence[Document], include_neutral: bool = False, author: bool = False
    ) -> list[DocumentResult]:
        """One result a document, in the order given.

        `include_neutral` also lists neutral stances; with `author` the text's own voice is a holder too. Raises
        `TooManyPairs` for a document with a sentence of more actors than can be paired.
        """
        assemblies = [Assembly(prepare(document), self.manifest) for document in documents]
        for batch in self._batches(assemblies):
            self._read(batch, assemblies, author)
        return [assembly.result(include_neutral) for assembly in assemblies]

    def _batches(self, assemblies: Sequence[Assembly]) -> Iterator[list[Task]]:
        """Windows of all documents in batches of one padded length each."""
        buckets: dict[int, list[Task]] = {}
        for owner, assembly in enumerate(assemblies):
            prepared = assembly.prepared
            for window in self.encoder.encode(prepared.document.text, prepared.sentences, prepared.mentions):
                if window.mentions or not prepared.fixed:
                    buckets.setdefault(-(-len(window.ids) // LENGTH_STEP), []).append(Task(owner, window))
        for steps, tasks in sorted(buckets.items()):
            size = max(1, BATCH_TOKENS // (steps * LENGTH_STEP))
            for at in range(0, len(tasks), size):
                yield tasks[at : at + size]

    def _read(self, batch: Sequence[Task], assemblies: Sequence[Assembly], author: bool) -> None:
        """Encode one batch once and answer all questions about it."""
        tokens = pad([task.window for task in batch], self.manifest.pad_id, LENGTH_STEP)
        hidden, tags = self.runtime.encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        prepared = [assemblies[task.owner].prepared for task in batch]
        found = self._find(batch, prepared, hidden, tags, assemblies)
        queries = [actor_queries(f.window, f.mentions, author) for f in found]
        for task, asked, answers in zip(batch, queries, self._answer(queries, hidden), strict=True):
            assemblies[task.owner].add(asked, *answers)

    def _find(
        self,
        batch: Sequence[Task],
        prepared: Sequence[Prepared],
        hidden: Floats,
        tags: Floats,
        assemblies: Sequence[Assembly],
    ) -> list[Found]:
        """The windows with the phrases that the mention heads add, where they are asked at all."""
        found = [
            Found(task.window, p.mentions, len(p.mentions))
            if p.fixed
            else find_phrases(task.window, p.mentions, tags[row], p.document.text)
            for row, (task, p) in enumerate(zip(batch, prepared, strict=True))
        ]
        if all(p.fixed for p in prepared):
            return found
        linked = []
        for task, window, names, links in zip(
            batch, found, *self._mention_scores(found, prepared, hidden), strict=True
        ):
            threshold = self.manifest.heads["same"].threshold
            resolved, scores = resolve_links(window, link_queries(window)[1], links, threshold)
            assemblies[task.owner].add_mentions(resolved, scores, names)
            linked.append(resolved)
        return linked

    def _mention_scores(
        self, found: Sequence[Found], prepared: Sequence[Prepared], hidden: Floats
    ) -> tuple[list[dict[int, Floats]], list[Floats]]:
        """For each window: class probabilities of its names by mention number, and its links' probabilities."""
        bags: list[list[Bag]] = []
        name_rows: list[tuple[int, int]] = []
        name_ids: list[list[int]] = []
        link_rows: list[tuple[int, int, int, int]] = []
        counts: list[tuple[list[int], int]] = []
        for f, p in zip(found, prepared, strict=True):
            window_bags, links = link_queries(f)
            first = sum(len(b) for b in bags)
            sentences = first + len(f.window.mentions)
            asked = [
                (i, m) for i, m in enumerate(f.window.mentions) if p.undecided and f.mentions[m.index].kind == "name"
            ]
            for place, mention in asked:
                span = f.mentions[mention.index]
                name_rows.append((first + place, 0))
                name_ids.append(self.encoder.name_ids(p.document.text[span.start : span.end]))
            for q in links:
                segment = f.window.mentions[q.phrase].segment
                link_rows.append((first + q.phrase, first + q.antecedent, sentences + segment, q.distance))
            bags.append(window_bags)
            counts.append(([m.index for _, m in asked], len(links)))
        names, links_ = self._run_mentions(bags, name_rows, name_ids, link_rows, hidden)
        return _split(names, links_, counts)

    def _run_mentions(
        self,
        bags: Sequence[Sequence[Bag]],
        name_rows: Sequence[tuple[int, int]],
        name_ids: Sequence[Sequence[int]],
        link_rows: Sequence[tuple[int, int, int, int]],
        hidden: Floats,
    ) -> tuple[Floats, Floats]:
        """Probabilities of all names [N, classes] and all links [Q] of a batch."""
        index, _ = index_bags(bags, hidden.shape[1])
        width = max((len(r) for r in name_ids), default=1)
        letters = np.zeros((max(len(name_ids), 1), width), dtype=np.int64)
        for row, ids in enumerate(name_ids):
            letters[row, : len(ids)] = ids
        links = columns(link_rows, 4)
        name_logits, link_logits = self.runtime.mentions(
            bags=average_bags(hidden, index) if len(index.offsets) else hidden[0, :1],
            mention=columns(name_rows, 2)[0],
            name_ids=letters,
            phrase=links[0],
            antecedent=links[1],
            phrase_sentence=links[2],
            distance=links[3],
        )
        heads = self.manifest.heads
        names = softmax(name_logits[: len(name_rows)], heads["name"].temperature)
        return names, sigmoid(link_logits[: len(link_rows)], heads["same"].temperature)

    def _answer(self, queries: Sequence[ActorQueries], hidden: Floats) -> list[tuple[Floats, Floats]]:
        """Calibrated sentiment [n, 3] and stance [p, 3] probabilities for each window's queries."""
        index, firsts = index_bags([q.bags for q in queries], hidden.shape[1])
        sentiment = [
            (f + s.actor_bag, f + s.sentence_bag) for q, f in zip(queries, firsts, strict=True) for s in q.sentiment
        ]
        stance = [
            (f + s.holder_bag, f + s.target_bag, f + s.sentence_bag, s.distance)
            for q, f in zip(queries, firsts, strict=True)
            for s in q.stances
        ]
        if not sentiment:
            return [(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))] * len(queries)
        actor, pair = columns(sentiment, 2), columns(stance, 4)
        sentiment_logits, stance_logits = self.runtime.actors(
            bags=average_bags(hidden, index),
            actor=actor[0],
            actor_sentence=actor[1],
            holder=pair[0],
            target=pair[1],
            pair_sentence=pair[2],
            distance=pair[3],
        )
        heads = self.manifest.heads
        sentiments = softmax(sentiment_logits[: len(sentiment)], heads["sentiment"].temperature)
        stances = softmax(stance_logits[: len(stance)], heads["stance"].temperature)
        first, second = _ends(len(q.sentiment) for q in queries), _ends(len(q.stances) for q in queries)
        return list(zip(np.split(sentiments, first), np.split(stances, second), strict=True))


def resolve_model(model: str | Path | None) -> Path:
    """The folder of a model: the shipped one, a folder, or a tag of the model store."""
    if model is None:
        return SHIPPED
    if ":" in str(model) and not Path(model).exists():
        from stance.store import stored_model

        return stored_model(str(model))
    return Path(model)


def columns(rows: Sequence[Sequence[int]], width: int) -> NDArray[np.int64]:
    """Rows as int64 columns [width, N]; one row of zeros where there are none, since graphs refuse none."""
    table = np.array(rows or [(0,) * width], dtype=np.int64)
    return np.ascontiguousarray(table.T)


def softmax(logits: Floats, temperature: float) -> Floats:
    """Probabilities of logits [N, K] at a temperature."""
    scaled = logits / temperature
    shifted = np.exp(scaled - scaled.max(-1, keepdims=True, initial=-np.inf))
    return shifted / shifted.sum(-1, keepdims=True)


def sigmoid(logits: Floats, temperature: float) -> Floats:
    """Probabilities of logits [N] at a temperature."""
    return 1.0 / (1.0 + np.exp(-logits / temperature))


def _ends(counts: Iterable[int]) -> list[int]:
    return list(np.cumsum(list(counts))[:-1])


def _split(
    names: Floats, links: Floats, counts: Sequence[tuple[list[int], int]]
) -> tuple[list[dict[int, Floats]], list[Floats]]:
    """Hand a batch's name and link probabilities back to its windows."""
    named, linked = [], []
    at_name = at_link = 0
    for indices, count in counts:
        named.append(dict(zip(indices, names[at_name : at_name + len(indices)], strict=True)))
        linked.append(links[at_link : at_link + count])
        at_name, at_link = at_name + len(indices), at_link + count
    return named, linked
